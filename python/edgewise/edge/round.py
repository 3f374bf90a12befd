"""One round: all that was there when the event loop looked, read first, then worked off in order of arrival.

A round has `BUDGET_S` by the clock. What a request will take is foretold by what such requests took, but what has
passed is measured: a round that comes out dearer than foretold, since the processor gave less or more arrived, sheds
more of its end. Nothing waits for longer than two rounds, the one it arrived in and its own.
"""

from typing import Final

from edgewise.edge.costs import Costs

BUDGET_S: Final = 0.020


class Round:
    """The time of one round. The first in line is always worked on, however dear: a caller alone is never shed."""

    __slots__ = ("_behind_s", "_costs", "_is_off", "_lined_s", "_requests", "_shed_s", "_started_s")

    def __init__(self, costs: Costs, started_s: float, *, is_off: bool) -> None:
        self._costs = costs
        self._started_s = started_s
        self._is_off = is_off
        self._requests = 0
        self._lined_s = 0.0  # what working on all in line should take
        self._behind_s = 0.0  # what shedding all in line should take
        self._shed_s = 0.0  # what shedding took while the round was read

    def lines_up(self, route: str, size: int, now_s: float) -> bool:
        """Line a request up, unless those in line fill the round: it need not wait to be shed."""
        self._requests += 1
        cost_s = self._costs.full[route].of(size)
        if self._lined_s and not self._is_off and now_s - self._started_s + self._lined_s + cost_s > BUDGET_S:
            return False
        self._lined_s += cost_s
        self._behind_s += self._costs.shed[route].of(size)
        return True

    def was_shed(self, route: str, size: int, took_s: float) -> None:
        """Note what it took to shed a request that was not lined up."""
        self._shed_s += took_s
        self._costs.shed[route].learn(size, took_s)

    def begin_work(self, now_s: float) -> None:
        """All is read: learn what that took."""
        self._costs.server.learn(0, (now_s - self._started_s - self._shed_s) / max(self._requests, 1))

    def has_time(self, route: str, size: int, now_s: float) -> bool:
        """Say of the next in line whether there is time to work on it, and to shed all behind it."""
        self._behind_s -= self._costs.shed[route].of(size)
        passed_s = now_s - self._started_s
        return self._is_off or passed_s + self._costs.full[route].of(size) + self._behind_s <= BUDGET_S

    def was_answered(self, route: str, size: int, took_s: float, *, is_full: bool) -> None:
        """Learn from one that was in line."""
        costs = self._costs.full if is_full else self._costs.shed
        costs[route].learn(size, took_s)

    def used(self, now_s: float) -> float:
        """Say what share of its time it took."""
        return (now_s - self._started_s) / BUDGET_S
