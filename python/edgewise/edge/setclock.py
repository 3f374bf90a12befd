"""Whether this machine's clock was set while a worker serves: rules about the time of day follow it, so it is shown.

Sessions, ages and pauses do not: they go by the time that has passed. Mends nothing.
"""

import time
from typing import Final

from edgewise.edge.log import log

STEP_S: Final = 60.0  # less is what time servers trim
SHOWN_S: Final = 3600.0  # after which a clock that stays where it was put is taken to be right


def ahead_of_boot_s() -> float:
    """How far the clock on the wall is from the one that counts from the boot, and that nobody sets."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


class SetClock:
    """Follows the machine's clock for one worker; both moments that it compares are handed in."""

    def __init__(self, ahead_s: float) -> None:
        self._usual_s = ahead_s
        self._since_s: float | None = None

    @property
    def is_degraded(self) -> bool:
        """Whether the clock was set, and not set back since, within the last hour."""
        return self._since_s is not None

    def check(self, ahead_s: float, now_s: float) -> None:
        """Look at the clock. `now_s` is a monotonic clock's."""
        by_s = ahead_s - self._usual_s
        if abs(by_s) <= STEP_S:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s
            log.error("degraded", part="clock", detail=f"this machine's clock was set by {by_s:+.0f} s")
        elif now_s - self._since_s > SHOWN_S:
            self._usual_s, self._since_s = ahead_s, None
