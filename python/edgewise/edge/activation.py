"""Activation: what the slot names gets loaded with its models, self-tested, swapped in; a failure keeps the last good.

Polls the slot's file; reads nothing else of the outside and never writes what should run. What did run is noted, so
that a worker that starts when the slot is bad serves the last good as the others do. With nothing else to serve, a
bundle is served without the models that are missing, and they are looked for again.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from edgewise._core import Share
from edgewise.bundle.slot import Manifest, Slot
from edgewise.edge.loading import ERROR_CHARACTERS_MAX, Loader, may_pass, refusal_of
from edgewise.edge.log import log
from edgewise.edge.retry import Retry
from edgewise.edge.rundir import Refused
from edgewise.edge.settings import Stale
from edgewise.edge.switches import Switches
from edgewise.engine.decider import Decider, Loaded, Off, OnTrial, Serving, points_of
from edgewise.errors import EdgewiseError
from edgewise.intent import Ledger

GC_THRESHOLDS: Final = (50_000, 20, 100)
_Mark = tuple[int, int, int]


class Activation:
    """Follows the slot for one worker."""

    def __init__(self, data_dir: Path, decider: Decider, ledger: Ledger, stale: Stale = "serve") -> None:
        self.slot = Slot(data_dir)
        self.served: Manifest | None = None
        self.trial: str | None = None
        self.error: str | None = None
        self.refused: Refused | None = None
        self.is_stale = False  # nobody has confirmed for too long what is served
        self._stale_policy = stale
        self._served_stale = False
        self._switches = Switches()
        self._swapping = threading.Lock()
        self._decider = decider
        self._loader = Loader(self.slot, data_dir, ledger)
        self._seen: _Mark | None = None
        self._retry = Retry()

    def has_news(self) -> bool:
        """Whether the slot's file was replaced since it was last taken up, or something is due by itself."""
        return self._mark() != self._seen or self._retry.is_due() or self._serves_otherwise()

    def take_up(self) -> None:
        """Load what the slot names, if it is newer than what is served; else the models that are missing."""
        mark = self._mark()
        if mark != self._seen:
            self._retry.forget()
        self._seen, self.refused = mark, None
        error = self._guarded(self._load)
        if error is not None and self.served is None:
            self._fall_back()
        self._note(error)
        if may_pass(error) or self._lacks_models_for_now() or self._lacks_trial():
            self._retry.put_off()
        else:
            self._retry.forget()

    def heed_switches(self) -> None:
        """While something is loaded in another thread: switch off at once what the slot says is off by now.

        What is on again has to wait for the bundle with which it is.
        """
        if self.served is None or self._mark() == self._seen:
            return
        named = _readable(self.slot.manifest)
        if named is not None and named.is_after(self.served):
            self._switch_off_besides(named)

    def _switch_off_besides(self, manifest: Manifest) -> None:
        """Pass over what a manifest says is off, for the bundle that is served still."""
        with self._swapping:
            served = self.served
            if served is None or self._served_stale:
                return
            switches = Switches.at(time.time(), (*served.disabled, *manifest.disabled))
            if switches != self._switches:
                self._decider.switch(Off(switches.scenarios, switches.points))
                self._switches = switches

    def _load(self) -> None:
        manifest = self.slot.manifest()
        if manifest is not None and (self.served is None or manifest.is_after(self.served)):
            self._advance(manifest)
        elif self.served is not None and (self._serves_otherwise() or self._lacks_trial()):
            self._serve(self.served)
        elif self.served is not None and self._decider.models.refusals:
            self._complete(self.served)

    def _advance(self, manifest: Manifest) -> None:
        """Serve what is newer; if that cannot be, its switches hold all the same for what is served on.

        Loading takes its time, and what is switched off must not wait for it.
        """
        if self.served is not None:
            self._switch_off_besides(manifest)
        try:
            self._serve(manifest)
        except BaseException:
            if self.served is not None:
                served = msgspec.structs.replace(self.served, disabled=manifest.disabled)
                error = self._guarded(partial(self._go_on, served))
                if error is not None:
                    log.error("degraded", part="switches", error=type(error).__name__)
            raise
        if not self._decider.models.refusals:
            self._note_good(manifest)

    def _go_on(self, served: Manifest) -> None:
        """Serve the same bundle under other switches; nothing is read anew for that."""
        switches = Switches.at(time.time(), served.disabled)
        if self._is_to_be_stale() != self._served_stale:
            self._serve(served)
        with self._swapping:
            if not self._served_stale and switches != self._switches:
                self._decider.switch(Off(switches.scenarios, switches.points))
            self.served, self._switches = served, switches

    def _serves_otherwise(self) -> bool:
        """Whether a switch is over, or the store has become silent for too long, or is no longer."""
        return self._switches.is_over(time.time()) or self._is_to_be_stale() != self._served_stale

    def _is_to_be_stale(self) -> bool:
        return self.is_stale and self._stale_policy != "serve"

    def _lacks_models_for_now(self) -> bool:
        """Whether a model is missing for a reason that may pass; what was found wrong with one itself stays wrong."""
        return any(error.may_pass for error in self._decider.models.refusals.values())

    def _lacks_trial(self) -> bool:
        """Whether the bundle on trial is not served for a reason that may pass."""
        trial = self.served.trial if self.served else None
        return trial is not None and self.trial is None and self.refused is None

    def _fall_back(self) -> None:
        """Serve the last good, or the one before; failing that, whichever still decides without the models it lacks."""
        for manifest, needs_models in self._leftovers():
            error = self._guarded(partial(self._serve, manifest, needs_models=needs_models))
            if error is None:
                return
            log.error("bundle_refused", stage="fall back", error=type(error).__name__)

    def _leftovers(self) -> Iterator[tuple[Manifest, bool]]:
        named, *good = (_readable(read) for read in (self.slot.manifest, self.slot.good, self.slot.good_before))
        earlier = [manifest for manifest in good if manifest is not None and manifest != named]
        if named is not None:
            earlier = [msgspec.structs.replace(manifest, disabled=named.disabled) for manifest in earlier]
        yield from ((manifest, True) for manifest in earlier)
        yield from ((manifest, False) for manifest in (named, *earlier) if manifest is not None)

    def _guarded(self, call: Callable[[], None]) -> BaseException | None:
        """Whatever it was, a panic of the core too: what is served goes on."""
        try:
            call()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001
            return error
        return None

    def _serve(self, manifest: Manifest, *, needs_models: bool = True) -> None:
        """Load and swap in what a manifest names.

        A bundle that is served already goes on without the models that it lacks: a switch must not wait for them.
        """
        needs_models = needs_models and (self.served is None or manifest.digest != self.served.digest)
        try:
            loaded = self._loader.load(
                manifest.digest,
                self._decider.models,
                needs_models=needs_models,
                is_deciding=self._decider.active is not None,
            )
        except BaseException as error:
            self.refused = self.refused or refusal_of(manifest.digest, error, manifest.revision)
            raise
        trial = self._load_trial(manifest, loaded)
        with self._swapping:
            self._swap(manifest, loaded, trial)
            self.served, self.trial = manifest, trial.loaded.engine.digest if trial else None
        self._loader.keep(manifest.digests)
        settle_heap()
        log.info("bundle_active", generation=manifest.generation, digest=manifest.digest, source=manifest.source)

    def _swap(self, manifest: Manifest, loaded: Loaded, trial: OnTrial | None) -> None:
        named = _readable(self.slot.manifest)  # there may be a newer one by now
        newer = named.disabled if named is not None and named.is_after(manifest) else ()
        self._switches = Switches.at(time.time(), (*manifest.disabled, *newer))
        self._served_stale = self._is_to_be_stale()
        if self._served_stale and self._stale_policy == "refuse":
            self._decider.withdraw()
            return
        off = Off(self._switches.scenarios, self._switches.points)
        if self._served_stale:
            off, trial = off._replace(points=points_of(loaded.engine)), None
        self._decider.activate(Serving(manifest.generation, loaded, off, trial))

    def _load_trial(self, manifest: Manifest, beside: Loaded) -> OnTrial | None:
        """Load the bundle on trial; one that cannot be served keeps nobody from the other."""
        if manifest.trial is None:
            return None
        found: list[Loaded] = []
        digest = manifest.trial.digest
        is_deciding = self._decider.active is not None
        error = self._guarded(lambda: found.append(self._loader.load(digest, beside.models, is_deciding=is_deciding)))
        if error is not None:
            log.error("bundle_refused", stage="trial", error=type(error).__name__)
            self.refused = refusal_of(digest, error, manifest.revision)
            return None
        return OnTrial(Share(manifest.trial.salt, manifest.trial.percent), found[0])

    def _complete(self, manifest: Manifest) -> None:
        """Load the models that are missing; those that are found are asked at once, whatever becomes of the others.

        Why others are still missing may be another reason by now, so the newest set always takes over.
        """
        missing = len(self._decider.models.refusals)
        models = self._loader.models_of(manifest.digest, self._decider.models)
        self._decider.equip(models)
        if len(models.refusals) < missing:
            settle_heap()
        if not models.refusals:
            log.info("models_complete", generation=manifest.generation)
            self._note_good(manifest)

    def _note_good(self, manifest: Manifest) -> None:
        """Note it unless that was done; a note that cannot be written keeps nobody from serving."""
        before = None
        try:
            before = self.slot.good()
        except (EdgewiseError, OSError):
            log.error("degraded", part="note of the last good bundle")
        if before == manifest:
            return
        try:
            self.slot.note_good(manifest, before)
        except OSError as error:
            log.error("degraded", part="note of the last good bundle", error=type(error).__name__)

    def _note(self, error: BaseException | None) -> None:
        """Keep why the bundle that should run does not; one that only lacks models does."""
        if error is not None and self.served is not None and self.served == _readable(self.slot.manifest):
            log.error("degraded", part="models", detail=str(error)[:ERROR_CHARACTERS_MAX])
            error = None
        text = None if error is None else f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS_MAX]
        if error is not None and text != self.error:
            log.error("bundle_refused", stage="load", error=type(error).__name__)
        self.error = text

    def _mark(self) -> _Mark | None:
        try:
            stat = self.slot.file.stat()
        except OSError:
            return None
        return (stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _readable(read: Callable[[], Manifest | None]) -> Manifest | None:
    try:
        return read()
    except (EdgewiseError, OSError):
        return None


def settle_heap() -> None:
    """Take everything that lives on out of the garbage collector's sight: what is left is young and dies young."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()
