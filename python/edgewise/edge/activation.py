"""Activation: what the slot names gets loaded with its models, self-tested, swapped in; a failure keeps the last good.

Polls the slot's file; reads nothing else of the outside and never writes what should run. What did run is noted, so
that a worker that starts when the slot is bad serves the last good as the others do. With nothing else to serve, a
bundle is served without the models that are missing, and they are looked for again.
"""

import gc
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from edgewise.bundle.slot import Manifest, Slot
from edgewise.edge.log import log
from edgewise.engine.decider import Decider, compile_bundle
from edgewise.errors import BundleError, EdgewiseError
from edgewise.intent import Ledger, ModelError, ModelSet, Verdicts, declared_in

GC_THRESHOLDS: Final = (50_000, 20, 100)
ERROR_CHARACTERS_MAX: Final = 500
RETRY_S: Final = 0.5
"""After which what may pass by itself is tried again, for the first time; then after twice as long, and so on."""
RETRY_MAX_S: Final = 8.0
PROBES: Final = "probes"
"""Folder, in the data folder, of what probes of models found."""

_Mark = tuple[int, int, int]


class Activation:
    """Follows the slot for one worker."""

    def __init__(self, data_dir: Path, decider: Decider, ledger: Ledger) -> None:
        self.slot = Slot(data_dir)
        self.served: Manifest | None = None
        self.error: str | None = None
        self._decider = decider
        self._ledger = ledger
        self._verdicts = Verdicts(data_dir / PROBES)
        self._seen: _Mark | None = None
        self._retry = _Retry()

    def has_news(self) -> bool:
        """Whether the slot's file was replaced since it was last taken up, or it is time to try again what failed."""
        return self._mark() != self._seen or self._retry.is_due()

    def take_up(self) -> None:
        """Load what the slot names, if it is newer than what is served; else the models that are missing."""
        mark = self._mark()
        if mark != self._seen:
            self._retry.forget()
        self._seen = mark
        error = self._guarded(self._load)
        if error is not None and self.served is None:
            self._fall_back()
        self._note(error)
        if may_pass(error) or self._decider.models.refusals:
            self._retry.put_off()
        else:
            self._retry.forget()

    def _load(self) -> None:
        manifest = self.slot.manifest()
        if manifest is not None and (self.served is None or manifest.generation > self.served.generation):
            self._serve(manifest)
            self._note_good(manifest)
        elif self.served is not None and self._decider.models.refusals:
            self._complete(self.served)

    def _fall_back(self) -> None:
        """Serve the last good; failing that, whatever of the two still decides, without the models that are missing."""
        for manifest, needs_models in self._leftovers():
            error = self._guarded(partial(self._serve, manifest, needs_models=needs_models))
            if error is None:
                return
            log.error("bundle_refused", stage="fall back", error=type(error).__name__)

    def _leftovers(self) -> Iterator[tuple[Manifest, bool]]:
        named, good = _readable(self.slot.manifest), _readable(self.slot.good)
        if good is not None and good != named:
            yield good, True
        for manifest in (named, good):
            if manifest is not None:
                yield manifest, False

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
        data = self.slot.bundle(manifest.digest).data
        engine = compile_bundle(data)
        models = self._models_of(data)
        if needs_models:
            _require_all(models)
        self._decider.activate(engine, manifest.generation, models)
        self.served = manifest
        settle_heap()
        log.info("bundle_active", generation=manifest.generation, digest=manifest.digest, source=manifest.source)

    def _complete(self, manifest: Manifest) -> None:
        """Load the models that are missing; those that are found are asked at once, whatever becomes of the others."""
        models = self._models_of(self.slot.bundle(manifest.digest).data)
        if len(models.refusals) < len(self._decider.models.refusals):
            self._decider.equip(models)
            settle_heap()
        if not models.refusals:
            log.info("models_complete", generation=manifest.generation)
            self._note_good(manifest)

    def _models_of(self, data: bytes) -> ModelSet:
        return ModelSet.prepare(
            declared_in(data),
            self._read_model,
            before=self._decider.models,
            verdicts=self._verdicts,
            ledger=self._ledger,
        )

    def _read_model(self, digest: str) -> bytes:
        try:
            return self.slot.model(digest)
        except BundleError as error:
            raise ModelError("digest", "mismatch", str(error)) from error

    def _note_good(self, manifest: Manifest) -> None:
        """Note it unless that was done; a note that cannot be written keeps nobody from serving."""
        try:
            if self.slot.good() == manifest:
                return
        except (EdgewiseError, OSError):
            log.error("degraded", part="note of the last good bundle")
        try:
            self.slot.note_good(manifest)
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


class _Retry:
    """When to try again: soon at first, then later and later."""

    def __init__(self) -> None:
        self._delay_s = 0.0
        self._due: float | None = None

    def is_due(self) -> bool:
        return self._due is not None and time.monotonic() >= self._due

    def put_off(self) -> None:
        self._delay_s = min(max(2 * self._delay_s, RETRY_S), RETRY_MAX_S)
        self._due = time.monotonic() + self._delay_s

    def forget(self) -> None:
        self._delay_s, self._due = 0.0, None


def may_pass(error: BaseException | None) -> bool:
    """Whether a failure may pass by itself, as those of disks do, so that the same generation is worth another try."""
    if isinstance(error, ModelError):
        return error.may_pass
    return isinstance(error, OSError) or (error is not None and isinstance(error.__cause__, OSError))


def _readable(read: Callable[[], Manifest | None]) -> Manifest | None:
    try:
        return read()
    except (EdgewiseError, OSError):
        return None


def _require_all(models: ModelSet) -> None:
    """Refuse a bundle one of whose models is refused.

    Raises:
        ModelError: the first of them, with its name.
    """
    for name, error in models.refusals.items():
        raise ModelError(error.stage, error.code, f"model `{name}`: {error}")


def settle_heap() -> None:
    """Take everything that lives on out of the garbage collector's sight: what is left is young and dies young."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
