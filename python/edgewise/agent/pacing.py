"""When the store is asked again: at the poll interval give or take, later and later while it does not answer.

Reads no clock and draws no numbers by itself, so that it can be told both.
"""

from collections.abc import Callable
from typing import Final

JITTER: Final = 0.2  # of the interval, either way: nodes that were started together do not ask together
BACKOFF_MAX_S: Final = 15.0


class Pacing:
    """The intervals of one node."""

    def __init__(self, poll_s: float, draw: Callable[[], float]) -> None:
        self._poll_s = poll_s
        self._draw = draw
        self._failures = 0

    def after_success(self) -> float:
        """Say how long to wait after an answer."""
        self._failures = 0
        return self._around(self._poll_s)

    def after_failure(self) -> float:
        """Say how long to wait after a failure; never less than a poll, nor more than the longest pause."""
        longest = max(self._poll_s, BACKOFF_MAX_S)
        wait_s = min(self._poll_s * 2 ** min(self._failures, 16), longest)
        self._failures += 1
        return self._around(wait_s)

    def _around(self, wait_s: float) -> float:
        return wait_s * (1 - JITTER + 2 * JITTER * self._draw())
