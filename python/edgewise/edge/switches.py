"""What is switched off right now, of all that the slot says is: some of it ends by itself, by the node's clock.

Owns no clock: moments are handed in.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, Self

from edgewise.bundle.slot import SwitchedOff


class Switches(NamedTuple):
    """Scenarios and decision points that are off, and until when this holds, in seconds since the epoch."""

    scenarios: frozenset[str] = frozenset()
    points: frozenset[str] = frozenset()
    until_s: float | None = None

    @classmethod
    def at(cls, now_s: float, entries: Iterable[SwitchedOff]) -> Self:
        """Give what is off at a moment. An end that cannot be read never comes: better off than on by mistake."""
        held = still_off(now_s, entries)
        return cls(
            scenarios=frozenset(entry.scenario for entry in held if entry.point is None),
            points=frozenset(entry.point for entry in held if entry.point is not None),
            until_s=min((end for entry in held if (end := _end_s(entry)) is not None), default=None),
        )

    def is_over(self, now_s: float) -> bool:
        """Whether something of it has ended."""
        return self.until_s is not None and now_s >= self.until_s


def still_off(now_s: float, entries: Iterable[SwitchedOff]) -> list[SwitchedOff]:
    """Give the entries that have not ended by themselves."""
    return [entry for entry in entries if (end := _end_s(entry)) is None or end > now_s]


def _end_s(entry: SwitchedOff) -> float | None:
    try:
        return datetime.fromisoformat(entry.until).timestamp() if entry.until is not None else None
    except ValueError:
        return None
