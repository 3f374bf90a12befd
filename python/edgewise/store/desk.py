"""A store as its operators use it: finds the keys and the root of trust of a URL, and hands out a writer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from edgewise.store.commit import Writer
from edgewise.store.errors import KeysError, StoreRefusedError
from edgewise.store.keys import KeyFolder, folder_for
from edgewise.store.objects import Objects, Patience
from edgewise.store.setup import StoreFile, read_store_file


@dataclass(frozen=True, slots=True)
class Desk:
    """A store, what it says of itself, and the keys at hand for it."""

    objects: Objects
    about: StoreFile
    keys: KeyFolder
    root: bytes

    @classmethod
    def open(
        cls, url: str, keys: Path | None = None, root: Path | None = None, patience: Patience | None = None
    ) -> Self:
        """Open a store for its operators."""
        objects = Objects.open(url, patience)
        about = require_store(objects)
        folder = folder_for(about.id, keys)
        return cls(objects, about, folder, trusted_root(about, folder, root, objects.url))

    @property
    def writer(self) -> Writer:
        """What changes the store, with the keys at hand."""
        return Writer(self.objects, self.root, self.keys)


def require_store(objects: Objects) -> StoreFile:
    """What a store says of itself, or how to make one."""
    about = read_store_file(objects)
    if about is None:
        raise StoreRefusedError(f"`{objects.url}` is no store yet; make one with `edgewise store init {objects.url}`")
    return about


def trusted_root(about: StoreFile, folder: KeyFolder, given: Path | None, url: str) -> bytes:
    """The root of trust: a file given by hand, or the one beside the keys. Never the store's own word."""
    path = given or folder.root_file
    try:
        return path.read_bytes()
    except FileNotFoundError:
        if given is not None:
            raise KeysError(f"there is no root of trust at `{given}`") from None
        raise KeysError(
            f"`{url}` (store {about.id}) is trusted only by its root, and `{folder.folder}` has none; "
            "pass --root FILE, or the folder of its keys with --keys"
        ) from None
