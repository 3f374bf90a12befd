"""Making a store: proves that it can be one, then signs its first root, roles and timestamp. Done once."""

import secrets
from collections.abc import Mapping
from typing import Final

import msgspec
from tuf.api.metadata import Snapshot, Targets, Timestamp

from edgewise.files import TRUSTED, write_synced
from edgewise.store.errors import KeysError, StoreRefusedError
from edgewise.store.fleet import EVERY_NODE, Enrolled, Fleet, first_targets
from edgewise.store.keys import NODE, ROLES, Key, KeyFolder
from edgewise.store.metadata import DELEGATED, describe, expiry, make_root, make_targets, sign
from edgewise.store.names import STORE_FILE, TIMESTAMP_HINT, metadata_name
from edgewise.store.objects import Objects
from edgewise.store.probing import require_conditions
from edgewise.store.status import public_of

FORMAT: Final = "edgewise/store/1"
ID_BYTES: Final = 8
STORE_FILE_BYTES_MAX: Final = 4096


class StoreFile(msgspec.Struct, frozen=True, kw_only=True):
    """`store.json`: helps to find the keys. Nothing is trusted for its sake."""

    format: str
    id: str
    development: bool


def new_id() -> str:
    """An id that no other store has."""
    return secrets.token_hex(ID_BYTES)


def read_store_file(objects: Objects) -> StoreFile | None:
    """What a store says of itself; None when there is no store."""
    data = objects.read(STORE_FILE, STORE_FILE_BYTES_MAX)
    if data is None:
        return None
    try:
        found = msgspec.json.decode(data, type=StoreFile)
    except msgspec.DecodeError as error:
        raise StoreRefusedError(f"`{STORE_FILE}` in `{objects.url}` is damaged: {error}") from error
    if found.format != FORMAT or not found.id.isalnum():
        raise StoreRefusedError(
            f"`{objects.url}` holds a store of format `{found.format}`; this program knows `{FORMAT}`"
        )
    return found


def require_place(objects: Objects) -> None:
    """Refuse a place where a store is already; asked before keys are made for a new one."""
    if read_store_file(objects) is not None or objects.find(metadata_name("root", 1)) is not None:
        raise StoreRefusedError(f"`{objects.url}` is a store already")


def init_store(
    objects: Objects, identity: str, keys: KeyFolder, thresholds: Mapping[str, int], *, development: bool
) -> bytes:
    """Make a store; answers the root of trust, which nodes are given by hand."""
    require_place(objects)
    require_conditions(objects)
    at_hand = {role: keys.of_role(role) for role in ROLES}
    for role, found in at_hand.items():
        if len(found) < thresholds.get(role, 1):
            raise KeysError(f"`{keys.folder}` holds {len(found)} keys of `{role}`, {thresholds.get(role, 1)} must sign")
    root = make_root(identity, at_hand, thresholds, development=development)
    data = sign(root, at_hand["root"])
    if not objects.create(metadata_name("root", 1), data):
        raise StoreRefusedError(f"another store was made at `{objects.url}` in this moment")
    _put_first(objects, at_hand, thresholds, _first_fleet(keys, development=development), development=development)
    objects.create(STORE_FILE, msgspec.json.encode(StoreFile(format=FORMAT, id=identity, development=development)))
    write_synced(keys.root_file, data, TRUSTED)
    return data


def _put_first(
    objects: Objects, keys: Mapping[str, list[Key]], thresholds: Mapping[str, int], fleet: Fleet, *, development: bool
) -> None:
    snapshot = Snapshot(expires=expiry("snapshot", development=development), meta={})
    signed = {role: Targets() for role in DELEGATED}
    signed["fleet"] = first_targets(objects, fleet)
    signed["targets"] = make_targets(keys, thresholds, development=development)
    for role, payload in signed.items():
        payload.expires = expiry(role, development=development)
        data = sign(payload, keys[role])
        _must_create(objects, metadata_name(role, 1), data)
        snapshot.meta[f"{role}.json"] = describe(data, 1)
    data = sign(snapshot, keys["snapshot"])
    _must_create(objects, metadata_name("snapshot", 1), data)
    timestamp = Timestamp(expires=expiry("timestamp", development=development), snapshot_meta=describe(data, 1))
    data = sign(timestamp, keys["timestamp"])
    _must_create(objects, metadata_name("timestamp", 1), data)
    objects.replace(TIMESTAMP_HINT, data)


def _first_fleet(keys: KeyFolder, *, development: bool) -> Fleet:
    """Nobody; in a development store every node of this user, by the one key that they share."""
    shared = keys.of_role(NODE) if development else []
    return Fleet(nodes={EVERY_NODE: Enrolled(key=public_of(shared[0]), by="init", at="")} if shared else {})


def _must_create(objects: Objects, name: str, data: bytes) -> None:
    if not objects.create(name, data):
        raise StoreRefusedError(f"`{name}` is in `{objects.url}` already; make the store in an empty place")
