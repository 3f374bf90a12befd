"""Health of the whole node as any of its workers can tell: who lives, what is served, what is degraded."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from edgewise import __version__
from edgewise.bundle.contact import Refusal
from edgewise.bundle.slot import SwitchedOff
from edgewise.edge.confirmation import Confirmation
from edgewise.edge.rundir import Account, ledger_file, ledger_files, living, revision_asked_for
from edgewise.edge.switches import still_off
from edgewise.edge.worker import Worker
from edgewise.intent import ModelStatus, add_up, read_ledger, statuses, worst_states


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /readyz`: `generation` is the lowest that a worker serves, null if one serves none."""

    ready: bool
    generation: int | None
    workers: int


class WorkerStatus(Account, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What one worker says of itself, with what it counted of each model."""

    models: Mapping[str, ModelStatus] = {}


class OnTrial(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The bundle that serves some visitors beside the other."""

    digest: str
    subject_percent: float


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /v1/status`; `worker` is the one that answered, `generation` the lowest that a worker serves.

    `ageSeconds` is the time since the store last confirmed what is served; on a book, since that was read. `models` are
    those of the bundle, each as in the worker where it stands worst, with the counts of all workers.
    """

    node: str
    engine: str
    ready: bool
    generation: int | None
    digest: str | None
    source: str | None
    age_seconds: float | None
    trial: OnTrial | None
    disabled: list[SwitchedOff]
    nack: Refusal | None
    quarantined: list[str]
    problem: str | None
    degraded: list[str]
    models: dict[str, ModelStatus]
    worker: int
    workers_expected: int
    workers: list[WorkerStatus]


DEGRADED_BUNDLE: Final = "bundle"
DEGRADED_WORKERS: Final = "workers"
DEGRADED_TOKENS: Final = "tokens"  # some worker has not been given the newest ones yet


def readiness(worker: Worker) -> Readiness:
    """Ready means: as many workers as were asked for live, and each has loaded and self-tested a bundle."""
    settings = worker.settings
    return _readiness(living(settings.folder / "run"), settings.workers)


def _readiness(accounts: list[Account], expected: int) -> Readiness:
    serving = sum(account.generation is not None for account in accounts)
    oldest = furthest_behind(accounts)
    return Readiness(ready=serving >= expected, generation=oldest.generation if oldest else None, workers=serving)


def furthest_behind(accounts: list[Account]) -> Account | None:
    """Find the worker that serves the oldest; None while one serves nothing: it is behind all others."""
    serving = [account for account in accounts if account.generation is not None]
    if len(serving) < len(accounts):
        return None
    return min(serving, key=lambda account: (account.generation, account.slot), default=None)


def status(worker: Worker) -> Status:
    """Describe the node for people and for whoever watches it."""
    settings = worker.settings
    accounts = living(settings.folder / "run")
    ready = _readiness(accounts, settings.workers)
    served = worker.activation.served
    oldest = furthest_behind(accounts)
    sure = worker.confirmation()
    trial = served.trial if served else None
    return Status(
        node=settings.node,
        engine=__version__,
        ready=ready.ready,
        generation=oldest.generation if oldest else None,
        digest=oldest.digest if oldest else None,
        source=sure.source,
        age_seconds=sure.age_s,
        trial=OnTrial(digest=trial.digest, subject_percent=trial.percent) if trial else None,
        disabled=still_off(time.time(), served.disabled) if served else [],
        nack=sure.contact.refusal if sure.contact else None,
        quarantined=list(sure.contact.put_aside) if sure.contact else [],
        problem=sure.contact.problem if sure.contact else None,
        degraded=_degraded(worker, accounts, sure),
        models=statuses(worst_states(account.models for account in accounts), tallies_of_models(worker)),
        worker=worker.seat.number,
        workers_expected=settings.workers,
        workers=[_of_worker(account, settings.folder / "run") for account in accounts],
    )


def tallies_of_models(worker: Worker) -> dict[str, list[int]]:
    """Add up what all workers counted of each model, dead ones included: it still happened."""
    return add_up(map(read_ledger, ledger_files(worker.settings.folder / "run")))


def _of_worker(account: Account, folder: Path) -> WorkerStatus:
    known = {name: getattr(account, name) for name in account.__struct_fields__}
    models = statuses(account.models, read_ledger(ledger_file(folder, account.worker)))
    return WorkerStatus(**known | {"models": models})


def _degraded(worker: Worker, accounts: list[Account], sure: Confirmation) -> list[str]:
    parts = {part for account in accounts for part in account.degraded} | sure.degraded
    if len(accounts) < worker.settings.workers:
        parts.add(DEGRADED_WORKERS)
    if any(account.error or account.generation is None for account in accounts):
        parts.add(DEGRADED_BUNDLE)
    if any(account.revision < revision_asked_for(worker.settings.folder / "run") for account in accounts):
        parts.add(DEGRADED_TOKENS)
    return sorted(parts)
