"""The slot: the place in a node's data folder where the verified bundles lie that its workers serve.

Whoever holds the folder's lock writes it, one revision after the other; workers read it and note which one was good.
It compiles nothing.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import msgspec

from edgewise.bundle.artifact import Bundle, read_bundle_alone
from edgewise.bundle.canonical import digest_hex, is_digest
from edgewise.bundle.models import prune_models, read_model, write_models
from edgewise.errors import BundleError, EdgewiseError
from edgewise.files import read_bounded, write_synced

MANIFEST_BYTES_MAX: Final = 1024 * 1024  # the list of what is switched off may be long

Source = Literal["book", "store"]


class SlotError(EdgewiseError):
    """The data folder cannot be taken."""


class SwitchedOff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A scenario, or one decision point, that is switched off; `until` ends it by the node's clock (RFC 3339)."""

    scenario: str
    point: str | None = None
    reason: str = ""
    until: str | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle that serves some visitors beside the other: those whose bucket under `salt` lies below `percent`."""

    digest: str
    salt: str
    percent: float


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What `slot.json` says should run on this node. `revision` counts every write, `generation` what a source said."""

    generation: int
    digest: str
    source: Source
    revision: int = 0
    disabled: tuple[SwitchedOff, ...] = ()
    trial: Trial | None = None

    def is_after(self, other: "Manifest") -> bool:
        """Whether it is the later of two manifests of one slot. Generations of different sources do not compare."""
        if self.source != other.source:
            return self.revision > other.revision
        return (self.generation, self.revision) > (other.generation, other.revision)

    @property
    def digests(self) -> list[str]:
        """The bundles that this needs."""
        return [self.digest] if self.trial is None else [self.digest, self.trial.digest]


class Slot:
    """The slot of a data folder, for reading."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "slot"
        self.file = self.folder / "slot.json"
        self.good_file = self.folder / "good.json"
        self.good_before_file = self.folder / "good-before.json"
        self.models_folder = self.folder / "models"

    def manifest(self) -> Manifest | None:
        """Read what should run; None when nothing was ever written."""
        return _read_manifest(self.file)

    def good(self) -> Manifest | None:
        """Read what a worker last served; None when nothing was ever served."""
        return _read_manifest(self.good_file)

    def good_before(self) -> Manifest | None:
        """Read what a worker served before another bundle; None when there was none."""
        return _read_manifest(self.good_before_file)

    def note_good(self, manifest: Manifest, before: Manifest | None = None) -> None:
        """Note what a worker serves, for workers that start when what should run does not; and what it was before."""
        if before is not None and before.digest != manifest.digest:
            write_synced(self.good_before_file, msgspec.json.encode(before))
        write_synced(self.good_file, msgspec.json.encode(manifest))

    def bundle(self, digest: str) -> Bundle:
        """Read the bundle of a digest, proven to be that one; its models are read one by one, by `model`."""
        return read_bundle_alone(self.path_of(digest), digest)

    def model(self, digest: str) -> bytes:
        """Read the model of a digest, proven to be that one.

        Raises:
            OSError: it is not there, or cannot be read.
            BundleError: it is damaged.
        """
        return read_model(self.models_folder, digest)

    def path_of(self, digest: str) -> Path:
        """Name the file of the bundle of a digest."""
        return self.folder / f"{digest_hex(digest)}.bundle"


def _read_manifest(file: Path) -> Manifest | None:
    try:
        manifest = msgspec.json.decode(read_bounded(file, MANIFEST_BYTES_MAX), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise BundleError(f"`{file}` is damaged: {error}") from error
    for digest in manifest.digests:
        if not is_digest(digest):
            raise BundleError(f"`{file}` is damaged: `{digest}` is no digest")
    return manifest


class SlotWriter:
    """The one writer of a data folder: holds its lock from `open` to `close`."""

    def __init__(self, data_dir: Path, lock: int) -> None:
        self.slot = Slot(data_dir)
        self._lock = lock

    @classmethod
    def open(cls, data_dir: Path) -> Self:
        """Take the folder, making it if need be; another node that holds it is an error, never a wait."""
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise SlotError(f"`{data_dir}` is in use by another node; stop it or pass another --data-dir") from error
        return cls(data_dir, lock)

    def write(self, bundle: Bundle, source: Source) -> Manifest:
        """Make a bundle all that runs, as the generation after the present one."""
        before = self._before()
        generation = before.generation + 1 if before else 1
        return self.put(Manifest(generation=generation, digest=bundle.digest, source=source), [bundle])

    def put(self, wanted: Manifest, bundles: Iterable[Bundle], keep: Collection[str] = ()) -> Manifest:
        """Say what should run: models, bundles that are not there yet, then the name, each whole or not at all.

        Bundles that are neither named, nor were before, nor are in `keep` are forgotten.

        Raises:
            SlotError: what should run is of a generation before the present one of the same source.
        """
        before = self._before()
        if before and before.source == wanted.source and wanted.generation < before.generation:
            raise SlotError(f"generation {wanted.generation} comes after {before.generation}; generations only grow")
        manifest = msgspec.structs.replace(wanted, revision=self._next_revision(before))
        self.slot.folder.mkdir(parents=True, exist_ok=True)
        for bundle in bundles:
            write_models(self.slot.models_folder, bundle.models)
            write_synced(self.slot.path_of(bundle.digest), bundle.data)
        write_synced(self.slot.file, msgspec.json.encode(manifest))
        self._prune({*manifest.digests, *(before.digests if before else []), *self._good_digests(), *keep})
        return manifest

    def _before(self) -> Manifest | None:
        """Read the newest of what is known; what is damaged is about to be replaced."""
        newest: Manifest | None = None
        for read in (self.slot.good, self.slot.manifest):
            with contextlib.suppress(BundleError):
                manifest = read()
                newest = manifest if newest is None or (manifest and manifest.is_after(newest)) else newest
        return newest

    def _next_revision(self, before: Manifest | None) -> int:
        """Count on: workers take up nothing that counts less than what they serve. Without a count, time is one."""
        if before is not None:
            return before.revision + 1
        return time.time_ns() // 1_000_000 if self.slot.file.exists() else 1

    def _good_digests(self) -> set[str]:
        digests = set[str]()
        for read in (self.slot.good, self.slot.good_before):
            with contextlib.suppress(BundleError, OSError):  # a damaged note is of no use to anybody
                digests.update(good.digests if (good := read()) else ())
        return digests

    def close(self) -> None:
        """Give the folder back."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prune(self, kept: set[str]) -> None:
        """Forget bundles that nobody serves any more: all but the new one, the one before and the last two good ones.

        What a killed write left behind goes too: nobody else writes bundles and the manifest while the lock is held.
        """
        for pattern in (".*.bundle.*.tmp", f".{self.slot.file.name}.*.tmp"):
            for path in self.slot.folder.glob(pattern):
                path.unlink(missing_ok=True)
        for path in self.slot.folder.glob("*.bundle"):
            if f"sha256:{path.stem}" not in kept:
                path.unlink(missing_ok=True)
        if self.slot.models_folder.is_dir():
            self._prune_models(digest for digest in kept if self.slot.path_of(digest).exists())

    def _prune_models(self, bundles: Iterable[str]) -> None:
        """Forget models that no kept bundle names; beside a damaged one, which may need any of them, all stay."""
        with contextlib.suppress(BundleError):
            named = {model for digest in bundles for model in self.slot.bundle(digest).model_digests()}
            prune_models(self.slot.models_folder, named)
