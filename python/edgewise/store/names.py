"""Where things lie in a store, and which names may be asked for. Owns the layout; reads nothing."""

import hashlib
import re
from typing import Final, NamedTuple, Self

from edgewise.store.errors import StoreError

STORE_FILE: Final = "store.json"
METADATA: Final = "metadata"
PENDING: Final = "pending"
FINGERPRINT_HEX: Final = 16
TIMESTAMP_HINT: Final = "metadata/timestamp.json"
NODE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_GENERATION: Final = re.compile(r"rollout/([1-9][0-9]{0,14})\.json")
_FLEET: Final = re.compile(r"fleet/([1-9][0-9]{0,14})\.json")
_PENDING: Final = re.compile(r"pending/([0-9a-f]{64})\.([0-9a-f]{16})\.([0-9a-f]{16})\.json")
_TIMESTAMP: Final = re.compile(r"metadata/([1-9][0-9]{0,14})\.timestamp\.json")


def digest_of(data: bytes) -> str:
    """The name of some bytes, as ``sha256:<hex>``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_hex(digest: str) -> str:
    """The part of a digest that stands in an object's name."""
    if not _DIGEST.fullmatch(digest):
        raise StoreError(f"`{digest}` is not a digest; expected `sha256:` and 64 hex digits")
    return digest.removeprefix("sha256:")


def bundle_name(digest: str) -> str:
    """Where a bundle lies."""
    return f"bundles/{digest_hex(digest)}.bundle"


def model_name(digest: str) -> str:
    """Where a model lies."""
    return f"models/{digest_hex(digest)}.onnx"


def digest_in(name: str) -> str:
    """The digest that the name of a bundle or model states."""
    return "sha256:" + name.partition("/")[2].partition(".")[0]


def generation_name(generation: int) -> str:
    """Where the document of a generation lies."""
    return f"rollout/{generation}.json"


def generation_in(name: str) -> int:
    """The generation that a name states; 0 for any other name."""
    match = _GENERATION.fullmatch(name)
    return int(match[1]) if match else 0


def fleet_name(number: int) -> str:
    """Where a list of enrolled nodes lies."""
    return f"fleet/{number}.json"


def fleet_in(name: str) -> int:
    """The number that the name of a list of nodes states; 0 for any other name."""
    match = _FLEET.fullmatch(name)
    return int(match[1]) if match else 0


def metadata_name(role: str, version: int) -> str:
    """Where a version of a role's metadata lies."""
    return f"{METADATA}/{version}.{role}.json"


class PendingName(NamedTuple):
    """Where one signature for a release that waits for more of them lies."""

    digest: str
    proposal: str  # the start of the SHA-256 of what is signed
    key: str  # the start of the id of the key that signed

    @classmethod
    def of(cls, name: str) -> Self | None:
        """What a name states; None for any other name."""
        match = _PENDING.fullmatch(name)
        return cls(f"sha256:{match[1]}", match[2], match[3]) if match else None

    def __str__(self) -> str:
        """The name."""
        return f"{PENDING}/{digest_hex(self.digest)}.{self.proposal}.{self.key}.json"


def timestamp_in(name: str) -> int:
    """The version that the name of a timestamp states; 0 for any other name."""
    match = _TIMESTAMP.fullmatch(name)
    return int(match[1]) if match else 0


def status_name(node: str) -> str:
    """Where a node's status lies."""
    return f"nodes/{checked_node_id(node)}.json"


def checked_node_id(node: str) -> str:
    """The id of a node, which is safe as a name."""
    if not NODE_ID.fullmatch(node):
        raise StoreError(f"`{node}` is no node id; use 1 to 64 letters, digits, `.`, `_` and `-`")
    return node
