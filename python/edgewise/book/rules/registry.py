"""Rules for the rest of the registry: outcomes, time zone, content. One function per rule."""

from edgewise.book.book import Book
from edgewise.book.probe import refusal
from edgewise.book.rules.content import check_content


def timezone(book: Book) -> None:
    """EW004: the time zone exists."""
    name = book.registry.value.timezone
    if refusal(timezone=name) is not None:
        book.registry.found("EW004", ("timezone",), f"unknown time zone `{name}`", "write one like `Europe/Berlin`")
        book.knows_timezone = False


def outcome_properties(book: Book) -> None:
    """EW005: a sum or a mean says of which property."""
    for name, outcome in book.registry.value.outcomes.items():
        if outcome.measure in ("sum", "mean") and outcome.property is None:
            message = f"`{name}`: a {outcome.measure} needs a `property` of the event"
            book.registry.found("EW005", ("outcomes", name), message)


def fallbacks(book: Book) -> None:
    """EW205: fallbacks serve content that exists."""
    for name, point in book.registry.value.decision_points.items():
        check_content(book, book.registry, ("decision_points", name, "fallback"), point.fallback)


RULES = (timezone, outcome_properties, fallbacks)
