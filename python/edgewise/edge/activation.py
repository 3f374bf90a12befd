"""Activation: what the slot names gets loaded, self-tested and swapped in; any failure keeps the last good.

Polls the slot's file; reads nothing else of the outside and never writes what should run. What did run is noted, so
that a worker that starts when the slot is bad serves the last good as the others do.
"""

import gc
from pathlib import Path

from edgewise.bundle.slot import Manifest, Slot
from edgewise.edge.log import log
from edgewise.engine.decider import Decider, compile_bundle
from edgewise.errors import EdgewiseError

GC_THRESHOLDS = (50_000, 20, 100)
ERROR_CHARACTERS_MAX = 500

_Mark = tuple[int, int, int]


class Activation:
    """Follows the slot for one worker."""

    def __init__(self, data_dir: Path, decider: Decider) -> None:
        self.slot = Slot(data_dir)
        self.served: Manifest | None = None
        self.error: str | None = None
        self._decider = decider
        self._seen: _Mark | None = None

    def has_news(self) -> bool:
        """Whether the slot's file was replaced since it was last taken up, or that failed."""
        return self._mark() != self._seen

    def take_up(self) -> None:
        """Load what the slot names, if it is newer than what is served."""
        mark = self._mark()
        try:
            self._load()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001, a panic of the core too: the last good goes on
            self._seen = None if _is_of_disk(error) else mark
            self._note(error)
            if self.served is None:
                self._fall_back()
        else:
            self._seen, self.error = mark, None

    def _load(self) -> None:
        manifest = self.slot.manifest()
        if manifest is None or (self.served and manifest.generation <= self.served.generation):
            return
        self._serve(manifest)
        self._note_good(manifest)

    def _fall_back(self) -> None:
        try:
            good = self.slot.good()
            if good is not None:
                self._serve(good)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001, whatever it was, there is nothing left to serve
            log.error("bundle_refused", stage="fall back", error=type(error).__name__)

    def _serve(self, manifest: Manifest) -> None:
        engine = compile_bundle(self.slot.bundle(manifest.digest).data)
        self._decider.activate(engine, manifest.generation)
        self.served = manifest
        settle_heap()
        log.info("bundle_active", generation=manifest.generation, digest=manifest.digest, source=manifest.source)

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

    def _note(self, error: BaseException) -> None:
        text = f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS_MAX]
        if text != self.error:
            log.error("bundle_refused", stage="load", error=type(error).__name__)
        self.error = text

    def _mark(self) -> _Mark | None:
        try:
            stat = self.slot.file.stat()
        except OSError:
            return None
        return (stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _is_of_disk(error: BaseException) -> bool:
    """Whether the failure may pass by itself, so that the same generation is worth another try."""
    return isinstance(error, OSError) or isinstance(error.__cause__, OSError)


def settle_heap() -> None:
    """Take everything that lives on out of the garbage collector's sight: what is left is young and dies young."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
