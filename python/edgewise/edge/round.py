"""One round: all that was there when the event loop looked, in order of arrival.

What is short is answered as it is read, since reading is most of what it costs. The rest is read first and worked off
then. A round has `BUDGET_S` by the clock. What a request will take is foretold by what such requests took, but what has
passed is measured: a round that comes out dearer than foretold, since the processor gave less or more arrived, sheds
more of its end. Nothing waits for longer than two rounds, the one it arrived in and its own.
"""

from typing import Final, Literal

from edgewise.edge.costs import Costs

BUDGET_S: Final = 0.020

Outcome = Literal["full", "shed", "refused"]


class Round:
    """The time of one round. The first in line is always worked on, however dear: a caller alone is never shed."""

    __slots__ = ("_behind_s", "_costs", "_early_s", "_is_off", "_lined_s", "_requests", "_started_s")

    def __init__(self, costs: Costs, started_s: float, *, is_off: bool) -> None:
        self._costs = costs
        self._started_s = started_s
        self._is_off = is_off
        self._requests = 0
        self._lined_s = 0.0  # what working on all in line should take
        self._behind_s = 0.0  # what shedding all in line should take
        self._early_s = 0.0  # what answering took while the round was read

    def has_room(self, route: str, size: int, now_s: float) -> bool:
        """Count one that arrived, and say whether there is time for it besides those in line."""
        self._requests += 1
        passed_s = now_s - self._started_s
        is_first = self._requests == 1
        return self._is_off or is_first or passed_s + self._lined_s + self._costs.full[route].of(size) <= BUDGET_S

    def line_up(self, route: str, size: int) -> None:
        """Keep time for one that is worked on in its turn, or shed then."""
        self._lined_s += self._costs.full[route].of(size)
        self._behind_s += self._costs.shed[route].of(size)

    def was_answered_early(self, route: str, size: int, took_s: float, outcome: Outcome) -> None:
        """Learn from one that was answered while the round was read."""
        self._early_s += took_s
        self.was_answered(route, size, took_s, outcome)

    def begin_work(self, now_s: float) -> None:
        """All is read: learn what that took."""
        self._costs.server.learn(0, (now_s - self._started_s - self._early_s) / max(self._requests, 1))

    def has_time(self, route: str, size: int, now_s: float) -> bool:
        """Say of the next in line whether there is time to work on it, and to shed all behind it."""
        self._behind_s -= self._costs.shed[route].of(size)
        passed_s = now_s - self._started_s
        return self._is_off or passed_s + self._costs.full[route].of(size) + self._behind_s <= BUDGET_S

    def was_answered(self, route: str, size: int, took_s: float, outcome: Outcome) -> None:
        """Learn from one that was answered; what a refusal takes says nothing of either cost."""
        if outcome != "refused":
            costs = self._costs.full if outcome == "full" else self._costs.shed
            costs[route].learn(size, took_s)

    def used(self, now_s: float) -> float:
        """Say what share of its time it took."""
        return (now_s - self._started_s) / BUDGET_S
