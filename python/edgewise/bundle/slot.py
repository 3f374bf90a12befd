"""The slot: the place in a node's data folder where the verified bundle lies that its workers serve.

Whoever holds the folder's lock writes it, one generation after the other; workers read it and note which one was good.
It compiles nothing.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import msgspec

from edgewise.bundle.artifact import Bundle, read_bundle_alone
from edgewise.bundle.canonical import digest_hex, is_digest
from edgewise.bundle.files import read_bounded, write_atomically
from edgewise.bundle.models import prune_models, read_model, write_models
from edgewise.errors import BundleError, EdgewiseError

MANIFEST_BYTES_MAX: Final = 4096

Source = Literal["book", "store"]


class SlotError(EdgewiseError):
    """The data folder cannot be taken."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What `slot.json` says should run on this node."""

    generation: int
    digest: str
    source: Source


class Slot:
    """The slot of a data folder, for reading."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "slot"
        self.file = self.folder / "slot.json"
        self.good_file = self.folder / "good.json"
        self.models_folder = self.folder / "models"

    def manifest(self) -> Manifest | None:
        """Read what should run; None when nothing was ever written."""
        return _read_manifest(self.file)

    def good(self) -> Manifest | None:
        """Read what a worker last served; None when nothing was ever served."""
        return _read_manifest(self.good_file)

    def note_good(self, manifest: Manifest) -> None:
        """Note what a worker serves, for workers that start when what should run does not."""
        write_atomically(self.good_file, msgspec.json.encode(manifest))

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
    if not is_digest(manifest.digest):
        raise BundleError(f"`{file}` is damaged: `{manifest.digest}` is no digest")
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
        """Make a bundle the next generation: its models, the bundle, then its name, each whole or not at all."""
        before = self.slot.manifest()
        generation = before.generation + 1 if before else 1
        manifest = Manifest(generation=generation, digest=bundle.digest, source=source)
        self.slot.folder.mkdir(exist_ok=True)
        write_models(self.slot.models_folder, bundle.models)
        write_atomically(self.slot.path_of(bundle.digest), bundle.data)
        write_atomically(self.slot.file, msgspec.json.encode(manifest))
        self._prune({bundle.digest} | ({before.digest} if before else set()) | self._good_digests())
        return manifest

    def _good_digests(self) -> set[str]:
        try:
            good = self.slot.good()
        except (BundleError, OSError):  # a damaged note is of no use to anybody
            return set()
        return {good.digest} if good else set()

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
        """Forget bundles that nobody serves any more: all but the new one, the one before and the last good.

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
