"""Whole journeys made of visits: who comes, what they agreed to, what each page asks for and reports. Sends nothing.

The visit is real: what was looked at, in which order and after which pauses. What the data does not tell is drawn with
a seed: who it was, what they consented to, whether they came to return an order or to book a trip besides.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from invented import PAUSE_MAX_S, pause_s
from visits import Visit, VisitEvent

PAGES_MAX = 60
USERS = 10_000
PURPOSES = ("serve_visit", "personalize_content", "measure")
CALLER_SOURCES = ("request", "edge", "profile")
# Shares of visitors by what they agree to; the last ones change their mind on the way.
CONSENTS = {"all": 58, "no_profile": 14, "nothing": 12, "silent": 6, "gpc": 7, "withdrawn": 3}
ERRANDS = {"none": 70, "return": 20, "trip": 10}
AHEAD, CALLS_SUPPORT, RETURNS, BOOKS, FINAL_SALE = 0.25, 0.22, 0.6, 0.3, 0.1

Happening = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Site:
    """What a node can decide and may be told, by its own account."""

    points: Mapping[str, tuple[str, ...]]
    signals: frozenset[str]

    @classmethod
    def of(cls, defaults: Mapping[str, Any]) -> "Site":
        """Read the body of `/v1/defaults`: points by the page they are on, and signals that callers set."""
        pages: dict[str, tuple[str, ...]] = {"product": (), "returns": (), "booking": ()}
        signals = set()
        for point, facts in defaults["decisionPoints"].items():
            page = point.partition(".")[0]
            page = page if page in pages else "product"
            pages[page] = (*pages[page], point)
            signals |= {read["signal"] for read in facts["reads"] if read["source"] in CALLER_SOURCES}
        return cls(pages, frozenset(signals))


@dataclass(frozen=True, slots=True)
class Page:
    """One page view: what has just happened, what is asked for, and what comes of it."""

    pause_s: float
    points: tuple[str, ...]
    happened: tuple[Happening, ...] = ()
    ahead: bool = False  # what happened goes to /v1/events before the page asks, not along with the question
    outcomes: tuple[Happening, ...] = ()
    signals: Mapping[str, Any] = field(default_factory=dict)
    purposes: Mapping[str, bool] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """Count the requests it takes."""
        return int(self.is_sent_ahead) + int(bool(self.points)) + int(bool(self.points or self.outcomes))

    @property
    def is_sent_ahead(self) -> bool:
        """Tell whether something happened that goes ahead: always, where nothing is asked for."""
        return bool(self.happened) and (self.ahead or not self.points)


@dataclass(frozen=True, slots=True)
class Journey:
    """One visitor's way through the site."""

    key: str
    identity: Mapping[str, str]
    country: str | None
    gpc: bool
    pages: tuple[Page, ...]


def journeys(random: Random, sources: Sequence[Sequence[Visit]], site: Site, prefix: str) -> Iterator[Journey]:
    """Make journeys without end; the same seed makes the same ones, under the prefix of this run."""
    number = 0
    while True:
        yield journey(random, random.choice(random.choice(sources)), site, f"{prefix}-{number}")
        number += 1


def journey(random: Random, visit: Visit, site: Site, key: str) -> Journey:
    """Make one journey of a visit."""
    (consent,) = random.choices(list(CONSENTS), list(CONSENTS.values()))
    (errand,) = random.choices(list(ERRANDS), list(ERRANDS.values()))
    customer = _customer(random)
    pages = [*_errand(random, errand, site), *_pages(random, visit, site)][:PAGES_MAX]
    pages[-1] = replace(pages[-1], outcomes=(*pages[-1].outcomes, _leaving(pages)))
    pages = [replace(page, signals=_known({**customer, **page.signals}, site)) for page in _consented(consent, pages)]
    identity = {"userId": f"u-{random.randrange(USERS)}", "anonymousId": f"a-{key}", "sessionId": f"s-{key}"}
    return Journey(key, identity, visit.country, consent == "gpc", tuple(pages))


def _pages(random: Random, visit: Visit, site: Site) -> Iterator[Page]:
    before: VisitEvent | None = None
    for event in visit.events:
        is_timed = visit.has_clock and before is not None
        pause = (event.at - before.at).total_seconds() if is_timed and before else pause_s(random)
        before = event
        yield Page(
            min(pause, PAUSE_MAX_S),
            site.points["product"],
            ((event.name, event.properties),),
            ahead=random.random() < AHEAD,
            signals={"visit.intent": "browse"},
        )


def _errand(random: Random, errand: str, site: Site) -> Iterator[Page]:
    if errand == "return" and site.points["returns"]:
        outcomes: list[Happening] = []
        if random.random() < CALLS_SUPPORT:
            outcomes.append(("Support Call Logged", {"topic": "in_store_return"}))
        if random.random() < RETURNS:
            outcomes.append(("Return Completed", {"orderId": f"o-{random.randrange(USERS)}"}))
        points, signals = site.points["returns"], _return_signals(random)
        yield Page(pause_s(random), points, outcomes=tuple(outcomes), signals=signals)
    if errand == "trip" and site.points["booking"]:
        booked: tuple[Happening, ...] = (("Trip Booked", {}),) if random.random() < BOOKS else ()
        yield Page(pause_s(random), site.points["booking"], outcomes=booked, signals=_trip_signals(random))


def _return_signals(random: Random) -> dict[str, Any]:
    return {
        "visit.intent": "return_item",
        "order.channel": random.choice(("online", "online", "store")),
        "order.days_since_delivery": random.randrange(60),
        "order.final_sale": random.random() < FINAL_SALE,
    }


def _trip_signals(random: Random) -> dict[str, Any]:
    return {
        "visit.intent": "buy",
        "search.adults": random.randint(1, 3),
        "search.children": random.choice((0, 0, 1, 2)),
        "search.nights": random.randint(1, 14),
        "search.lead_days": random.randrange(90),
    }


def _customer(random: Random) -> dict[str, Any]:
    return {
        "customer.returns_12m": random.randrange(5),
        "customer.support_contacts_90d": random.choice((0, 0, 0, 1, 2)),
        "traveler.trips_12m": random.randrange(10),
    }


def _known(signals: Mapping[str, Any], site: Site) -> dict[str, Any]:
    return {name: value for name, value in signals.items() if name in site.signals}


def _leaving(pages: Sequence[Page]) -> Happening:
    return "Visit Left", {"seconds": round(sum(page.pause_s for page in pages[1:]))}


def _consented(consent: str, pages: Sequence[Page]) -> list[Page]:
    """Say at each page what is agreed to by then; who withdraws does so half way, and reports it."""
    everything = dict.fromkeys(PURPOSES, True)
    given = {
        "no_profile": everything | {"personalize_content": False},
        "nothing": dict.fromkeys(PURPOSES, False),
        "silent": {},
    }.get(consent, everything)
    found = [replace(page, purposes=given) for page in pages]
    if consent == "withdrawn":
        half = len(pages) // 2
        found[half] = replace(found[half], outcomes=(*found[half].outcomes, ("Personalization Opted Out", {})))
        after = everything | {"personalize_content": False}
        found[half + 1 :] = [replace(page, purposes=after) for page in found[half + 1 :]]
    return found
