"""From bytes to a model that may be asked: every check, in the order in which the next one may rely on it.

Digest before parsing, rules before the runtime sees a byte, golden rows before anybody gets an answer.
"""

import hashlib
from typing import TYPE_CHECKING, Final

from edgewise.intent.errors import ModelError
from edgewise.intent.metadata import Metadata, read_metadata
from edgewise.intent.policy import Contents, inspect, require_interface
from edgewise.intent.spec import feature_spec

if TYPE_CHECKING:
    from edgewise.intent.model import Model

MODEL_BYTES_MAX: Final = 8 * 1024 * 1024


def load(data: bytes, digest: str, spec_digest: str, slots: int) -> "Model":
    """Load the model named `digest`, made for the feature spec named `spec_digest` with `slots` slots a row.

    Raises:
        ModelError: it is not that model, breaks a rule, or does not answer as it did when it was made.
    """
    require_named(data, digest)
    contents = inspect(data)
    metadata = read_metadata(contents.metadata, spec_digest)
    if metadata.size.slots != slots:
        raise ModelError("metadata", "slots", f"expected {slots} slots, the model's spec has {metadata.size.slots}")
    _require_form(contents, metadata)
    return _start(data, digest, contents, metadata)


def examine(data: bytes) -> Metadata:
    """Say what a model says of itself, held to every rule that needs no runtime. Cheap, and nothing of it is run.

    Raises:
        ModelError: it breaks a rule.
    """
    _require_size(data)
    contents = inspect(data)
    metadata = read_metadata(contents.metadata)
    _require_form(contents, metadata)
    feature_spec(metadata)
    return metadata


def require_named(data: bytes, digest: str) -> None:
    """Refuse bytes that are too many, or not those that `digest` names. Looks at nothing in them.

    Raises:
        ModelError: stage `size` or `digest`.
    """
    _require_size(data)
    found = "sha256:" + hashlib.sha256(data).hexdigest()
    if found != digest:
        raise ModelError("digest", "mismatch", f"expected a model of digest `{digest}`, got `{found}`")


def _require_size(data: bytes) -> None:
    if len(data) > MODEL_BYTES_MAX:
        raise ModelError("size", "too_large", f"the model is larger than {MODEL_BYTES_MAX} bytes")


def _require_form(contents: Contents, metadata: Metadata) -> None:
    require_interface(contents, metadata.size.slots, len(metadata.outputs))
    rows = 1 << metadata.size.bits
    if any(found != rows for found in contents.tables):
        raise ModelError("policy", "table", f"a table for ids must have {rows} rows, as the spec's `bits` say")


def _start(data: bytes, digest: str, contents: Contents, metadata: Metadata) -> "Model":
    # Nobody pays for numpy and a runtime without a model to run.
    from edgewise.intent.extraction import require_extraction  # noqa: PLC0415
    from edgewise.intent.model import Model, require_finite  # noqa: PLC0415

    require_extraction(metadata)
    require_finite(contents.floats)
    model = Model(data, digest, metadata)
    model.replay(metadata.golden)
    return model
