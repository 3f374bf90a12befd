"""Admission: what of the requests that arrived at once is worked on, and what gets its fallback instead.

Plain requests are answered in rounds, which bound themselves (`round.py`). What goes the application's way waits in its
tasks, so a budget of the event loop's time is asked for it as it arrives, and given back when it is done.

Asked on the event loop's thread only. It decides nothing about how a request is answered.
"""

import time
from typing import Final, Literal

import msgspec

from edgewise.edge.costs import Cost, Costs
from edgewise.edge.round import BUDGET_S, Round

Cause = Literal["gate", "age", "queue"]

INLINE_MAX_S: Final = 0.005  # a batch that takes longer would hold up those behind it
SHORT_MAX_S: Final = 0.000_2  # what takes no longer is not worth a place in line: shedding it would save little
AGE_MAX_S: Final = 0.040
# Only where others wait too is time saved by not working on a request that was late by itself.
CROWD: Final = 16


class AdmissionAccount(msgspec.Struct, frozen=True, rename="camel"):
    """What a worker says of its admission; `level` is the share of the budget that was left at worst lately."""

    on: bool
    budget_ms: float
    level: float
    costs_us: dict[str, float]


class Ticket:
    """One request that goes the application's way: what it was charged, and since when it is here."""

    __slots__ = ("_admission", "_cost", "_cost_s", "_since_s")

    def __init__(self, admission: "Admission", cost: Cost | None, cost_s: float) -> None:
        self._admission = admission
        self._cost = cost
        self._cost_s = cost_s
        self._since_s = time.perf_counter()

    def is_late(self) -> bool:
        """Whether it waited too long for its turn while others waited too."""
        return self._admission.waiting >= CROWD and time.perf_counter() - self._since_s > AGE_MAX_S

    def give_back(self, took_s: float | None) -> None:
        """Give back what was charged, once; `took_s` is what the event loop did for it before it went aside."""
        if self._cost_s:
            if took_s is not None and self._cost is not None:
                self._cost.learn(0, took_s)
            self._admission.done(self._cost_s)
            self._cost_s = 0.0


class Admission:
    """The time of one worker."""

    def __init__(self, *, is_on: bool) -> None:
        self.is_on = is_on
        self.waiting = 0
        self.costs = Costs()
        self._charged_s = 0.0
        self._most = 0.0

    def is_inline(self, route: str, size: int) -> bool:
        """Whether a request is answered in a round: long batches work aside, and what waits for the disk."""
        cost = self.costs.full.get(route)
        return cost is not None and (route == "decide" or cost.of(size) <= INLINE_MAX_S)

    def is_short(self, route: str, size: int) -> bool:
        """Whether a request of a round is answered as it is read."""
        return self.costs.full[route].of(size) <= SHORT_MAX_S

    def begin_round(self, now_s: float) -> Round:
        """Begin a round with its first request."""
        return Round(self.costs, now_s, is_off=not self.is_on)

    def end_round(self, used: float) -> None:
        """Note what share of its time a round took."""
        self._most = max(self._most, used)

    def admit(self, route: str, size: int) -> Ticket | None:
        """Let a request go the application's way, or say that there is no time for it."""
        cost, cost_s = self._charge(route, size)
        charged_s = self._charged_s + cost_s
        if self.is_on and self.waiting and charged_s > BUDGET_S:
            self._most = 1.0
            return None
        self.waiting += 1
        self._charged_s = charged_s
        self._most = max(self._most, charged_s / BUDGET_S)
        return Ticket(self, cost, cost_s)

    def is_full(self, route: str, size: int) -> bool:
        """Whether there is no time for one more on the application's way."""
        return self.is_on and self.waiting > 0 and self._charged_s + self._charge(route, size)[1] > BUDGET_S

    def done(self, cost_s: float) -> None:
        """Take back what a request was charged."""
        self.waiting -= 1
        # Sums of fractions drift; whenever nothing waits they start anew.
        self._charged_s = self._charged_s - cost_s if self.waiting else 0.0

    def account(self) -> "AdmissionAccount":
        """Say for people what requests cost and how much of the budget was left at worst since it was last said."""
        most, self._most = self._most, self._charged_s / BUDGET_S
        level = round(1.0 - min(most, 1.0), 2)
        return AdmissionAccount(on=self.is_on, budget_ms=BUDGET_S * 1e3, level=level, costs_us=self.costs.shown_us())

    def _charge(self, route: str, size: int) -> tuple[Cost | None, float]:
        """Say what one costs the event loop, and which cost is learned from it."""
        costs = self.costs
        if self.is_inline(route, size):
            return None, costs.server.each_s + costs.full[route].of(size)
        return costs.aside, costs.server.each_s + costs.aside.each_s
