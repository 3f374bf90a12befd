"""When a worker that ended may be started again: soon after a steady life, later and later after short ones.

Starts nothing and reads no clock: moments are handed in, as `time.monotonic()` gives them.
"""

from typing import Final

FIRST_DELAY_S: Final = 0.25
DELAY_MAX_S: Final = 30.0
STEADY_S: Final = 60.0  # who lived so long starts with a clean sheet


class Backoff:
    """The lives and deaths at one index."""

    def __init__(self, now: float) -> None:
        self._born = now
        self._delay_s = 0.0
        self._due: float | None = None

    def started(self, now: float) -> None:
        """Begin a life."""
        self._born, self._due = now, None

    def due(self, now: float) -> float:
        """Say when to start again; asked again during one death, it says the same."""
        if self._due is None:
            delay_s = 0.0 if now - self._born >= STEADY_S else self._delay_s
            self._delay_s = min(max(2 * delay_s, FIRST_DELAY_S), DELAY_MAX_S)
            self._due = now + self._delay_s
        return self._due
