"""The clickstream of an online clothing shop (UCI 553): clicks as events, and what came after each of them.

Owns the words of that set and its three labels; builds no features.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgewise._core import FeatureSpec
from edgewise.intent.train.dataset import Floats, Ids, Ints, Vals
from edgewise.intent.train.errors import TrainingError
from edgewise.intent.train.table import Columns, coded, number, parse_columns, whole, word

HEADS: Final = ("engaged", "sale_seeker", "exit_now")
SALE: Final = "sale"
ENGAGED_CLICKS: Final = 3
SALE_WITHIN_CLICKS: Final = 5
STEP_MS: Final = 1000  # the set has no clock: a click is one step later than the one before
CATEGORIES: Final = ("trousers", "skirts", "blouses", SALE)
NO_COUNTRY: Final = None
COUNTRIES: Final = (
    *("AU", "AT", "BE", "VG", "KY", "CX", "HR", "CY", "CZ", "DK", "EE", NO_COUNTRY, "FO", "FI", "FR", "DE"),
    *("GR", "HU", "IS", "IN", "IE", "IT", "LV", "LT", "LU", "MX", "NL", "NO", "PL", "PT", "RO", "RU"),
    *("SM", "SK", "SI", "ES", "SE", "CH", "UA", "AE", "GB", "US"),
    *(NO_COUNTRY, NO_COUNTRY, NO_COUNTRY, NO_COUNTRY, NO_COUNTRY),  # known by domains as .com only
)

PARSERS: Final = {
    "session_id": whole(),
    "order": whole(1),
    "category": coded(CATEGORIES),
    "model": word,
    "price": number,
    "page": whole(1),
    "country": coded(COUNTRIES),
}

Event = dict[str, Any]
Inputs = dict[str, Any]


@dataclass(frozen=True)
class Clicks:
    """Sessions in the order in which the file first names them, each by the order of its clicks."""

    sessions: list[list[Event]]
    inputs: list[Inputs]
    """What is known of each session beside its events."""
    file_row: Ints
    """For each click, session after session, the row of the file that it stands in."""
    months: Ints | None
    """The month of each session; None where it was not asked for."""


def read_clicks(data: bytes, name: str, *, months: bool) -> Clicks:
    """Read clicks as `Product Viewed` events.

    Raises:
        TrainingError: the file is not of that form.
    """
    parsers = PARSERS | ({"month": whole(1, 12)} if months else {})
    columns = parse_columns(data, name, parsers)
    if not columns["order"]:
        raise TrainingError(f"`{name}` has no rows")
    sessions = _rows_of_sessions(columns)
    events = [[_event(columns, row) for row in rows] for rows in sessions]
    inputs = [{"country": columns["country"][rows[0]]} for rows in sessions]
    month = np.array([columns["month"][rows[0]] for rows in sessions]) if months else None
    return Clicks(events, inputs, np.array([row for rows in sessions for row in rows], np.int64), month)


def _rows_of_sessions(columns: Columns) -> list[list[int]]:
    found: dict[int, list[int]] = {}
    for row, session in enumerate(columns["session_id"]):
        found.setdefault(session, []).append(row)
    order = columns["order"]
    return [sorted(rows, key=order.__getitem__) for rows in found.values()]


def _event(columns: Columns, row: int) -> Event:
    return {
        "event": "Product Viewed",
        "timestamp": columns["order"][row] * STEP_MS,
        "properties": {
            "category": columns["category"][row],
            "product_id": columns["model"][row],
            "price": columns["price"][row],
            "page": columns["page"][row],
        },
    }


def extract_clicks(spec: FeatureSpec, clicks: Clicks) -> tuple[Ids, Vals]:
    """Make a row after each click, session after session."""
    ids, vals, _, _ = spec.extract_events(clicks.sessions, every_prefix=True, inputs=clicks.inputs)
    return ids, vals


def labels(clicks: Clicks) -> Floats:
    """Say for each click what came after it, head by head."""
    found = [label for session in clicks.sessions for label in _session_labels(session)]
    return np.array(found, np.float64)


def _session_labels(session: list[Event]) -> list[tuple[bool, bool, bool]]:
    on_sale = [event["properties"]["category"] == SALE for event in session]
    left = range(len(session) - 1, -1, -1)
    return [
        (rest >= ENGAGED_CLICKS, any(on_sale[at + 1 : at + 1 + SALE_WITHIN_CLICKS]), rest == 0)
        for at, rest in enumerate(left)
    ]
