"""TUF metadata as this store uses it: which roles there are, who may sign what, how long it lasts. Makes and signs.

The root names the keys of targets, snapshot and timestamp; targets delegates bundles and models to `release`, the
documents of generations to `rollout`, the lists of enrolled nodes to `fleet`, each its own paths and nothing else.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)
from tuf.api.metadata import Key as PublicKey
from tuf.api.serialization import DeserializationError

from edgewise.store.errors import KeysError, TrustError
from edgewise.store.keys import Key
from edgewise.store.limits import (
    DEVELOPMENT_LIFE,
    ROLE_LIFE,
    ROOT_LIFE,
    SNAPSHOT_LIFE,
    TIMESTAMP_LIFE,
)

OURS: Final = "x-edgewise"
DELEGATED: Final[dict[str, list[str]]] = {
    "release": ["bundles/*", "models/*"],
    "rollout": ["rollout/*"],
    "fleet": ["fleet/*"],
}
TOP: Final = ("root", "targets", "snapshot", "timestamp")
_LIVES: Final[dict[str, timedelta]] = {"root": ROOT_LIFE, "snapshot": SNAPSHOT_LIFE, "timestamp": TIMESTAMP_LIFE}

Signed = Root | Targets | Snapshot | Timestamp


def is_development(root: Root) -> bool:
    """Whether the root says of itself that its store is for development."""
    return bool(root.unrecognized_fields.get(OURS, {}).get("development"))


def store_id(root: Root) -> str:
    """The id of the store that a root is for."""
    return str(root.unrecognized_fields.get(OURS, {}).get("store", ""))


def expiry(role: str, *, development: bool, now: datetime | None = None) -> datetime:
    """When metadata signed now stops being fresh."""
    life = DEVELOPMENT_LIFE if development else _LIVES.get(role, ROLE_LIFE)
    return ((now or datetime.now(UTC)) + life).replace(microsecond=0)


def make_root(
    identity: str, keys: Mapping[str, list[Key]], thresholds: Mapping[str, int], *, development: bool
) -> Root:
    """The first root of a store."""
    root = Root(expires=expiry("root", development=development), consistent_snapshot=True)
    root.unrecognized_fields[OURS] = {"store": identity, "development": development}
    for role in TOP:
        for key in keys[role]:
            root.add_key(key.public, role)
        root.roles[role].threshold = thresholds.get(role, 1)
    return root


def make_targets(keys: Mapping[str, list[Key]], thresholds: Mapping[str, int], *, development: bool) -> Targets:
    """The first top-level targets: no target of its own, only who may sign which."""
    roles = {
        name: DelegatedRole(
            name, [key.id for key in keys[name]], thresholds.get(name, 1), terminating=True, paths=paths
        )
        for name, paths in DELEGATED.items()
    }
    public: dict[str, PublicKey] = {key.id: key.public for name in DELEGATED for key in keys[name]}
    return Targets(expires=expiry("targets", development=development), delegations=Delegations(public, roles))


def sign(signed: Root | Targets | Snapshot | Timestamp, keys: Iterable[Key]) -> bytes:
    """Metadata signed by every key given."""
    metadata: Metadata[Any] = Metadata(signed)
    for key in keys:
        metadata.sign(key.signer, append=True)
    return metadata.to_bytes()


def describe(data: bytes, version: int) -> MetaFile:
    """How the next role up names some metadata: version, length, hash."""
    made = MetaFile.from_data(version, data, ["sha256"])
    assert made.length == len(data)  # noqa: S101, what from_data does
    return made


def parse_root(data: bytes) -> Metadata[Root]:
    """A root, as it says of itself: not trusted yet."""
    try:
        metadata = Metadata[Root].from_bytes(data)
    except (DeserializationError, RepositoryError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise TrustError("root", "the root of trust is malformed") from error
    if not isinstance(metadata.signed, Root):
        raise TrustError("root", "the root of trust is metadata of another kind")
    return metadata


def authorized(root: Root, targets: Targets | None, role: str) -> tuple[list[str], int]:
    """The ids of the keys that count for a role, and how many of them must sign."""
    if role in TOP:
        found = root.roles[role]
    elif targets is not None and targets.delegations is not None and targets.delegations.roles:
        found = targets.delegations.roles[role]
    else:
        raise KeysError(f"the store delegates nothing to `{role}`")
    return list(found.keyids), found.threshold
