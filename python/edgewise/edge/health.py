"""Health of the whole node as any of its workers can tell: who lives, what is served, what is degraded."""

import time
from typing import Final

import msgspec

from edgewise import __version__
from edgewise.edge.rundir import Account, living, revision_asked_for
from edgewise.edge.worker import Worker


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /readyz`: `generation` is the lowest that a worker serves, null if one serves none."""

    ready: bool
    generation: int | None
    workers: int


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /v1/status`; `worker` is the one that answered, `ageSeconds` the time since the slot changed."""

    node: str
    engine: str
    ready: bool
    generation: int | None
    digest: str | None
    source: str | None
    age_seconds: float | None
    degraded: list[str]
    worker: int
    workers_expected: int
    workers: list[Account]


DEGRADED_BUNDLE: Final = "bundle"
DEGRADED_WORKERS: Final = "workers"
DEGRADED_TOKENS: Final = "tokens"  # some worker has not been given the newest ones yet


def readiness(worker: Worker) -> Readiness:
    """Ready means: as many workers as were asked for live, and each has loaded and self-tested a bundle."""
    settings = worker.settings
    return _readiness(living(settings.folder / "run"), settings.workers)


def _readiness(accounts: list[Account], expected: int) -> Readiness:
    serving = [account.generation for account in accounts if account.generation is not None]
    return Readiness(
        ready=len(serving) >= expected,
        generation=min(serving) if len(serving) == len(accounts) and serving else None,
        workers=len(serving),
    )


def status(worker: Worker) -> Status:
    """Describe the node for people and for whoever watches it."""
    settings = worker.settings
    accounts = living(settings.folder / "run")
    ready = _readiness(accounts, settings.workers)
    served = worker.activation.served
    return Status(
        node=settings.node,
        engine=__version__,
        ready=ready.ready,
        generation=served.generation if served else None,
        digest=served.digest if served else None,
        source=served.source if served else None,
        age_seconds=age_seconds(worker),
        degraded=_degraded(worker, accounts),
        worker=worker.seat.number,
        workers_expected=settings.workers,
        workers=accounts,
    )


def age_seconds(worker: Worker) -> float | None:
    """Say how long ago the slot was written."""
    try:
        return round(max(0.0, time.time() - worker.activation.slot.file.stat().st_mtime), 3)
    except OSError:
        return None


def _degraded(worker: Worker, accounts: list[Account]) -> list[str]:
    parts = {part for account in accounts for part in account.degraded}
    if len(accounts) < worker.settings.workers:
        parts.add(DEGRADED_WORKERS)
    if any(account.error or account.generation is None for account in accounts):
        parts.add(DEGRADED_BUNDLE)
    if any(account.revision < revision_asked_for(worker.settings.folder / "run") for account in accounts):
        parts.add(DEGRADED_TOKENS)
    return sorted(parts)
