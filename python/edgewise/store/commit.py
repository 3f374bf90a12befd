"""Changing what a store says: new metadata under new numbers, made valid by one create-only key, the next timestamp.

Whoever comes second sees that, reads again and decides again. A writer that dies in between leaves objects that nobody
names. No half of a change is ever valid.
"""

import contextlib
import random
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from edgewise.store import limits
from edgewise.store.errors import BusyError, KeysError, StoreError, TooLargeError, TrustError
from edgewise.store.fetching import verify_next_root
from edgewise.store.keys import Key, KeyFolder
from edgewise.store.metadata import (
    DELEGATED,
    OURS,
    Signed,
    authorized,
    describe,
    expiry,
    is_development,
    parse_root,
    sign,
)
from edgewise.store.names import TIMESTAMP_HINT, metadata_name
from edgewise.store.objects import Objects
from edgewise.store.trust import Reader, View

PAUSE_MIN_S: Final = 0.01
PAUSE_MAX_S: Final = 0.5
_RUBBISH: Final = (
    TooLargeError,
    DeserializationError,
    RepositoryError,
    ValueError,
    KeyError,
    TypeError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A change: payloads of roles, to be numbered, dated and signed here; and what a ceremony has signed already."""

    roles: Mapping[str, Targets] = field(default_factory=dict)
    signed_roles: Mapping[str, bytes] = field(default_factory=dict)
    targets: Targets | None = None
    signed_targets: bytes | None = None
    root: bytes | None = None


class Writer:
    """Changes a store with the keys at hand."""

    def __init__(self, objects: Objects, root: bytes, keys: KeyFolder) -> None:
        self.objects = objects
        self.keys = keys
        self._root = root

    def read(self, root_max: int | None = None) -> View:
        """What the store says now, proven, expired or not; by no later root than one, when that one is half applied."""
        roles = tuple(DELEGATED)
        return Reader(self.objects, self._root, forgive_expiry=True, roles=roles, root_max=root_max).refresh()

    def commit(self, change: Callable[[View], Draft | None], *, root_max: int | None = None) -> None:
        """Make a change on top of what the store says, again and again until nobody else was faster.

        Args:
            change: Called with what the store says; answers the change, or None when there is none to make. What it
                raises ends the attempt.
            root_max: The root that the change follows, for one that brings the next root.
        """
        until = time.monotonic() + limits.COMMIT_WAIT_MAX_S
        for attempt in range(limits.COMMIT_ATTEMPTS_MAX):
            view = self.read(root_max)
            draft = change(view)
            if draft is None or self._try(view, draft):
                return
            pause = min(PAUSE_MAX_S, PAUSE_MIN_S * 2 ** min(attempt, 10))
            if time.monotonic() + pause > until:
                break
            time.sleep(random.uniform(0, pause))  # noqa: S311, only spreads the attempts
        raise BusyError(f"others kept changing `{self.objects.url}`; try again")

    def _try(self, view: View, draft: Draft) -> bool:
        """Write everything that the next timestamp names, then the timestamp; False when it was taken."""
        root = view.root if draft.root is None else parse_root(draft.root).signed
        signed = None if draft.signed_targets is None else Metadata[Targets].from_bytes(draft.signed_targets)
        targets = draft.targets or (signed.signed if signed else view.targets)
        self._require(root, targets, draft)
        if signed is not None and not self._put_ceremonial(view.root, signed, draft.signed_targets):
            return False
        signed_roles = {role: self._put_signed(targets, role, data) for role, data in draft.signed_roles.items()}
        snapshot = self._next_snapshot(view, replace(draft, signed_roles=signed_roles), root, targets)
        if draft.root is not None and not self._put_root(view.root, draft.root):
            return False
        return self._put_top(view, root, snapshot)

    def _require(self, root: Root, targets: Targets, draft: Draft) -> None:
        """Refuse at once, before anything is written, when keys are missing."""
        needed = [*draft.roles, *(["targets"] if draft.targets else []), "snapshot", "timestamp"]
        for role in needed:
            self.signers(root, targets, role)

    def require(self, view: View, *roles: str) -> None:
        """Refuse a change before anything large is written for it, when keys for it are missing."""
        for role in (*roles, "snapshot", "timestamp"):
            self.signers(view.root, view.targets, role)

    def signers(self, root: Root, targets: Targets | None, role: str) -> list[Key]:
        """The keys at hand that count for a role, enough of them."""
        ids, threshold = authorized(root, targets, role)
        found = self.keys.among(ids)
        if len(found) < threshold:
            raise KeysError(
                f"{threshold} {'key' if threshold == 1 else 'keys'} of `{role}` must sign, "
                f"`{self.keys.folder}` holds {len(found)}; pass the folder that has them with --keys"
            )
        return found

    def _put_root(self, before: Root, data: bytes) -> bool:
        """Write the next root. Roots cannot skip a number, so rubbish at its key is replaced: it could never be one."""
        new = verify_next_root(before, data)
        name = metadata_name("root", new.version)
        if self.objects.create(name, data):
            return True
        try:
            verify_next_root(before, self.objects.read(name, limits.ROOT_BYTES_MAX) or b"")
        except (TrustError, TooLargeError):
            self.objects.replace(name, data)
            return True
        return False

    def _put_ceremonial(self, root: Root, signed: Metadata[Targets], data: bytes | None) -> bool:
        """Write targets that were signed in a ceremony, under the number they were signed with."""
        name = metadata_name("targets", signed.signed.version)
        if data is None or self.objects.create(name, data):
            return True
        try:
            found = Metadata[Targets].from_bytes(self.objects.read(name, limits.TARGETS_BYTES_MAX) or b"")
            root.verify_delegate("targets", found.signed_bytes, found.signatures)
        except _RUBBISH:
            self.objects.replace(name, data)
            return True
        raise KeysError(f"targets {signed.signed.version} are signed otherwise already; make the draft again")

    def _put_signed(self, targets: Targets, role: str, data: bytes) -> bytes:
        """Write a role's metadata that several have signed, under the number they signed; answers what lies there."""
        ours = Metadata[Targets].from_bytes(data)
        targets.verify_delegate(role, ours.signed_bytes, ours.signatures)
        name = metadata_name(role, ours.signed.version)
        if self.objects.create(name, data):
            return data
        found = self.objects.read(name, limits.TARGETS_BYTES_MAX) or b""
        try:
            other = Metadata[Targets].from_bytes(found)
            targets.verify_delegate(role, other.signed_bytes, other.signatures)
        except _RUBBISH:
            self.objects.replace(name, data)
            return data
        if other.signed_bytes != ours.signed_bytes:
            raise BusyError(f"`{role}` {ours.signed.version} is signed otherwise already; publish again")
        return found

    def _next_snapshot(self, view: View, draft: Draft, root: Root, targets: Targets) -> Snapshot | None:
        """The snapshot that names what changed; None when the present one will do."""
        meta = dict(view.snapshot.meta)
        if draft.signed_targets is not None:
            meta["targets.json"] = describe(draft.signed_targets, targets.version)
        if draft.targets is not None:
            signers = self.signers(root, targets, "targets")
            meta["targets.json"] = self._number("targets", draft.targets, view.targets.version, root, signers)
        for role, data in draft.signed_roles.items():
            meta[f"{role}.json"] = describe(data, Metadata[Targets].from_bytes(data).signed.version)
        for role, payload in draft.roles.items():
            signers = self.signers(root, targets, role)
            meta[f"{role}.json"] = self._number(role, payload, view.roles[role].version, root, signers)
        if meta == view.snapshot.meta and draft.root is None and not _wears_out(view.snapshot):
            return None
        return Snapshot(version=view.snapshot.version, meta=meta)

    def _put_top(self, view: View, root: Root, snapshot: Snapshot | None) -> bool:
        """Write the snapshot, then the timestamp that makes everything valid; False when that one was taken."""
        if snapshot is None:
            described = view.timestamp.snapshot_meta
        else:
            signers = self.signers(root, None, "snapshot")
            described = self._number("snapshot", snapshot, view.snapshot.version, root, signers)
        timestamp = Timestamp(expires=expiry("timestamp", development=is_development(root)), snapshot_meta=described)
        # Two writers with the same thing to say must not take each other's timestamp for their own.
        timestamp.unrecognized_fields[OURS] = {"commit": secrets.token_hex(8), "at": datetime.now(UTC).isoformat()}
        return self._put_timestamp(view, root, timestamp)

    def _put_timestamp(self, view: View, root: Root, timestamp: Timestamp) -> bool:
        signers = self.signers(root, None, "timestamp")
        for number in range(view.next_timestamp, view.next_timestamp + limits.NUMBERS_SKIPPED_MAX):
            timestamp.version = number
            data = sign(timestamp, signers)
            if self.objects.create(metadata_name("timestamp", number), data):
                # The change is made. Without the hint readers find it by its number.
                with contextlib.suppress(StoreError):
                    self.objects.replace(TIMESTAMP_HINT, data)
                return True
            if not self._is_rubbish(number, view.root):
                return False
        raise BusyError(
            "too many numbers of timestamps are taken by objects that nobody signed; see `edgewise store check`"
        )

    def _is_rubbish(self, number: int, root: Root) -> bool:
        """Whether an object at a timestamp's number was signed by nobody who may: then its number is skipped."""
        try:
            data = self.objects.read(metadata_name("timestamp", number), limits.TIMESTAMP_BYTES_MAX)
            metadata = Metadata[Timestamp].from_bytes(data or b"")
            root.verify_delegate("timestamp", metadata.signed_bytes, metadata.signatures)
        except _RUBBISH:
            return True
        return metadata.signed.version != number

    def _number(self, role: str, payload: Signed, before: int, root: Root, signers: list[Key]) -> MetaFile:
        """Write a role's metadata under the next free number, and say how the next role up names it."""
        payload.expires = expiry(role, development=is_development(root))
        for version in range(before + 1, before + 1 + limits.NUMBERS_SKIPPED_MAX):
            payload.version = version
            data = sign(payload, signers)
            if self.objects.create(metadata_name(role, version), data):
                return describe(data, version)
        raise BusyError(f"too many numbers of `{role}` are taken; see `edgewise store prune`")


def _wears_out(snapshot: Snapshot) -> bool:
    """Whether a snapshot has less than half of its life left, so that it is signed anew with the timestamp."""
    return snapshot.expires - datetime.now(UTC) < limits.SNAPSHOT_LIFE / 2
