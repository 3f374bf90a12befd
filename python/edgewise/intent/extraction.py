"""Whether the rows that this engine makes are those a model was made for. The extractor itself is the core's."""

from typing import TYPE_CHECKING, Any

import numpy as np

from edgewise._core import FeatureSpec
from edgewise.errors import FeatureSpecError
from edgewise.intent.errors import ModelError
from edgewise.intent.metadata import Metadata, Row

if TYPE_CHECKING:
    from edgewise.intent.model import Ids, Vals


def require_extraction(metadata: Metadata) -> None:
    """Make every golden row anew, from what it was made from, and hold ids and values against it bit by bit.

    Raises:
        ModelError: the spec is none of this engine's, or a row comes out differently.
    """
    spec = _spec(metadata)
    for number, row in enumerate(metadata.golden):
        ids, vals = _extract(spec, number, row)
        if not _is_same(ids[0], row.ids) or not _is_same(vals[0], row.vals):
            raise ModelError(
                "golden", "extraction", f"golden row {number}: this engine makes another row of its source"
            )


def _spec(metadata: Metadata) -> FeatureSpec:
    try:
        spec = FeatureSpec(metadata.spec)
    except FeatureSpecError as error:
        raise ModelError("metadata", "spec", f"the feature spec does not fit this engine: {error}") from error
    if spec.digest != metadata.spec_digest:
        raise ModelError("metadata", "spec", "the feature spec is not in canonical form")
    if (spec.slots, spec.width) != (metadata.size.slots, 1 << metadata.size.bits):
        raise ModelError("metadata", "spec", "the feature spec has other `slots` or `bits` than it says")
    return spec


def _extract(spec: FeatureSpec, number: int, row: Row) -> tuple["Ids", "Vals"]:
    try:
        if row.events is None:
            return spec.extract_values([row.values or {}])
        return spec.extract_events([row.events], inputs=[row.inputs or {}])[:2]
    except (TypeError, ValueError) as error:
        raise ModelError("golden", "extraction", f"golden row {number}: {error}") from error


def _is_same(found: "np.ndarray[Any, Any]", expected: list[int] | list[float]) -> bool:
    used = len(expected)
    with np.errstate(over="ignore"):  # what overflows is infinite, which no row is
        return bool((found[:used] == np.array(expected, found.dtype)).all()) and not found[used:].any()
