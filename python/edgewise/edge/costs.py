"""What requests cost lately, by the clock: learned from each that was answered, so it follows what the processor gives.

Owns the averages. What is done with them is the admission's.
"""

from typing import Final

LEARN: Final = 0.05  # weight of the newest
SURPRISE: Final = 4.0  # times what is known: dearer looks only what the machine held up
KIB: Final = 1024


class Cost:
    """What one kind of request costs: each alike, or in proportion to the size of its body."""

    __slots__ = ("_is_by_size", "_size", "_took_s", "each_s")

    def __init__(self, first_s: float, *, is_by_size: bool = False) -> None:
        self.each_s = self._took_s = first_s
        self._size = 1.0
        self._is_by_size = is_by_size

    def of(self, size: int) -> float:
        """Say what a request with a body of so many bytes should take."""
        return self.each_s * size / KIB if self._is_by_size else self.each_s

    def learn(self, size: int, took_s: float) -> None:
        """Take what one request took into the average; where sizes differ, the large ones tell more."""
        self._took_s += LEARN * (min(took_s, SURPRISE * self.of(size)) - self._took_s)
        if self._is_by_size:
            self._size += LEARN * (size / KIB - self._size)
        self.each_s = self._took_s / self._size


class Costs:
    """What the kinds of requests of one worker cost; the first ones tell, so they start out low."""

    def __init__(self) -> None:
        self.server = Cost(0.000_04)  # reading one, whatever becomes of it
        self.aside = Cost(0.000_1)  # what the event loop has to do for one that is worked on aside
        self.full = {"decide": Cost(0.000_02), "decide_batch": Cost(0.000_01, is_by_size=True)}
        self.shed = {"decide": Cost(0.000_01), "decide_batch": Cost(0.000_002, is_by_size=True)}

    def learn_full(self, route: str, size: int, took_s: float) -> None:
        """Learn from a request that was worked on, wherever that was."""
        if route in self.full:
            self.full[route].learn(size, took_s)

    def shown_us(self) -> dict[str, float]:
        """Give them for people, in microseconds: of batches, for each KiB of their body."""
        shed = {f"{route}_shed": cost for route, cost in self.shed.items()}
        shown = {**self.full, **shed, "aside": self.aside, "server": self.server}
        return {name: round(cost.each_s * 1e6, 1) for name, cost in shown.items()}
