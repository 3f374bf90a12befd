"""Real visits as events: reads published data sets into one shape. Knows files and event names, nothing of HTTP.

OTTO's sessions have a clock; the clothing shop's clicks have only a day and an order, so those are set 30 seconds apart
from noon UTC of their day. Nothing else is made up. Properties are named as the intent models read them.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

CLICK_GAP = timedelta(seconds=30)
EVENT_NAMES = {"clicks": "Product Viewed", "carts": "Product Added", "orders": "Order Completed"}
CATEGORIES = {"1": "trousers", "2": "skirts", "3": "blouses", "4": "sale"}
# The commonest of the set's codes; the others are left unknown.
COUNTRIES = {"9": "CZ", "16": "DE", "21": "IE", "24": "LT", "29": "PL", "34": "SK", "37": "SE", "41": "GB", "42": "US"}


@dataclass(frozen=True, slots=True)
class VisitEvent:
    """One thing a visitor did, at the time it happened."""

    id: str
    name: str
    at: datetime
    properties: dict[str, Any]

    def body(self, at: datetime | None = None) -> dict[str, Any]:
        """Give the event as callers send it, at its own time or at another."""
        time = iso(at or self.at)
        return {"id": self.id, "event": self.name, "timestamp": time, "properties": self.properties}


@dataclass(frozen=True, slots=True)
class Visit:
    """The events of one visitor's session, in the order in which they happened."""

    id: str
    events: tuple[VisitEvent, ...]
    country: str | None = None
    has_clock: bool = True


def split(visit: Visit, pause: timedelta) -> Iterator[Visit]:
    """Cut a visit wherever nothing happened for longer than a pause, as a node forgets a session."""
    starts = [0, *(n for n in range(1, len(visit.events)) if visit.events[n].at - visit.events[n - 1].at > pause)]
    for start, end in zip(starts, [*starts[1:], len(visit.events)], strict=True):
        yield replace(visit, id=f"{visit.id}-{start}", events=visit.events[start:end])


def iso(at: datetime) -> str:
    """Write a time as RFC 3339 with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_otto(path: Path) -> Iterator[Visit]:
    """Read OTTO sessions: one JSON object a line, clicks, carts and orders with times in milliseconds."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            session = json.loads(line)
            key = f"otto-{session['session']}"
            yield Visit(key, tuple(_otto_event(key, n, row) for n, row in enumerate(session["events"])))


def _otto_event(key: str, number: int, row: dict[str, Any]) -> VisitEvent:
    at = datetime.fromtimestamp(row["ts"] / 1000, UTC)
    return VisitEvent(f"{key}-{number}", EVENT_NAMES[row["type"]], at, {"product_id": str(row["aid"])})


def read_clicks(path: Path) -> Iterator[Visit]:
    """Read the clothing shop's clickstream: rows of one session lie together, in order."""
    with path.open(encoding="utf-8", newline="") as file:
        for session, rows in groupby(csv.DictReader(file), key=lambda row: row["session_id"]):
            key, clicks = f"eshop-{session}", list(rows)
            country = COUNTRIES.get(clicks[0]["country"])
            yield Visit(key, tuple(_click_event(key, row) for row in clicks), country, has_clock=False)


def _click_event(key: str, row: dict[str, str]) -> VisitEvent:
    noon = datetime(int(row["year"]), int(row["month"]), int(row["day"]), 12, tzinfo=UTC)
    number = int(row["order"])
    properties = {
        "product_id": row["model"],
        "category": CATEGORIES.get(row["category"], row["category"]),
        "price": float(row["price"]),
        "page": int(row["page"]),
    }
    return VisitEvent(f"{key}-{number}", "Product Viewed", noon + (number - 1) * CLICK_GAP, properties)
