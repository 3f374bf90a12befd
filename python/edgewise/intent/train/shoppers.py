"""Sessions of an online shop (UCI 468), each a snapshot: what was looked at, by whom, when, and whether it was bought.

Owns the words of that set; builds no features.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgewise._core import FeatureSpec
from edgewise.intent.train.dataset import Floats, Ids, Vals
from edgewise.intent.train.errors import TrainingError
from edgewise.intent.train.table import Columns, choice, number, parse_columns, whole, word

HEADS: Final = ("purchase",)
AREAS: Final = {"administrative": "Administrative", "informational": "Informational", "product": "ProductRelated"}
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH_WORDS: Final = {month: at for at, month in enumerate(MONTHS, start=1)} | {"june": 6}
VISITORS: Final = {"returning_visitor": "returning", "new_visitor": "new", "other": "other"}
TRUTH: Final = {"true": True, "false": False, "1": True, "0": False}
CODED: Final = {"system": "OperatingSystems", "browser": "Browser", "region": "Region", "traffic": "TrafficType"}
SITE_WIDE: Final = ("PageValues", "BounceRates", "ExitRates")
"""What the shop's analytics know and no session does."""

HIDEABLE: Final = (*CODED, "special_day")
"""What an edge may well not have: the model learns each session once more without."""

MS_PER_S: Final = 1000

PARSERS: Final = {
    **dict.fromkeys(AREAS.values(), whole()),
    **{f"{column}_Duration": number for column in AREAS.values()},
    **dict.fromkeys(CODED.values(), word),
    "SpecialDay": number,
    "Month": choice(MONTH_WORDS),
    "VisitorType": choice(VISITORS),
    "Weekend": choice(TRUTH),
}
TRAINING_PARSERS: Final = {**PARSERS, **dict.fromkeys(SITE_WIDE, number), "Revenue": choice(TRUTH)}

Snapshot = dict[str, Any]


@dataclass(frozen=True)
class Shoppers:
    """One snapshot for each row of the file, and the columns they were made from."""

    snapshots: list[Snapshot]
    columns: Columns


def read_shoppers(data: bytes, name: str, *, labelled: bool) -> Shoppers:
    """Read snapshots; only training needs the label and what stands in the file beside the model's inputs.

    Raises:
        TrainingError: the file is not of that form.
    """
    columns = parse_columns(data, name, TRAINING_PARSERS if labelled else PARSERS)
    rows = range(len(columns["Month"]))
    if not rows:
        raise TrainingError(f"`{name}` has no rows")
    return Shoppers([_snapshot(columns, row) for row in rows], columns)


def _snapshot(columns: Columns, row: int) -> Snapshot:
    counts = {area: columns[column][row] for area, column in AREAS.items()}
    times = {f"{area}_time": _duration(columns[f"{column}_Duration"][row]) for area, column in AREAS.items()}
    codes = {field: columns[column][row] for field, column in CODED.items()}
    return {
        **counts,
        **times,
        **codes,
        "special_day": columns["SpecialDay"][row],
        "month": columns["Month"][row],
        "visitor": columns["VisitorType"][row],
        "weekend": columns["Weekend"][row],
    }


def _duration(seconds: float) -> str:
    return f"{round(seconds * MS_PER_S)}ms"


def extract_shoppers(spec: FeatureSpec, snapshots: list[Snapshot]) -> tuple[Ids, Vals]:
    """Make a row of each snapshot."""
    return spec.extract_values(snapshots)


def hidden(snapshot: Snapshot) -> Snapshot:
    """Take away what an edge may well not have."""
    return {field: None if field in HIDEABLE else value for field, value in snapshot.items()}


def labels(shoppers: Shoppers) -> Floats:
    """Say for each session whether it bought."""
    return np.array(shoppers.columns["Revenue"], np.float64)[:, None]
