"""Rules over several scenarios and for limits. One function per rule."""

from edgewise.book.book import Book
from edgewise.book.scenario import DESIGNED, Scenario
from edgewise.book.source import Source


def contests(book: Book) -> None:
    """EW120: between two live scenarios at one decision point, priority says who goes first."""
    first: dict[tuple[str, int], Source[Scenario]] = {}
    for source in book.live:
        for number, point in enumerate(source.value.decision_points):
            other = first.setdefault((point.id, source.value.priority), source)
            if other is not source:
                message = f"`{other.value.id}` serves `{point.id}` too, also at priority {source.value.priority}"
                source.found("EW120", ("decision_points", number, "id"), message, "give one a higher `priority`")


def live_scenarios(book: Book) -> None:
    """EW601: few scenarios are live at the same time."""
    most = book.registry.value.limits.max_live_scenarios
    if len(book.live) > most:
        message = f"{len(book.live)} scenarios are live; the limit is {most}"
        book.registry.found("EW601", ("limits", "max_live_scenarios"), message, "start with few, and learn")


def signals_in_scenario(book: Book, source: Source[Scenario]) -> None:
    """EW602: a scenario reads few signals."""
    most = book.registry.value.limits.max_signals_per_scenario
    read = book.signals_read(source) if source.value.stage >= DESIGNED else []
    if len(read) > most:
        names = ", ".join(f"`{name}`" for name in read)
        source.found("EW602", (), f"the scenario reads {len(read)} signals ({names}); the limit is {most}")


BOOK_RULES = (contests, live_scenarios)
SCENARIO_RULES = (signals_in_scenario,)
