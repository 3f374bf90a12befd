"""When to try again what may pass by itself: soon at first, then later and later. Tries nothing."""

import time
from typing import Final

RETRY_S: Final = 0.5
"""After which what may pass by itself is tried again, for the first time; then after twice as long, and so on."""
RETRY_MAX_S: Final = 8.0


class Retry:
    """When to try again: soon at first, then later and later."""

    def __init__(self) -> None:
        self._delay_s = 0.0
        self._due: float | None = None

    def is_due(self) -> bool:
        """Whether its time has come."""
        return self._due is not None and time.monotonic() >= self._due

    def put_off(self) -> None:
        """Try again later than the last time."""
        self._delay_s = min(max(2 * self._delay_s, RETRY_S), RETRY_MAX_S)
        self._due = time.monotonic() + self._delay_s

    def forget(self) -> None:
        """Try nothing again."""
        self._delay_s, self._due = 0.0, None
