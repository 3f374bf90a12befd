"""What a journey sends, as JSON documents: requests for decisions, events, deliveries. Keeps the time of sending."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from journeys import Happening, Journey, Page
from visits import iso


def decide(journey: Journey, page: Page, number: int) -> dict[str, Any]:
    """Ask for the decisions of a page, along with what has just happened unless that went ahead."""
    happened = () if page.ahead else page.happened
    return {
        "requestId": f"{journey.key}-{number}",
        "decisionPoints": list(page.points),
        "identity": dict(journey.identity),
        "signals": dict(page.signals),
        "events": [_event(journey, f"{number}-{n}", one) for n, one in enumerate(happened)],
        "consent": {"purposes": dict(page.purposes), "gpc": journey.gpc},
        "context": {"timezone": "Europe/Berlin", "country": journey.country},
        "options": {"explain": "short"},
    }


def ahead(journey: Journey, page: Page, number: int) -> list[dict[str, Any]]:
    """Tell what has just happened."""
    return _told(journey, page, f"{number}", page.happened)


def report(journey: Journey, page: Page, number: int, decisions: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Tell which decisions were carried out, each, whatever its action; and what came of the page."""
    delivered = [
        ("Experience Viewed", {"decisionId": one["decisionId"], "decisionPoint": point, "action": one["action"]})
        for point, one in decisions.items()
    ]
    return _told(journey, page, f"{number}-d", [*delivered, *page.outcomes])


def _told(journey: Journey, page: Page, key: str, happened: Iterable[Happening]) -> list[dict[str, Any]]:
    whose = {**journey.identity, "consent": {"purposes": dict(page.purposes), "gpc": journey.gpc}}
    return [_event(journey, f"{key}-{n}", one) | whose for n, one in enumerate(happened)]


def _event(journey: Journey, key: str, happened: Happening) -> dict[str, Any]:
    name, properties = happened
    return {
        "id": f"{journey.key}-{key}",
        "event": name,
        "timestamp": iso(datetime.now(UTC)),
        "properties": properties,
    }
