"""The requests that the service is measured with, of the example book. Sends nothing."""

import json
from datetime import UTC, datetime
from typing import Any

from openloop import post

# Asked in turn, so that no event comes again while its record remembers it, and records are read from all over.
SESSIONS, EVENTS = 2_000, 20_000

REQUEST: dict[str, Any] = {
    "requestId": "r-1",
    "decisionPoints": ["returns.header", "returns.next_step"],
    "identity": {"userId": "u-1", "anonymousId": "a-1", "sessionId": "s-1", "journeyId": None, "accountId": None},
    "signals": {
        "order.channel": "online",
        "order.days_since_delivery": 45,
        "order.final_sale": False,
        "visit.intent": "return_item",
        "customer.returns_12m": 0,
        "customer.support_contacts_90d": 2,
    },
    "consent": {"purposes": {"personalize_content": True, "measure": True}, "gpc": False},
    "context": {"timezone": "Europe/Berlin", "country": "DE"},
    "options": {"explain": "short", "dryRun": False},
}
SHOP: dict[str, Any] = {
    "decisionPoints": ["product.help", "product.cart"],
    "consent": {"purposes": {"personalize_content": True, "serve_visit": True}},
}
VIEWS = (("trousers", 29.9), ("skirts", 34.9), ("blouses", 39.9), ("sale", 44.9))


def now() -> str:
    """The present as events have it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def viewed(event_id: str, page: int) -> dict[str, Any]:
    """An event that happens now."""
    category, price = VIEWS[page % len(VIEWS)]
    properties = {"product_id": f"p-{page}", "category": category, "price": price, "page": page + 2}
    return {"id": event_id, "event": "Product Viewed", "timestamp": now(), "properties": properties}


def visitor(number: int) -> dict[str, Any]:
    """One of the visitors."""
    return {"anonymousId": f"a-{number % SESSIONS}", "sessionId": f"s-{number % SESSIONS}"}


def decisions() -> list[bytes]:
    """Return help: no events, no model."""
    return [body(REQUEST)]


def decisions_with_events() -> list[bytes]:
    """The same of many visitors, with a new event in each."""
    return [
        body(REQUEST | {"identity": visitor(number), "events": [viewed(f"e-{number}", 0)]}) for number in range(EVENTS)
    ]


def beginnings() -> list[bytes]:
    """What visitors of the shop have seen before the book asks its model about them."""
    seen = range(len(VIEWS))
    return [
        body(SHOP | {"identity": visitor(number), "events": [viewed(f"v-{number}-{page}", page) for page in seen]})
        for number in range(SESSIONS)
    ]


def asking() -> list[bytes]:
    """Decisions of those visitors, each of which asks the model."""
    return [body(SHOP | {"identity": visitor(number)}) for number in range(SESSIONS)]


def asking_with_events() -> list[bytes]:
    """The same with a new event in each."""
    return [
        body(SHOP | {"identity": visitor(number), "events": [viewed(f"m-{number}", 3)]}) for number in range(EVENTS)
    ]


def body(request: dict[str, Any]) -> bytes:
    """Make a whole request for decisions."""
    return post("/v1/decide", json.dumps(request).encode())
