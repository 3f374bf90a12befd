"""How much time a request has left, as its caller says it in `X-Edgewise-Budget-Ms`, and how long its answer took."""

import re
import time
from typing import Final

from edgewise._core import Counters
from edgewise.edge.problem import ProblemError

BUDGET_HEADER: Final = "x-edgewise-budget-ms"
BUDGET: Final = r"-?[0-9]{1,15}(\.[0-9]{1,9})?"
_BUDGET: Final = re.compile(BUDGET.encode())
_SHOWN_MAX: Final = 40


def budget_ms(header: bytes) -> float:
    """Read a budget in milliseconds; where several proxies set one each, the least counts.

    Raises:
        ProblemError: it is no number, or has too many digits.
    """
    found = []
    for text in header.split(b","):
        if not _BUDGET.fullmatch(text.strip()):
            shown = header[:_SHOWN_MAX].decode(errors="replace")
            raise ProblemError(400, f"`{shown}` is no plain number of milliseconds, such as `50`", field=BUDGET_HEADER)
        found.append(float(text))
    return min(found)


class Stopwatch:
    """Times one request. Its budget counts from its arrival; its answer from when the body is here or was given up.

    The upload is the caller's time: it is spent, but not by us.
    """

    __slots__ = ("_arrived", "_budget_ms", "_started", "counters", "models_s", "was_worked_on")

    def __init__(self, arrived: float | None = None, started: float | None = None) -> None:
        self._started = time.perf_counter() if started is None else started
        self._arrived = self._started if arrived is None else arrived
        self._budget_ms: float | None = None
        self.models_s = 0.0
        self.was_worked_on = False  # and neither refused nor shed
        self.counters: Counters | None = None  # where it counts, when that is not where all else does

    def allow(self, budget_ms: float) -> None:
        """Set the limit, counted from the arrival."""
        self._budget_ms = budget_ms

    def start(self) -> None:
        """Begin to answer."""
        self._started = time.perf_counter()

    def took_s(self) -> float:
        """Say how long the answer has taken."""
        return time.perf_counter() - self._started

    def left_ms(self) -> float | None:
        """Say how much of the budget is left; None when the caller set none."""
        if self._budget_ms is None:
            return None
        return self._budget_ms - (time.perf_counter() - self._arrived) * 1000

    def server_timing(self, took_s: float) -> bytes:
        """Say it in a header's words; models only when one was asked."""
        total = b"total;dur=%.3f" % (took_s * 1e3)
        return total if self.models_s == 0 else b"%b, models;dur=%.3f" % (total, self.models_s * 1e3)
