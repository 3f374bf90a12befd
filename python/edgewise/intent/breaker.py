"""The breaker of one model: after failures in a row it is left alone for a while. Reads no clock of its own."""

import threading
from collections.abc import Callable
from typing import Final, Literal

FAILURES_MAX: Final = 5
REST_S: Final = 30.0

BreakerState = Literal["closed", "open", "half_open"]


class Breaker:
    """Closed it lets every run through, open none, half open a single one, whose outcome closes or opens it again."""

    def __init__(self, clock: Callable[[], float], *, failures_max: int = FAILURES_MAX, rest_s: float = REST_S) -> None:
        self._clock = clock
        self._failures_max = failures_max
        self._rest_s = rest_s
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at: float | None = None
        self._is_trying = False
        self.openings = 0

    @property
    def state(self) -> BreakerState:
        """What the next run would meet."""
        opened_at = self._opened_at  # read once: another thread may close it meanwhile
        if opened_at is None:
            return "closed"
        return "half_open" if self._clock() - opened_at >= self._rest_s else "open"

    def allows(self) -> int | None:
        """Give a run that may go ahead a ticket, with which it must tell how it went; None when it may not.

        The ticket counts openings: what began before the last one says nothing of the model as it is tried again.
        """
        ticket = self.openings  # read first: an opening after this makes the ticket an old one
        if self._opened_at is None:
            return ticket
        with self._lock:
            if self._opened_at is not None:
                if self.state != "half_open" or self._is_trying:
                    return None
                self._is_trying = True
            return self.openings

    def succeeded(self, ticket: int) -> None:
        """A run gave what it should."""
        if self._failures == 0:
            return
        with self._lock:
            if ticket == self.openings:
                self._failures, self._opened_at, self._is_trying = 0, None, False

    def failed(self, ticket: int) -> bool:
        """A run failed, or gave what may not be used; answers whether that opened it."""
        with self._lock:
            if ticket != self.openings:
                return False
            self._failures += 1
            self._is_trying = False
            opens = self._failures >= self._failures_max
            if opens:
                self._opened_at = self._clock()  # before the count: who finds it closed gets an old ticket
                self.openings += 1
            return opens
