"""What a model says of itself: its feature spec, heads, golden rows and card.

Owns the keys and their forms; runs nothing.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec

from edgewise.intent.errors import ModelError

SPEC: Final = "edgewise.feature_spec"
SPEC_DIGEST: Final = "edgewise.feature_spec_sha256"
OUTPUTS: Final = "edgewise.outputs"
GOLDEN: Final = "edgewise.golden"
TRAINED_AT: Final = "edgewise.trained_at"
REQUIRED: Final = (
    SPEC,
    SPEC_DIGEST,
    OUTPUTS,
    GOLDEN,
    "edgewise.metrics",
    "edgewise.data_sha256",
    "edgewise.data_licence",
    TRAINED_AT,
    "edgewise.model_card",
)
METADATA_BYTES_MAX: Final = 2 * 1024 * 1024
HEADS_MAX: Final = 16
GOLDEN_ROWS_MAX: Final = 256
BITS_MAX: Final = 20
SLOTS_MAX: Final = 1024

T = TypeVar("T")

_HEAD = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One golden row: what the model answered when it was made.

    `ids` and `vals` are what it was given, without the padding. What they were made from: a session's `events` with its
    `inputs` by name, or, without `events`, the `values` of a snapshot by name.
    """

    ids: list[int]
    vals: list[float]
    p: list[float]
    events: list[dict[str, Any]] | None = None
    inputs: dict[str, Any] | None = None
    values: dict[str, Any] | None = None


class SpecSize(msgspec.Struct, frozen=True):
    """The part of a feature spec that says how large the model's inputs are."""

    bits: int
    slots: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of one model, checked."""

    entries: Mapping[str, str]
    spec: str
    spec_digest: str
    size: SpecSize
    outputs: tuple[str, ...]
    golden: tuple[Row, ...]
    trained_at: datetime


def read_metadata(entries: dict[str, str], spec_digest: str | None = None) -> Metadata:
    """Read what a model says of itself; its feature spec must be the one that `spec_digest` names, if it is given.

    Raises:
        ModelError: something is absent, of another form, or of another spec.
    """
    _require_entries(entries)
    spec = entries[SPEC]
    _require_spec(spec, entries[SPEC_DIGEST], spec_digest)
    size = _decode(spec, SPEC, SpecSize)
    if not (1 <= size.bits <= BITS_MAX and 1 <= size.slots <= SLOTS_MAX):
        raise ModelError("metadata", "spec", f"`bits` must be 1 to {BITS_MAX} and `slots` 1 to {SLOTS_MAX}")
    outputs = tuple(_decode(entries[OUTPUTS], OUTPUTS, list[str]))
    _require_heads(outputs)
    golden = tuple(_decode(entries[GOLDEN], GOLDEN, list[Row]))
    _require_golden(golden, size, len(outputs))
    kept = {key: value for key, value in entries.items() if key != GOLDEN}
    return Metadata(MappingProxyType(kept), spec, digest_of(spec), size, outputs, golden, _instant(entries[TRAINED_AT]))


def digest_of(text: str) -> str:
    """The name of a text, as ``sha256:<hex>``."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _require_entries(entries: dict[str, str]) -> None:
    missing = [key for key in REQUIRED if not entries.get(key)]
    if missing:
        raise ModelError("metadata", "missing", f"the metadata lacks `{'`, `'.join(missing)}`")
    if sum(len(key) + len(value) for key, value in entries.items()) > METADATA_BYTES_MAX:
        raise ModelError("metadata", "too_large", f"the metadata is larger than {METADATA_BYTES_MAX} characters")


def _require_spec(spec: str, said: str, expected: str | None) -> None:
    found = digest_of(spec)
    if found.removeprefix("sha256:") != said.removeprefix("sha256:"):
        raise ModelError("metadata", "spec_digest", f"the feature spec has digest `{found}`, not `{said[:80]}` as said")
    if expected is not None and found != expected:
        raise ModelError("metadata", "spec_digest", f"expected a feature spec of digest `{expected}`, got `{found}`")


def _require_heads(outputs: tuple[str, ...]) -> None:
    if not 1 <= len(outputs) <= HEADS_MAX or len(set(outputs)) < len(outputs):
        raise ModelError("metadata", "outputs", f"`{OUTPUTS}` must name 1 to {HEADS_MAX} heads, each once")
    for name in outputs:
        if not _HEAD.fullmatch(name):
            raise ModelError("metadata", "outputs", f"`{name[:80]}` is no name; use lower case, digits and `_`")


def _require_golden(golden: tuple[Row, ...], size: SpecSize, heads: int) -> None:
    if not 1 <= len(golden) <= GOLDEN_ROWS_MAX:
        raise ModelError("metadata", "golden", f"expected 1 to {GOLDEN_ROWS_MAX} golden rows, got {len(golden)}")
    for number, row in enumerate(golden):
        if len(row.ids) != len(row.vals) or len(row.ids) > size.slots or len(row.p) != heads:
            raise ModelError("metadata", "golden", f"golden row {number} is not of {size.slots} slots, {heads} heads")
        if (row.events is None) == (row.values is None):
            raise ModelError("metadata", "golden", f"golden row {number} must have either `events` or `values`")
        if any(not 0 <= at < 1 << size.bits for at in row.ids):
            raise ModelError("metadata", "golden", f"golden row {number} has an id beyond {size.bits} bits")


def _decode(text: str, key: str, form: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=form)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ModelError("metadata", "malformed", f"`{key}` in the metadata is malformed: {error}") from error


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ModelError("metadata", "trained_at", f"`{TRAINED_AT}` must be a date or an RFC 3339 time") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
