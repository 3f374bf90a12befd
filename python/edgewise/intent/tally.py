"""What happened to the models of one worker, counted by model name: the counts outlive the swap of a model."""

from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

SkipReason = Literal["absent", "budget", "resting", "late", "failed"]
SKIP_REASONS: Final[tuple[SkipReason, ...]] = ("absent", "budget", "resting", "late", "failed")


class Counts(msgspec.Struct, kw_only=True, rename="camel"):
    """Counts of one model. Every call is a run or is skipped before it; `late` and `failed` are runs of no use.

    `skipped` counts by reason the calls that gave nothing.
    """

    runs: int = 0
    failures: int = 0
    seconds: float = 0.0
    skipped: dict[SkipReason, int] = msgspec.field(default_factory=lambda: dict.fromkeys(SKIP_REASONS, 0))

    def add(self, other: "Counts") -> None:
        """Add what another worker counted."""
        self.runs += other.runs
        self.failures += other.failures
        self.seconds += other.seconds
        for reason, count in other.skipped.items():
            self.skipped[reason] += count


class ModelStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One model as `/v1/status` shows it.

    A `refused` model was not loaded (`stage`, `code`, `detail` say why), a `resting` one failed too often in a row.
    """

    name: str
    digest: str
    state: Literal["ready", "resting", "refused"]
    trained_at: str | None = None
    age_seconds: float | None = None
    stage: str | None = None
    code: str | None = None
    detail: str | None = None
    openings: int = 0
    counts: Counts = msgspec.field(default_factory=Counts)


def add_up(workers: Iterable[Iterable[ModelStatus]]) -> dict[str, ModelStatus]:
    """Add up what the workers of a node say, by model name; the worst state of any of them is the node's."""
    nodes: dict[str, ModelStatus] = {}
    for statuses in workers:
        for status in statuses:
            before = nodes.get(status.name)
            nodes[status.name] = status if before is None else _worse(before, status)
    return nodes


_ORDER: Final = ("ready", "resting", "refused")


def _worse(one: ModelStatus, other: ModelStatus) -> ModelStatus:
    counts = Counts()
    counts.add(one.counts)
    counts.add(other.counts)
    worse = max(one, other, key=lambda status: _ORDER.index(status.state))
    changed: dict[str, Any] = {"counts": counts, "openings": one.openings + other.openings}
    return msgspec.structs.replace(worse, **changed)
