"""Keeps account of what was due and what was answered: a stalled node cannot hide behind callers that wait for it.

A visitor waits for an answer before asking again. While the node stalls, such callers fall silent and the latency of
what they did ask looks fine. So every page has the time at which it was due, whatever the node did before; what is
answered is held against what was due, and latency is also counted from then.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# What has been due for less than this when a run ends is not yet late.
GRACE_S = 1.0
FINE_MS, COARSE_MS = 10, 10_000


@dataclass(slots=True)
class Pace:
    """Requests due, answered and degraded; what was decided, and how long after its time each page had it."""

    due: int = 0
    answered: int = 0
    degraded: int = 0
    pages_ms: Counter[int] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)

    def page(self, requests: int, answered: int) -> None:
        """Note a page that was due: how many requests it has, and how many were answered."""
        self.due += requests
        self.answered += answered

    def decided(self, after_s: float, decisions: Mapping[str, Mapping[str, Any]]) -> None:
        """Note how long after its time a page had its decisions, and what they were."""
        self.pages_ms[_bucket(after_s * 1000)] += 1
        for one in decisions.values():
            self.decisions[f"{one['reason']} of {one['scenario']}" if one.get("scenario") else one["reason"]] += 1

    def percentile_ms(self, share: float) -> float:
        """Give the time within which a share of the pages was decided; 0 of none."""
        wanted, seen = share * self.pages_ms.total(), 0
        for value in sorted(self.pages_ms):
            seen += self.pages_ms[value]
            if seen >= wanted:
                return float(value)
        return 0.0

    def take(self) -> dict[str, Any]:
        """Give what has been noted since the last time, to be sent to where it is added up."""
        taken = {"due": self.due, "answered": self.answered, "degraded": self.degraded}
        counts = {"pages_ms": list(self.pages_ms.items()), "decisions": list(self.decisions.items())}
        self.due = self.answered = self.degraded = 0
        self.pages_ms.clear()
        self.decisions.clear()
        return {**taken, **counts}

    def add(self, taken: dict[str, Any]) -> None:
        """Add what another process has noted."""
        self.due += taken["due"]
        self.answered += taken["answered"]
        self.degraded += taken["degraded"]
        self.pages_ms.update(dict(taken["pages_ms"]))
        self.decisions.update(dict(taken["decisions"]))


def _bucket(value_ms: float) -> int:
    """Round, so that there are some hundreds of buckets at most: whole ms, then tens, then seconds."""
    step = 1 if value_ms < FINE_MS * 10 else FINE_MS if value_ms < COARSE_MS else 1000
    return round(max(0.0, value_ms) / step) * step
