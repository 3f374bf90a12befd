"""Whether the rows that this engine makes are those a model was made for. The extractor itself is the core's."""

from typing import TYPE_CHECKING, Any

import numpy as np

from edgewise._core import FeatureSpec
from edgewise.intent.errors import ModelError
from edgewise.intent.metadata import Metadata, Row
from edgewise.intent.spec import feature_spec

if TYPE_CHECKING:
    from edgewise.intent.model import Ids, Vals


def require_extraction(metadata: Metadata) -> None:
    """Make every golden row anew, from what it was made from, and hold ids and values against it bit by bit.

    Raises:
        ModelError: the spec is none of this engine's, or a row comes out differently.
    """
    spec = feature_spec(metadata)
    for number, row in enumerate(metadata.golden):
        ids, vals = _extract(spec, number, row)
        if not _is_same(ids[0], row.ids) or not _is_same(vals[0], row.vals):
            raise ModelError(
                "golden", "extraction", f"golden row {number}: this engine makes another row of its source"
            )


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
