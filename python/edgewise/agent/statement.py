"""What the agent says: to the node's workers in the run folder, and to the store as the node's signed status.

Owns when it is said. Decides nothing.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from edgewise import __version__
from edgewise.agent.log import log
from edgewise.agent.origin import UNREACHABLE, Origin, OriginError
from edgewise.agent.settings import AgentSettings
from edgewise.agent.workers import WorkerAccount
from edgewise.bundle import Manifest
from edgewise.bundle.contact import Contact, ContactFile, Moment, Refusal
from edgewise.store import Generation, Measures, Nack, NodeStatus

EVERY_S: Final = 25.0  # a plan calls a node fresh for 120 s
ON_TRIAL_EVERY_S: Final = 5.0  # somebody waits for the figures
CHANGED_AFTER_S: Final = 0.5
FAILED_AFTER_S: Final = 5.0
STORE, BUNDLE, STATUS, WORKERS = "store", "bundle", "status", "workers"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that there is to say at one moment."""

    known: Generation | None
    present: Manifest | None
    workers: list[WorkerAccount]
    trouble: OriginError | None
    problems: tuple[str, ...]
    refusal: Refusal | None
    put_aside: tuple[str, ...]
    measured: tuple[Measures | None, Measures | None]


class Herald:
    """Says what changed at once and the rest now and then."""

    def __init__(self, settings: AgentSettings, origin: Origin) -> None:
        self._settings = settings
        self._origin = origin
        self._file = ContactFile(settings.folder)
        self._scribe = ThreadPoolExecutor(1, thread_name_prefix="scribe")
        self._writing: Future[None] | None = None
        self._report_trouble: str | None = None
        self._reported: NodeStatus | None = None
        self._report_at = 0.0
        self._is_confirmed = False
        before = self._file.read()
        self._confirmed = before.confirmed if before else None
        self._said: Contact | None = None
        self._is_heard = True

    def confirm(self, moment: Moment) -> None:
        """Note that the store has confirmed what runs."""
        self._confirmed, self._is_confirmed = moment, True

    def speak(self, facts: Facts, now_s: float) -> None:
        """Say what is to be said now."""
        self._collect(now_s)
        self._tell_workers(facts)
        status = self._status(facts)
        # A store that is gone is written to no more: a folder would come into being again, with nothing else in it.
        is_there = self._origin.is_open and (facts.trouble is None or facts.trouble.code != UNREACHABLE)
        if self._writing is None and is_there and now_s >= self._due(status):
            self._reported = status
            self._report_at = now_s
            self._writing = self._scribe.submit(self._origin.report, status)

    def close(self) -> None:
        """Wait for nothing."""
        self._scribe.shutdown(wait=False, cancel_futures=True)

    def _due(self, status: NodeStatus) -> float:
        if self._reported is None:
            return self._report_at
        if _gist(status) != _gist(self._reported):
            return self._report_at + CHANGED_AFTER_S
        return self._report_at + (EVERY_S if status.candidate is None else ON_TRIAL_EVERY_S)

    def _collect(self, now_s: float) -> None:
        if self._writing is None or not self._writing.done():
            return
        written, self._writing = self._writing, None
        trouble = None
        try:
            written.result()
        except Exception as error:  # noqa: BLE001, a status that is not written must not stop the node
            trouble = str(error) or type(error).__name__
            self._reported, self._report_at = None, now_s + FAILED_AFTER_S
        if trouble is not None and self._report_trouble is None:
            log.error("degraded", part=STATUS, detail=trouble)
        self._report_trouble = trouble

    def _degraded(self, facts: Facts) -> tuple[str, ...]:
        parts = {
            STORE: facts.trouble is not None,
            BUNDLE: facts.refusal is not None,
            STATUS: self._report_trouble is not None and facts.trouble is None,
        }
        return tuple(part for part, is_so in parts.items() if is_so)

    def _tell_workers(self, facts: Facts) -> None:
        contact = Contact(
            source="origin" if self._is_confirmed else "disk",
            generation=facts.known.generation if facts.known else None,
            confirmed=self._confirmed,
            degraded=self._degraded(facts),
            problem=_problem(facts, self._report_trouble),
            refusal=facts.refusal,
            put_aside=facts.put_aside,
        )
        if contact == self._said:
            return
        try:
            self._file.write(contact)
        except OSError as error:
            if self._is_heard:
                log.error("degraded", part="run folder", error=type(error).__name__)
            self._is_heard = False
        else:
            self._said, self._is_heard = contact, True

    def _status(self, facts: Facts) -> NodeStatus:
        served = [worker for worker in facts.workers if worker.generation is not None]
        oldest = min(served, key=lambda worker: worker.generation or 0, default=None)
        trials = {worker.trial for worker in served}
        degraded = {*self._degraded(facts), *(part for worker in facts.workers for part in worker.degraded)}
        if not served:
            degraded.add(WORKERS)
        stable, tried = facts.measured
        return NodeStatus(
            generation=oldest.generation or 0 if oldest else 0,
            digest=oldest.digest if oldest else None,
            candidate=next(iter(trials)) if len(trials) == 1 else None,
            engine=__version__,
            labels=self._settings.labels,
            source="origin" if self._is_confirmed else "disk",
            age_seconds=round(self._confirmed.age_s(), 3) if self._confirmed else 0.0,
            degraded=tuple(sorted(degraded)),
            nack=_nack(facts.refusal),
            quarantined=facts.put_aside,
            stable_measures=stable,
            candidate_measures=tried,
        )


def _nack(refusal: Refusal | None) -> Nack | None:
    if refusal is None:
        return None
    return Nack(
        generation=refusal.generation,
        digest=refusal.digest,
        stage=refusal.stage,
        code=refusal.code,
        detail=refusal.detail,
    )


def _problem(facts: Facts, report_trouble: str | None) -> str | None:
    """Say in words what is wrong with the store, if something is."""
    if facts.trouble is not None:
        return f"{facts.trouble.code}: {facts.trouble}"
    return report_trouble or next(iter(facts.problems), None)


def _gist(status: NodeStatus) -> tuple[object, ...]:
    """What is worth a status of its own when it changes."""
    return (
        status.generation,
        status.digest,
        status.candidate,
        status.source,
        status.degraded,
        status.nack,
        status.quarantined,
    )
