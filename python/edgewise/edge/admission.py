"""Admission: what of the requests that arrived at once is worked on, and what gets its fallback instead.

A budget of the event loop's time. Every request that is let in takes what such requests have cost lately, measured,
plus what the server around it costs, and gives it back when it is done. So what is let in waits for no longer than the
budget; for the rest there is no time, and it is answered unparsed. It is a budget of time, asked when requests arrive:
handlers that never wait are never seen waiting, however many callers do.

Asked once per request on the event loop's thread only. It decides nothing about how a request is answered.
"""

import time
from typing import Final, Literal

import msgspec

Cause = Literal["gate", "age", "queue"]

BUDGET_S: Final = 0.010
ROUND_S: Final = 0.020  # what answering all that arrived at once should take, with what is shed of it
AGE_MAX_S: Final = 0.040
# Only where others wait too is time saved by not working on a request that was late by itself.
CROWD: Final = 16
LEARN: Final = 0.05  # weight of the newest cost
SURPRISE: Final = 4.0  # times what is known: dearer looks only what the machine held up
SHED: Final = "shed"
FIRST_COSTS_S: Final = {"decide": 0.000_1, "decide_batch": 0.001, "events": 0.000_1, SHED: 0.000_01}
FIRST_SERVER_S: Final = 0.000_04


class AdmissionAccount(msgspec.Struct, frozen=True, rename="camel"):
    """What a worker says of its admission; `level` is the share of the budget that was left at worst lately."""

    on: bool
    budget_ms: float
    level: float
    server_cost_us: int
    costs_us: dict[str, int]


class Ticket:
    """One request that was let in: what it was charged, and since when it is here."""

    __slots__ = ("_admission", "_cost_s", "_route", "_since_s")

    def __init__(self, admission: "Admission", route: str, cost_s: float) -> None:
        self._admission = admission
        self._route = route
        self._cost_s = cost_s
        self._since_s = time.perf_counter()

    def is_late(self) -> bool:
        """Whether it waited too long for its turn while others waited too."""
        return self._admission.waiting >= CROWD and time.perf_counter() - self._since_s > AGE_MAX_S

    def give_back(self, took_s: float | None) -> None:
        """Give back what was charged, once; `took_s` is what the event loop had to do for it, if it was worked on."""
        if self._cost_s:
            self._admission.done(self._route, self._cost_s, took_s)
            self._cost_s = 0.0


class Admission:
    """The budget of one worker."""

    def __init__(self, *, is_on: bool) -> None:
        self.is_on = is_on
        self.waiting = 0
        self.server_s = FIRST_SERVER_S
        self.costs_s = dict(FIRST_COSTS_S)
        self._limit_s = BUDGET_S
        self._shed_s = 0.0
        self._charged_s = 0.0
        self._most_s = 0.0

    def admit(self, route: str) -> Ticket | None:
        """Let a request in, or say that there is no time for it."""
        cost_s = self.costs_s[route] + self.server_s
        charged_s = self._charged_s + cost_s
        if charged_s > self._limit_s and self.waiting and self.is_on:
            self._most_s = BUDGET_S
            return None
        self.waiting += 1
        self._charged_s = charged_s
        return Ticket(self, route, cost_s)

    def is_full(self, route: str) -> bool:
        """Whether there is no time for a request now."""
        return self.is_on and self.waiting > 0 and self._charged_s + self.costs_s[route] + self.server_s > self._limit_s

    def shed(self, took_s: float) -> None:
        """Note what a request cost that was shed."""
        self._shed_s += took_s + self.server_s / 2  # it is parsed as any other, and the rest of the server left out
        self.learn(SHED, took_s)

    def end_round(self) -> None:
        """All that arrived at once was seen: where shedding alone takes long, less is let in of what comes next."""
        self._limit_s = max(0.0, min(BUDGET_S, ROUND_S - self._shed_s))
        self._shed_s = 0.0

    def done(self, route: str, cost_s: float, took_s: float | None) -> None:
        """Take back what a request was charged, and learn from it."""
        self._most_s = max(self._most_s, self._charged_s)
        self.waiting -= 1
        # Sums of fractions drift; whenever nothing waits they start anew.
        self._charged_s = self._charged_s - cost_s if self.waiting else 0.0
        if took_s is not None:
            self.learn(route, took_s)

    def learn(self, route: str, took_s: float) -> None:
        """Take what one request cost into the average of its route."""
        known_s = self.costs_s[route]
        self.costs_s[route] = known_s + LEARN * (min(took_s, SURPRISE * known_s) - known_s)

    def account(self) -> "AdmissionAccount":
        """Say for people what requests cost and how much of the budget was left at worst since it was last said."""
        return AdmissionAccount(
            on=self.is_on,
            budget_ms=BUDGET_S * 1e3,
            level=round(self._take_level(), 2),
            server_cost_us=round(self.server_s * 1e6),
            costs_us={route: round(cost_s * 1e6) for route, cost_s in self.costs_s.items()},
        )

    def _take_level(self) -> float:
        """Give the lowest that the budget has been since it was last asked, as a share of the whole."""
        most_s, self._most_s = self._most_s, self._charged_s
        return 1.0 - min(most_s / BUDGET_S, 1.0)
