"""A store as one node uses it: the newest proven generation, the releases it names, and the node's own status.

Holds no keys but the node's. What it answers was proven; what was proven stays so when the store is gone or expired.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import msgspec

from edgewise.files import TRUSTED, write_synced
from edgewise.store import releases
from edgewise.store.desk import require_store, trusted_root
from edgewise.store.documents import newest_generation, read_generation
from edgewise.store.errors import TrustError
from edgewise.store.generation import Generation
from edgewise.store.keys import NODE, Key, folder_for, load_key
from edgewise.store.objects import Objects, Patience
from edgewise.store.releases import Release
from edgewise.store.setup import read_store_file
from edgewise.store.status import Reporter
from edgewise.store.trust import Reader, View

CLOCK_BACK_MAX_S: Final = 60.0
_FLOOR_FILE: Final = "generation.json"
_SEQUENCE_FILE: Final = "status-sequence"


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """The newest generation that this node has seen proven, and when, in seconds since 1970."""

    generation: int
    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the store says now: the generation that counts, None before the first; and what was skipped on the way."""

    generation: Generation | None
    expires_at: datetime
    problems: tuple[str, ...]
    decides_alike: bool = False  # stable and candidate have the same rules


class NodeStore:
    """The reading side of a store. Every call may take as long as `Patience` allows; none is for a request's path."""

    def __init__(self, objects: Objects, root: bytes, cache: Path) -> None:
        self.objects = objects
        self._cache = cache
        self._reader = Reader(objects, root, cache)
        self._view: View | None = None
        self._generation: Generation | None = None
        self._newest_s = self._floor().at_s

    @classmethod
    def open(
        cls,
        url: str,
        cache: Path,
        *,
        root: Path | None = None,
        keys: Path | None = None,
        patience: Patience | None = None,
    ) -> Self:
        """Open a store; its root of trust is kept in `cache`, so that a restart needs neither store nor file.

        Args:
            url: A folder or a URL.
            cache: A folder of this node alone.
            root: The root of trust. Needed for every store but the development stores of this user.
            keys: Where keys of development stores lie, unless in the user's own folder.
            patience: How long answers are waited for.
        """
        objects = Objects.open(url, patience)
        kept = cache / "root.json"
        if root is not None:
            data = trusted_root_file(root)
        elif kept.is_file():
            data = kept.read_bytes()
        else:
            about = require_store(objects)
            data = trusted_root(about, folder_for(about.id, keys), None, url)
        cache.mkdir(parents=True, exist_ok=True)
        write_synced(kept, data, TRUSTED)
        return cls(objects, data, cache)

    def refresh(self) -> Seen:
        """Prove what the store says now.

        Raises:
            StoreUnavailableError: no answer, or not in time: keep serving, try later.
            TrustError: nothing newer is proven (`code` "expired": it was, but is no longer fresh): keep serving.
        """
        view = self._reader.refresh()
        number = newest_generation(view)
        if self._generation is None or self._generation.generation != number:
            self._generation = self._read(view, number)
        self._view = view
        now = self._generation
        is_alike = now is not None and releases.decide_alike(view, now.stable, now.candidate)
        return Seen(now, view.expires_at, (*view.problems, *self._clock_problem()), is_alike)

    def fetch(self, digest: str) -> Release:
        """Read a released bundle with its models, proven. Raises StoreUnavailableError, TrustError."""
        if self._view is None:
            self.refresh()
        assert self._view is not None  # noqa: S101, refresh sets it or raises
        return releases.fetch(self.objects, self._view, digest)

    def reporter(self, node: str, key: Path | None = None, keys: Path | None = None) -> Reporter | None:
        """What writes this node's status; None when there is no key to sign it with.

        Args:
            node: The node's id.
            key: The node's private key, made by `edgewise keys enroll`.
            keys: Where keys of development stores lie: there all nodes of a user share one key.
        """
        found = [load_key(key)] if key is not None else self._shared_key(keys)
        return Reporter(self.objects, node, found[0], self._cache / _SEQUENCE_FILE) if found else None

    def _shared_key(self, keys: Path | None) -> list[Key]:
        about = read_store_file(self.objects)
        return folder_for(about.id, keys).of_role(NODE) if about is not None and about.development else []

    def _read(self, view: View, number: int) -> Generation | None:
        floor = self._floor().generation
        if number < floor:
            raise TrustError("rollback", f"generation {floor} was seen; the store now names {number}")
        if number == 0:
            return None
        document = read_generation(self.objects, view, number)
        floor_now = msgspec.json.encode(Floor(generation=number, at_s=time.time()))
        write_synced(self._cache / _FLOOR_FILE, floor_now, TRUSTED)
        return document

    def _floor(self) -> Floor:
        try:
            return msgspec.json.decode((self._cache / _FLOOR_FILE).read_bytes(), type=Floor)
        except (FileNotFoundError, msgspec.DecodeError):
            return Floor(generation=0)

    def _clock_problem(self) -> list[str]:
        """A clock that went back makes what has expired fresh again: told, not mended."""
        back_s = self._newest_s - time.time()
        self._newest_s = max(self._newest_s, time.time())
        return [f"this machine's clock went back by {back_s:.0f} s"] if back_s > CLOCK_BACK_MAX_S else []


def trusted_root_file(path: Path) -> bytes:
    """The bytes of a root of trust given by hand."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise TrustError("root", f"there is no root of trust at `{path}`") from None
