"""Visits made up for whoever lacks the published data: drawn with a seed, in the shape that was measured on that data.

Lengths, categories, pages, prices and countries are those of the clothing shop (UCI 553); pauses, carts and orders
those of the OTTO sessions. Holds a few figures of each set and no row.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from visits import Visit, VisitEvent

# How many products a visit looks at: every twentieth of the visits, and where the tail is cut.
LENGTHS = (1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 4, 5, 5, 6, 7, 8, 10, 12, 16, 22, 48)
FIRST_CATEGORY = {"trousers": 0.382, "skirts": 0.272, "blouses": 0.185, "sale": 0.160}
NEXT_CATEGORY = {
    "trousers": (0.803, 0.074, 0.075, 0.048),
    "skirts": (0.063, 0.793, 0.092, 0.052),
    "blouses": (0.069, 0.053, 0.796, 0.082),
    "sale": (0.050, 0.044, 0.049, 0.856),
}
PRODUCTS = {"trousers": 43, "skirts": 34, "blouses": 59, "sale": 82}
PRICES = {"trousers": (28, 38, 43, 62, 72), "skirts": (33, 38, 52, 57, 82), "blouses": (23, 28, 43, 48, 62)}
PRICES["sale"] = (28, 33, 38, 43, 52)
PAGES = (0.565, 0.251, 0.116, 0.052, 0.016)
COUNTRIES = {"PL": 0.81, "CZ": 0.10, None: 0.05, "LT": 0.02, "DE": 0.01, "GB": 0.01}
SEEN_BEFORE, ADDED, ORDERED = 0.104, 0.065, 0.19
# Pauses within a visit: lognormal, half of them under 31 seconds, and none longer than a session lasts.
PAUSE_LOG_MEAN, PAUSE_LOG_DEVIATION, PAUSE_MAX_S = 3.443, 1.235, 1800.0
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def pause_s(random: Random) -> float:
    """Draw how long somebody stays on a page."""
    return min(random.lognormvariate(PAUSE_LOG_MEAN, PAUSE_LOG_DEVIATION), PAUSE_MAX_S)


def invent(random: Random, count: int) -> Iterator[Visit]:
    """Make visits; the same seed makes the same ones."""
    for number in range(count):
        yield _visit(random, f"made-{number}")


def _visit(random: Random, key: str) -> Visit:
    at = NOON
    events: list[VisitEvent] = []
    for name, properties in _story(random, _length(random)):
        events.append(VisitEvent(f"{key}-{len(events)}", name, at, properties))
        at += timedelta(seconds=pause_s(random))
    (country,) = random.choices(list(COUNTRIES), list(COUNTRIES.values()))
    return Visit(key, tuple(events), country)


def _length(random: Random) -> int:
    place = random.random() * (len(LENGTHS) - 1)
    low, high = LENGTHS[int(place)], LENGTHS[int(place) + 1]
    return round(low + (high - low) * (place % 1))


def _story(random: Random, views: int) -> Iterator[tuple[str, dict[str, Any]]]:
    seen: list[dict[str, Any]] = []
    (category,) = random.choices(list(FIRST_CATEGORY), list(FIRST_CATEGORY.values()))
    for _ in range(views):
        again = bool(seen) and random.random() < SEEN_BEFORE
        product = random.choice(seen) if again else _product(random, category)
        seen.append(product)
        category = random.choices(list(NEXT_CATEGORY), NEXT_CATEGORY[product["category"]])[0]
        yield "Product Viewed", product
        if random.random() < ADDED:
            yield "Product Added", product
            if random.random() < ORDERED:
                yield "Order Completed", product


def _product(random: Random, category: str) -> dict[str, Any]:
    # Few products are looked at by many: the square of an even draw favours low numbers.
    number = int(random.random() ** 2 * PRODUCTS[category]) + 1
    price = PRICES[category][number % len(PRICES[category])]
    (page,) = random.choices(range(1, len(PAGES) + 1), PAGES)
    return {"product_id": str(number), "category": category, "price": float(price), "page": page}
