"""What nodes say of themselves: signed, numbered, dated by the store. Owns the form, signing and proof.

A status can be forged, replayed, late or missing. None of these ever counts as good news.
"""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Signature, SSlibKey

from edgewise.files import write_whole
from edgewise.store import limits
from edgewise.store.errors import StoreError, TooLargeError
from edgewise.store.fleet import Fleet
from edgewise.store.keys import Key
from edgewise.store.names import NODE_ID, status_name
from edgewise.store.objects import Listed, Objects

FORMAT: Final = "edgewise/status/1"
READERS: Final = 16
CLOCK_FILE: Final = "clock.json"
STATUSES: Final = "nodes"
_PREFIX: Final = b"edgewise/status/1\n"


class Nack(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Why a node does not run what it should."""

    generation: int
    digest: str
    stage: str
    code: str
    detail: str = ""


class Measures(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How decisions went with one bundle on one node, since it was loaded."""

    decisions: int = 0
    errors: int = 0
    fallbacks: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    reasons: dict[str, int] = {}


class NodeStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A node's account of itself. `sequence`, `at` and `node` are filled in when it is signed."""

    generation: int
    digest: str | None
    candidate: str | None = None
    engine: str = ""
    labels: dict[str, str] = {}
    source: Literal["origin", "disk", "book"] = "origin"
    age_seconds: float = 0.0
    degraded: tuple[str, ...] = ()
    nack: Nack | None = None
    quarantined: tuple[str, ...] = ()
    stable_measures: Measures | None = None
    candidate_measures: Measures | None = None
    dropped_records: int = 0
    node: str = ""
    sequence: int = 0
    at: str = ""
    format: str = FORMAT


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A status as text, and the node's signature of exactly that text."""

    payload: str
    signature: str


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of a node: its proven status with the store's time, or why there is none."""

    node: str
    status: NodeStatus | None
    age_s: float | None
    problem: str | None = None


class Sequences:
    """The newest sequence of each node that one who keeps looking has seen: an older one after it is a replay."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}

    def check(self, account: Account) -> Account:
        """The same account, with a problem when its status is older than one seen before."""
        if account.status is None or account.problem is not None:
            return account
        newest = self._newest.get(account.node, 0)
        if account.status.sequence < newest:
            return replace(account, problem=f"is number {account.status.sequence}, after number {newest} was seen")
        self._newest[account.node] = account.status.sequence
        return account


class Reporter:
    """Writes one node's status: signed, with a sequence that outlives restarts, in the store's time."""

    def __init__(self, objects: Objects, node: str, key: Key, sequence_file: Path) -> None:
        self._objects = objects
        self._node = node
        self._name = status_name(node)
        self._key = key
        self._file = sequence_file
        self._last = 0
        self._zero = (
            datetime.now(UTC) - _passed()
        )  # the store's time when the steady clock was at zero, as far as known

    def write(self, status: NodeStatus) -> int:
        """Write a status; answers its sequence. Raises StoreUnavailableError, StoreRefusedError."""
        before = self._zero
        sequence = self._write_once(status)
        # It told how far this machine's clock is off; what counts is the store's.
        if abs(self._zero - before) > limits.STATUS_SKEW_MAX / 4:
            sequence = self._write_once(status)
        return sequence

    def _write_once(self, status: NodeStatus) -> int:
        sequence = self._next_sequence()
        passed = _passed()
        stated = (self._zero + passed).isoformat()
        data = seal(msgspec.structs.replace(status, node=self._node, sequence=sequence, at=stated), self._key)
        if len(data) > limits.STATUS_BYTES_MAX:
            raise TooLargeError(f"a status may have {limits.STATUS_BYTES_MAX} bytes")
        self._objects.replace(self._name, data)
        found = self._objects.find(self._name)
        if found is not None:
            self._zero = found.modified - passed
        return sequence

    def _next_sequence(self) -> int:
        try:
            last = int(self._file.read_text())
        except (FileNotFoundError, ValueError):
            last = 0
        # A lost file must not take the numbers back, nor may a clock: each is the other's floor. What was given last is
        # known here too: two within a millisecond run ahead of the clock.
        self._last = max(self._last + 1, last + 1, int(datetime.now(UTC).timestamp() * 1000))
        with contextlib.suppress(OSError):  # a full disk must not silence a node; the clock is a floor too
            write_whole(self._file, str(self._last).encode())
        return self._last


def _passed() -> timedelta:
    """By the clock that nobody sets: one that is set while a node runs must not date its statuses."""
    return timedelta(seconds=time.monotonic())


def seal(status: NodeStatus, key: Key) -> bytes:
    """Sign a status."""
    payload = msgspec.json.encode(status)
    signature = key.signer.sign(_PREFIX + payload).signature
    return msgspec.json.encode(Envelope(payload=payload.decode(), signature=signature))


def unseal(data: bytes, node: str, public: str) -> NodeStatus:
    """The status in some bytes, proven to be this node's. Raises StoreError, with the reason."""
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
        key = SSlibKey("-", "ed25519", "ed25519", {"public": public})
        key.verify_signature(Signature("-", envelope.signature), _PREFIX + envelope.payload.encode())
        status = msgspec.json.decode(envelope.payload, type=NodeStatus)
    except (UnverifiedSignatureError, VerificationError) as error:
        raise StoreError("is not signed by the node's enrolled key") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise StoreError("is malformed") from error
    if status.node != node or status.format != FORMAT:
        raise StoreError(f"is the status of `{status.node[:64]}`")
    return status


def public_of(key: Key) -> str:
    """The public half of a key, as the list of nodes holds it."""
    value: Any = key.public.keyval["public"]
    return str(value)


def read_accounts(objects: Objects, fleet: Fleet, *, development: bool) -> list[Account]:
    """What is known of every enrolled node, and of whoever else wrote a status, by the store's own time."""
    listed = {item.name.removeprefix(f"{STATUSES}/").removesuffix(".json"): item for item in objects.below(STATUSES)}
    known = {node: item for node, item in listed.items() if NODE_ID.fullmatch(node)}
    now = store_time(objects)
    nodes = sorted({*fleet.named, *known})[: limits.NODES_MAX]

    def account(node: str) -> Account:
        return _account(objects, node, known.get(node), fleet.key_of(node, development=development), now)

    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(account, nodes))


def store_time(objects: Objects) -> datetime:
    """The store's time, where this program may write there; else this machine's."""
    try:
        return objects.now(CLOCK_FILE)
    except StoreError:
        return datetime.now(UTC)


def _account(objects: Objects, node: str, item: Listed | None, public: str | None, now: datetime) -> Account:
    if item is None:
        return Account(node, None, None, "has not written a status yet")
    age = max(0.0, (now - item.modified).total_seconds())
    if public is None:
        return Account(node, None, age, "is not enrolled; let it in with `edgewise keys enroll`")
    try:
        data = objects.read(item.name, limits.STATUS_BYTES_MAX)
        if data is None:
            return Account(node, None, None, "has taken its status away")
        status = unseal(data, node, public)
    except StoreError as error:
        return Account(node, None, age, str(error))
    return Account(node, status, age, _problem_of_time(status, item.modified))


def _problem_of_time(status: NodeStatus, modified: datetime) -> str | None:
    """A status that was signed at another time than it was written at is an old one, written again by somebody."""
    try:
        stated = datetime.fromisoformat(status.at)
        apart = abs(stated - modified)
    except (ValueError, TypeError):
        return "does not say when it was signed"
    if apart > limits.STATUS_SKEW_MAX:
        return f"was signed {int(apart.total_seconds())} s away from when it was written"
    return None
