"""What a node has put aside: bundles that it refused, per version of the engine, until somebody asks to try again.

Owns the file, which outlives restarts. A file that is lost or damaged only costs another try.
"""

import contextlib
import threading
from pathlib import Path
from typing import Final

import msgspec

from edgewise import __version__
from edgewise.bundle.contact import Refusal
from edgewise.errors import BundleError
from edgewise.files import read_bounded, write_synced

REFUSALS_MAX: Final = 32
ATTEMPTS_MAX: Final = 5  # a bundle that was being tried when this process ended, again and again, is the reason
FILE_BYTES_MAX: Final = 256 * 1024
PASSING_STAGES: Final = frozenset({"fetch", "disk"})  # may pass by themselves: tried again, never put aside


class PutAside(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal and the engine that it holds for."""

    engine: str
    refusal: Refusal


class _Kept(msgspec.Struct, kw_only=True):
    put_aside: list[PutAside] = []
    attempts: dict[str, int] = {}
    retry: int = 0


class Refusals:
    """The refusals of one node."""

    def __init__(self, file: Path, engine: str = __version__) -> None:
        self._file = file
        self._engine = engine
        self._kept = _read(file)
        self._lock = threading.RLock()  # one thread asks the store, another one looks after the workers

    def of(self, digest: str) -> Refusal | None:
        """Say why a bundle is put aside; None when it is not, or was by another engine."""
        found = (put.refusal for put in self._kept.put_aside if put.engine == self._engine)
        return next((refusal for refusal in found if refusal.digest == digest), None)

    @property
    def digests(self) -> tuple[str, ...]:
        """The bundles that are put aside."""
        return tuple(put.refusal.digest for put in self._kept.put_aside if put.engine == self._engine)

    @property
    def retry(self) -> int:
        """The last request to try again that was followed."""
        return self._kept.retry

    def put_aside(self, refusal: Refusal) -> None:
        """Keep a refusal, unless what was in the way may pass by itself."""
        with self._lock:
            self._kept.attempts.pop(refusal.digest, None)
            if refusal.stage not in PASSING_STAGES and self.of(refusal.digest) is None:
                put = PutAside(engine=self._engine, refusal=refusal)
                self._kept.put_aside = [*self._kept.put_aside, put][-REFUSALS_MAX:]
            self._write()

    def begin(self, digest: str) -> bool:
        """Note that a bundle is about to be tried; False when it has ended this process too often."""
        with self._lock:
            tries = self._kept.attempts.get(digest, 0)
            if tries >= ATTEMPTS_MAX:
                return False
            self._kept.attempts = {digest: tries + 1}
            self._write()
            return True

    def passed(self, digest: str) -> None:
        """Note that trying a bundle came to an end, good or bad: this process lives."""
        with self._lock:
            if self._kept.attempts.pop(digest, None) is not None:
                self._write()

    def clear(self, retry: int) -> None:
        """Put nothing aside any more, as request number `retry` asks."""
        with self._lock:
            self._kept = _Kept(retry=retry)
            self._write()

    def _write(self) -> None:
        """Write; a full disk must not keep the node from following its store."""
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_synced(self._file, msgspec.json.encode(self._kept))


def _read(file: Path) -> _Kept:
    try:
        return msgspec.json.decode(read_bounded(file, FILE_BYTES_MAX), type=_Kept)
    except (OSError, BundleError, msgspec.DecodeError):
        return _Kept()
