"""Journeys: a real visit page by page, with what the data does not tell drawn by seed, the same for the same seed."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from statistics import mean, median

import messages
from invented import SEEN_BEFORE, invent
from journeys import PAGES_MAX, Journey, Page, Site, journey, journeys
from visits import Visit, VisitEvent, read_clicks, read_otto, split
from visitsource import name_sources, read_sources

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def read(signal: str, source: str = "request") -> dict[str, object]:
    return {"signal": signal, "source": source, "type": "int", "purposes": []}


DEFAULTS = {
    "bundle": "sha256:1",
    "decisionPoints": {
        "returns.header": {"fallback": {}, "reads": [read("order.channel"), read("customer.returns_12m", "profile")]},
        "booking.hero": {"fallback": {}, "reads": [read("search.adults")]},
        "product.help": {"fallback": {}, "reads": [read("shop.added", "session")]},
        "newsletter.box": {"fallback": {}, "reads": []},
    },
}
SITE = Site.of(DEFAULTS)


def visit(*seconds: float, has_clock: bool = True) -> Visit:
    events = [
        VisitEvent(f"v-{n}", "Product Viewed", NOON + timedelta(seconds=at), {"product_id": f"p-{n}"})
        for n, at in enumerate(seconds)
    ]
    return Visit("v", tuple(events), "PL", has_clock)


def many(count: int = 2000) -> list[Journey]:
    return list(islice(journeys(Random(1), [[visit(0, 20, 60)]], SITE, "run"), count))


def shop(way: Journey) -> list[Page]:
    return [page for page in way.pages if page.happened]


def test_a_site_is_known_by_what_its_node_says_of_itself() -> None:
    assert SITE.points == {
        "product": ("product.help", "newsletter.box"),
        "returns": ("returns.header",),
        "booking": ("booking.hero",),
    }
    assert SITE.signals == {"order.channel", "customer.returns_12m", "search.adults"}


def test_a_visit_keeps_its_events_their_order_and_its_pauses() -> None:
    pages = shop(journey(Random(1), visit(0, 20, 60), SITE, "j"))

    assert [page.happened[0][1]["product_id"] for page in pages] == ["p-0", "p-1", "p-2"]
    assert [page.pause_s for page in pages[1:]] == [20, 40]
    assert all(page.points == SITE.points["product"] for page in pages)


def test_a_visit_without_a_clock_gets_pauses_as_they_were_measured() -> None:
    ways = islice(journeys(Random(1), [[visit(*range(8), has_clock=False)]], SITE, "j"), 500)
    pauses = [page.pause_s for way in ways for page in shop(way)]

    assert 25 < median(pauses) < 38
    assert max(pauses) <= 1800


def test_the_same_seed_makes_the_same_journeys() -> None:
    assert many(50) == many(50)
    assert len({way.identity["sessionId"] for way in many(50)}) == 50


def test_no_journey_is_longer_than_its_bound() -> None:
    assert len(journey(Random(1), visit(*range(500)), SITE, "j").pages) == PAGES_MAX


def test_visitors_differ_in_what_they_agree_to() -> None:
    ways = many()
    refused = [way for way in ways if not any(way.pages[-1].purposes.values())]
    opted_out = [way for way in ways if any(name == "Personalization Opted Out" for name, _ in outcomes(way))]

    assert 0.12 < len(refused) / len(ways) < 0.24
    assert 0.04 < sum(way.gpc for way in ways) / len(ways) < 0.10
    assert 0.01 < len(opted_out) / len(ways) < 0.05
    for way in opted_out:
        given = [page.purposes["personalize_content"] for page in way.pages]
        assert given == sorted(given, reverse=True)
        assert given[0]


def outcomes(way: Journey) -> list[tuple[str, dict[str, object]]]:
    return [one for page in way.pages for one in page.outcomes]


def test_every_journey_ends_by_leaving_and_some_bring_an_outcome() -> None:
    ways = many()
    counts = Counter(name for way in ways for name, _ in outcomes(way))

    assert counts["Visit Left"] == len(ways)
    assert {"Return Completed", "Support Call Logged", "Trip Booked"} < set(counts)


def test_only_signals_that_the_node_reads_from_callers_are_sent() -> None:
    assert {name for way in many() for page in way.pages for name in page.signals} == SITE.signals


def test_what_happened_goes_along_with_the_question_or_ahead_of_it() -> None:
    pages = [(way, page) for way in many(100) for page in shop(way)]
    for way, page in pages:
        asked = messages.decide(way, page, 7)
        ahead = messages.ahead(way, page, 7) if page.is_sent_ahead else []
        assert len(asked["events"]) + len(ahead) == 1
        assert page.requests == 2 + bool(ahead)
        assert asked["context"]["country"] == "PL"
        assert all(event["sessionId"] == way.identity["sessionId"] for event in ahead)
    assert 0.1 < sum(page.is_sent_ahead for _, page in pages) / len(pages) < 0.4


def test_every_decision_is_reported_whatever_its_action() -> None:
    way = many(1)[0]
    decisions = {
        "product.help": {"decisionId": "d-1", "action": "omit"},
        "newsletter.box": {"decisionId": "d-2", "action": "own"},
    }

    said = messages.report(way, way.pages[-1], 3, decisions)

    assert [event["event"] for event in said[:2]] == ["Experience Viewed"] * 2
    assert [event["properties"]["decisionId"] for event in said[:2]] == ["d-1", "d-2"]
    assert said[-1]["event"] == "Visit Left"
    assert len({event["id"] for event in said}) == len(said)


def test_a_long_pause_begins_another_visit() -> None:
    parts = list(split(visit(0, 60, 4000, 4010), timedelta(minutes=30)))

    assert [len(part.events) for part in parts] == [2, 2]
    assert len({part.id for part in parts}) == 2


def test_without_the_data_visits_are_made_up(tmp_path) -> None:
    absent = tmp_path / "absent.csv"

    (made,) = read_sources(absent, absent, 1, 50)

    assert len(made) == 50
    assert "made-up" in name_sources(absent, absent)
    assert made == read_sources(absent, absent, 1, 50)[0]
    assert {"product_id", "category", "price", "page"} == set(made[0].events[0].properties)


def test_made_up_visits_are_like_the_real_ones(shared) -> None:
    real = list(islice(read_clicks(shared / "data/eshop_clicks.csv"), None, 6000))
    timed = [
        part for one in read_otto(shared / "data/otto_20_sessions.jsonl") for part in split(one, timedelta(0, 1800))
    ]
    made = list(invent(Random(7), 3000))
    views = [[event for event in one.events if event.name == "Product Viewed"] for one in made]

    assert abs(mean(map(len, views)) / mean(len(one.events) for one in real) - 1) < 0.1
    assert median(map(len, views)) == median(len(one.events) for one in real)
    assert abs(share(made, "sale") - share(real, "sale")) < 0.04
    assert abs(repeated(made) - SEEN_BEFORE) < 0.08
    assert abs(median(pauses(made)) / median(pauses(timed)) - 1) < 0.15
    assert abs(per_view(made, "Product Added") - per_view(timed, "Product Added")) < 0.01
    assert abs(per_view(made, "Order Completed") - per_view(timed, "Order Completed")) < 0.005


def share(visits: list[Visit], category: str) -> float:
    viewed = [event for one in visits for event in one.events if event.name == "Product Viewed"]
    return sum(event.properties["category"] == category for event in viewed) / len(viewed)


def repeated(visits: list[Visit]) -> float:
    viewed = [[str(event.properties) for event in one.events if event.name == "Product Viewed"] for one in visits]
    return 1 - sum(len(set(one)) for one in viewed) / sum(map(len, viewed))


def pauses(visits: list[Visit]) -> list[float]:
    pairs = [pair for one in visits for pair in zip(one.events, one.events[1:], strict=False)]
    return [(later.at - earlier.at).total_seconds() for earlier, later in pairs]


def per_view(visits: list[Visit], name: str) -> float:
    names = Counter(event.name for one in visits for event in one.events)
    return names[name] / names["Product Viewed"]
