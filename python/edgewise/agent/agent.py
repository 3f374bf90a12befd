"""The agent's loop: one look after the other at the store, the workers and the guardrails, and what comes of it.

Alone writes the slot. Never waits for the store: whatever does runs in a thread and is collected later.
"""

import random
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import msgspec

from edgewise.agent.guard import breach
from edgewise.agent.log import log
from edgewise.agent.measures import Meter
from edgewise.agent.origin import Origin, OriginError, Word
from edgewise.agent.pacing import Pacing
from edgewise.agent.refusals import PASSING_STAGES, Refusals
from edgewise.agent.settings import AgentSettings
from edgewise.agent.settled import Settled
from edgewise.agent.statement import Facts, Herald
from edgewise.agent.wanted import manifest_of, wanted_of, without
from edgewise.agent.workers import WorkerAccount, living_workers
from edgewise.bundle import Bundle, Manifest
from edgewise.bundle.contact import Moment, Refusal
from edgewise.bundle.slot import SlotError, SlotWriter
from edgewise.errors import BundleError
from edgewise.store import Generation, KeysError, Measures

DETAIL_CHARACTERS_MAX: Final = 500


class Agent:
    """Follows one store for one node."""

    def __init__(self, settings: AgentSettings, writer: SlotWriter) -> None:
        self._settings = settings
        self._writer = writer
        self._slot = writer.slot
        self._run_folder = settings.folder / "run"
        self._refusals = Refusals(settings.folder / "agent" / "refusals.json")
        self._settled = Settled(settings.folder / "agent" / "settled.json")
        self._origin = Origin(settings, self._refusals)
        self._herald = Herald(settings, self._origin)
        self._meter = Meter(self._run_folder)
        self._pacing = Pacing(settings.poll_ms / 1000, random.random)
        self._courier = ThreadPoolExecutor(1, thread_name_prefix="courier")
        self._asking: Future[Word] | None = None
        self._ask_at = 0.0
        self._known: Generation | None = None
        self._trouble: OriginError | None = None
        self._problems: tuple[str, ...] = ()
        self._passing: dict[str, Refusal] = {}
        self._sound: set[str] = set()
        self._decides_alike = False  # the known generation's stable and candidate
        self._measured: tuple[Measures | None, Measures | None] = (None, None)
        self._present = self._read_slot()

    def tick(self, now_s: float) -> None:
        """Look once at everything. `now_s` is a monotonic clock's.

        Raises:
            KeysError: the store cannot be trusted as this node was started.
        """
        self._collect(now_s)
        if self._asking is None and now_s >= self._ask_at:
            self._asking = self._courier.submit(self._origin.ask, self._is_here)
        workers = living_workers(self._run_folder)
        self._look_at(workers)
        self._guard()
        self._herald.speak(self._facts(workers), now_s)

    def close(self) -> None:
        """Wait for nothing that is under way."""
        self._courier.shutdown(wait=False, cancel_futures=True)
        self._herald.close()

    def _collect(self, now_s: float) -> None:
        """Take up what the store has said, if it has."""
        if self._asking is None or not self._asking.done():
            return
        asked, self._asking = self._asking, None
        try:
            self._follow(asked.result())
        except KeysError:
            raise
        except OriginError as error:
            self._note_trouble(error)
        except Exception as error:  # noqa: BLE001, whatever it was, what runs goes on and the next look may go well
            log.error("look_failed", exc_info=error)
            self._note_trouble(OriginError("internal", type(error).__name__))
        passing = self._trouble is not None or bool(self._passing)
        self._ask_at = now_s + (self._pacing.after_failure() if passing else self._pacing.after_success())

    def _follow(self, word: Word) -> None:
        for problem in word.problems:
            if problem not in self._problems:
                log.warning("store_problem", detail=problem)
        self._problems = word.problems
        before, self._known, self._decides_alike = self._known, word.generation, word.decides_alike
        if word.generation is not None and (before is None or word.generation.generation != before.generation):
            log.info("generation_seen", generation=word.generation.generation, digest=word.generation.stable)
        self._passing = {}
        for refusal in word.refusals:
            self._refuse(refusal)
        self._settle(word.bundles)
        self._trouble = None
        self._herald.confirm(Moment.now())

    def _note_trouble(self, error: OriginError) -> None:
        if self._trouble is None or self._trouble.code != error.code:
            log.error("store_trouble", code=error.code, detail=str(error)[:DETAIL_CHARACTERS_MAX])
        self._trouble = error

    def _refuse(self, refusal: Refusal) -> None:
        """Remember a refusal: for good, or until the next look when it may pass by itself."""
        log.error(
            "bundle_refused", stage=refusal.stage, code=refusal.code, digest=refusal.digest, detail=refusal.detail
        )
        if refusal.stage in PASSING_STAGES:
            self._passing[refusal.digest] = refusal
        else:
            self._refusals.put_aside(refusal)

    def _settle(self, bundles: Mapping[str, Bundle]) -> None:
        """Make what should run what the slot names."""
        wanted = self._wanted_manifest(bundles)
        new = [bundles[digest] for digest in wanted.digests if digest in bundles] if wanted else []
        if wanted is None or (_same(wanted, self._present) and not new):
            return
        try:
            self._present = self._writer.put(wanted, new, keep=self._settled.digests)
        except OSError as error:
            code, detail = type(error).__name__, error.strerror or str(error)
            for digest in wanted.digests:
                self._refuse(
                    Refusal(generation=wanted.generation, digest=digest, stage="disk", code=code, detail=detail)
                )
        except SlotError as error:
            raise OriginError("rollback", str(error)) from error
        else:
            self._sound.update(bundle.digest for bundle in new)
            log.info(
                "slot_written", generation=wanted.generation, digest=wanted.digest, revision=self._present.revision
            )

    def _wanted_manifest(self, bundles: Mapping[str, Bundle]) -> Manifest | None:
        if self._known is not None:
            settings = self._settings
            wanted = wanted_of(self._known, settings.node, settings.labels, self._refusals.digests)
            floor = self._present.generation if self._present and self._present.source == "store" else 0
            return manifest_of(
                self._known, wanted, lambda digest: digest in bundles or self._is_here(digest), self._last_good(), floor
            )
        manifest = self._present
        for digest in manifest.digests if manifest else []:
            if manifest is not None and self._refusals.of(digest) is not None:
                manifest = without(manifest, digest, self._last_good())
        return manifest

    def _last_good(self) -> Manifest | None:
        """Give the newest manifest whose bundle runs, or ran, on all workers."""
        candidates = [self._settled.manifest, self._read_good(), self._present]
        sound = (
            manifest
            for manifest in candidates
            if manifest is not None and self._refusals.of(manifest.digest) is None and self._is_here(manifest.digest)
        )
        return next(sound, None)

    def _is_here(self, digest: str) -> bool:
        """Whether a bundle lies in the slot unharmed, with its models; looked at once."""
        if digest not in self._sound:
            try:
                bundle = self._slot.bundle(digest)
                for model in bundle.model_digests():
                    self._slot.model(model)
            except (BundleError, OSError):
                return False
            self._sound.add(digest)
        return self._slot.path_of(digest).exists()

    def _look_at(self, workers: list[WorkerAccount]) -> None:
        """Take a bundle back that a worker refuses; remember what all of them serve."""
        present = self._present
        if present is None or not workers:
            return
        for worker in workers:
            refused = worker.refused
            if refused is None or refused.slot != present.revision or self._knows_refused(refused.digest):
                continue
            self._sound.discard(refused.digest)  # it may be the disk's fault: then it is fetched again
            self._refuse(
                Refusal(
                    generation=present.generation,
                    digest=refused.digest,
                    stage="activate" if self._is_here(refused.digest) else "disk",
                    code=refused.code,
                    detail=f"worker {worker.worker}: {refused.detail}"[:DETAIL_CHARACTERS_MAX],
                )
            )
            self._resettle()
            return
        if all(worker.slot == present.revision and worker.refused is None for worker in workers):
            self._settled.keep(present)

    def _knows_refused(self, digest: str) -> bool:
        return digest in self._passing or self._refusals.of(digest) is not None

    def _guard(self) -> None:
        """Drop the bundle on trial at once when it breaks a guardrail here."""
        present, known = self._present, self._known
        trial = present.trial if present else None
        self._measured = self._meter.read(present.digest if present else None, trial.digest if trial else None)
        stable, tried = self._measured
        if present is None or trial is None or known is None or known.progress is None or not stable or not tried:
            return
        is_alike = self._decides_alike and (present.digest, trial.digest) == (known.stable, known.candidate)
        rails = known.progress.plan.guardrails
        broken = breach(tried, stable, rails, alike_percent=trial.percent if is_alike else None)
        if broken is not None:
            code, detail = broken
            generation = present.generation
            self._refuse(
                Refusal(generation=generation, digest=trial.digest, stage="guardrail", code=code, detail=detail)
            )
            self._resettle()

    def _resettle(self) -> None:
        try:
            self._settle({})
        except OriginError as error:
            self._note_trouble(error)

    def _facts(self, workers: list[WorkerAccount]) -> Facts:
        return Facts(
            known=self._known,
            present=self._present,
            workers=workers,
            trouble=self._trouble,
            problems=self._problems,
            refusal=self._refusal_now(),
            put_aside=self._refusals.digests,
            measured=self._measured,
        )

    def _refusal_now(self) -> Refusal | None:
        """Give the refusal of what this node is asked to run now, if there is one."""
        known = self._known
        if known is None:
            return None
        asked = [known.candidate] if known.takes_candidate(self._settings.node, self._settings.labels) else []
        for digest in (*asked, known.stable):
            refusal = (self._refusals.of(digest) or self._passing.get(digest)) if digest is not None else None
            if refusal is not None:
                return msgspec.structs.replace(refusal, generation=known.generation)
        return None

    def _read_slot(self) -> Manifest | None:
        try:
            return self._slot.manifest()
        except BundleError as error:
            log.error("degraded", part="slot", detail=str(error))
            return None

    def _read_good(self) -> Manifest | None:
        try:
            return self._slot.good()
        except BundleError:
            return None


def _same(one: Manifest, other: Manifest | None) -> bool:
    """Whether two manifests say the same, whichever revision they are."""
    return other is not None and msgspec.structs.replace(one, revision=0) == msgspec.structs.replace(other, revision=0)
