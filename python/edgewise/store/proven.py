"""What a reader has proven, kept on disk so that nothing older is believed later. Knows folders; proves nothing.

A power cut may take it away or tear it: then it is proven anew. What must outlive one is the generation, elsewhere.
"""

import secrets
import shutil
from pathlib import Path
from typing import Final

import msgspec

from edgewise.files import write_whole

_POINTER: Final = "current.json"


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """Which folder holds what was proven last."""

    folder: str
    timestamp: int


class Proven:
    """The metadata proven last, in a cache of one reader; without a cache, nothing is kept."""

    def __init__(self, cache: Path | None) -> None:
        self._cache = cache

    @property
    def version(self) -> int:
        """The number of the timestamp proven last; 0 when there is none."""
        found = self._find()
        return found[1] if found else 0

    def timestamp(self) -> bytes | None:
        """The timestamp proven last."""
        found = self._find()
        try:
            return (found[0] / "timestamp.json").read_bytes() if found else None
        except FileNotFoundError:
            return None

    def workshop(self) -> Path | None:
        """Where to try something: on the disk of the cache. What a killed process left there is swept."""
        if self._cache is None:
            return None
        self._cache.mkdir(parents=True, exist_ok=True)
        for left in self._cache.glob("try-*"):
            shutil.rmtree(left, ignore_errors=True)
        return self._cache

    def copy_to(self, folder: Path) -> None:
        """Begin a try with what was proven last."""
        found = self._find()
        if found is not None:
            shutil.copytree(found[0], folder, symlinks=True, dirs_exist_ok=True)

    def keep(self, folder: Path, timestamp: int) -> None:
        """Make what was proven in a folder the state that counts: first the files, then the name of their folder."""
        if self._cache is None:
            return
        kept = self._cache / f"proven-{timestamp}-{secrets.token_hex(4)}"
        shutil.copytree(folder, kept, symlinks=True)
        write_whole(self._cache / _POINTER, msgspec.json.encode(Pointer(folder=kept.name, timestamp=timestamp)))
        for other in self._cache.glob("proven-*"):
            if other != kept:
                shutil.rmtree(other, ignore_errors=True)

    def _find(self) -> tuple[Path, int] | None:
        if self._cache is None:
            return None
        try:
            pointer = msgspec.json.decode((self._cache / _POINTER).read_bytes(), type=Pointer)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        folder = self._cache / Path(pointer.folder).name
        return (folder, pointer.timestamp) if folder.is_dir() else None
