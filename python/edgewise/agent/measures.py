"""How decisions go with each bundle of a node: the workers' counters, from the moment that this pair of bundles came.

Workers count the bundle for everybody and the one on trial in files of their own. Reads them; writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from edgewise._core import sum_counters
from edgewise.store import Measures

TRIAL_SUFFIX: Final = ".trial.counters"
_DECISIONS: Final = "edgewise_decisions_total"
_REQUESTS: Final = "edgewise_requests_total"
_DURATIONS: Final = "edgewise_request_duration_seconds"
_DECIDE: Final = ("decide", "decide_batch")

Buckets = tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts at one moment; buckets of durations are cumulative, by upper bound in seconds."""

    reasons: Mapping[str, int] = field(default_factory=dict)
    failed: int = 0
    buckets: Buckets = ()

    @classmethod
    def read(cls, files: Sequence[Path]) -> Self:
        """Add up the counters of all workers."""
        reasons: dict[str, int] = {}
        failed = 0
        buckets: Buckets = ()
        for name, _, _, samples in sum_counters(files):
            for labels, value in samples:
                if name == _DECISIONS and isinstance(value, int):
                    reasons[labels["reason"]] = value
                elif name == _REQUESTS and isinstance(value, int) and _is_failed_decision(labels):
                    failed += value
                elif name == _DURATIONS and not isinstance(value, int) and labels["route"] == "decide":
                    buckets = tuple((float(bound), count) for bound, count in value[0])
        return cls(reasons, failed, buckets)

    def since(self, before: Self) -> Self:
        """Give what has been counted after another moment; a file that was started anew counts from zero."""
        reasons = {name: max(0, count - before.reasons.get(name, 0)) for name, count in self.reasons.items()}
        earlier = dict(before.buckets)
        buckets = tuple((bound, max(0, count - earlier.get(bound, 0))) for bound, count in self.buckets)
        return type(self)(reasons, max(0, self.failed - before.failed), buckets)

    def measures(self) -> Measures:
        """Put the counts as a status has them."""
        return Measures(
            decisions=sum(self.reasons.values()),
            errors=self.reasons.get("ERROR", 0) + self.failed,
            fallbacks=self.reasons.get("FALLBACK", 0),
            p50_ms=self._quantile_ms(0.5),
            p95_ms=self._quantile_ms(0.95),
            p99_ms=self._quantile_ms(0.99),
            reasons={name: count for name, count in self.reasons.items() if count},
        )

    def _quantile_ms(self, share: float) -> float:
        """Estimate a quantile, evenly spread within its bucket; beyond the last bound it is that bound."""
        total = self.buckets[-1][1] if self.buckets else 0
        if not total:
            return 0.0
        rank = share * total
        for (low, below), (high, count) in pairwise(((0.0, 0), *self.buckets)):
            if count >= rank:
                if high == float("inf"):
                    return round(low * 1000, 3)
                return round((low + (high - low) * (rank - below) / (count - below)) * 1000, 3)
        return 0.0


def _is_failed_decision(labels: Mapping[str, str]) -> bool:
    return labels["route"] in _DECIDE and labels["status"] == "5xx"


class Meter:
    """The measures of the bundle for everybody and of the one on trial.

    Both since the pair of them came: what stable decided last week says nothing of what a trial does this morning.
    """

    def __init__(self, run_folder: Path) -> None:
        self._folder = run_folder
        self._pair: tuple[str | None, str | None] | None = None
        self._since: dict[str, Tally] = {}

    def read(self, digest: str | None, trial: str | None) -> tuple[Measures | None, Measures | None]:
        """Measure both; None for one that does not run."""
        files = sorted(self._folder.glob("worker-*.counters"))
        tried = [path for path in files if path.name.endswith(TRIAL_SUFFIX)]
        counted = {
            "stable": Tally.read([path for path in files if path not in tried]),
            "trial": Tally.read(tried),
        }
        if (digest, trial) != self._pair:
            self._pair, self._since = (digest, trial), counted
        stable, new = (counted[lane].since(self._since[lane]).measures() for lane in ("stable", "trial"))
        return stable if digest is not None else None, new if trial is not None else None
