"""Rules for what a scenario serves at its decision points. One function per rule."""

from collections.abc import Iterator

from edgewise.book.book import Book
from edgewise.book.rules.content import check_content
from edgewise.book.scenario import DESIGNED, Delta, Overlay, Scenario
from edgewise.book.source import Source
from edgewise.book.tree import Path


def point_ids(_book: Book, source: Source[Scenario]) -> None:
    """EW003: a decision point stands once in a scenario."""
    source.check_unique_ids("decision_points", "decision point")


def known_points(book: Book, source: Source[Scenario]) -> None:
    """EW206: decision points are in the registry."""
    known = book.registry.names("decision_points")
    for number, point in enumerate(source.value.decision_points):
        source.check_reference("EW206", ("decision_points", number, "id"), "decision point", point.id, known)


def has_default(_book: Book, source: Source[Scenario]) -> None:
    """EW103: a decision point has a default."""
    if source.value.stage < DESIGNED:
        return
    for number, point in enumerate(source.value.decision_points):
        if not source.keys_lost and not source.has("decision_points", number, "default"):
            message = f"the decision point `{point.id}` has no `default`"
            source.found("EW103", ("decision_points", number), message, "the default is designed first, then overlays")


def delta_forms(_book: Book, source: Source[Scenario]) -> None:
    """EW106: a delta either sets or omits."""
    for path, delta in _deltas(source.value):
        sets = source.has(*path, "set")
        omits = source.has(*path, "omit")
        if sets == omits and (sets or not source.is_damaged(*path)):
            problem = "both `set` and `omit`" if sets else "neither `set` nor `omit`"
            source.found_at_key("EW106", path, f"it has {problem}", "keep one: another value, or nothing at all")
        elif omits and delta.omit is False:
            source.found("EW106", (*path, "omit"), "`omit` can only be true", "remove it, or write a `set`")


def deltas_leave_outcome(_book: Book, source: Source[Scenario]) -> None:
    """EW306: the result wanted is the same for every segment and pathway."""
    for path, delta in _deltas(source.value):
        if isinstance(delta.set, dict) and "outcome" in delta.set:
            hint = "the outcome is the scenario's, whatever the segment"
            source.found_at_key("EW306", (*path, "set", "outcome"), "an overlay may not touch the outcome", hint)


def known_pathways(_book: Book, source: Source[Scenario]) -> None:
    """EW204: pathways that are named are declared."""
    known = source.names("pathways")
    for number, point in enumerate(source.value.decision_points):
        for name in point.by_pathway:
            path: Path = ("decision_points", number, "by_pathway", name)
            source.check_reference("EW204", path, "pathway", name, known, at_key=True)
    for overlay_path, overlay in _overlays(source.value):
        for number, name in enumerate(overlay.pathways or []):
            source.check_reference("EW204", (*overlay_path, "pathways", number), "pathway", name, known)


def known_segments(book: Book, source: Source[Scenario]) -> None:
    """EW203: segments that are named are in the registry."""
    known = book.registry.names("segments")
    for path, overlay in _overlays(source.value):
        source.check_reference("EW203", (*path, "segment"), "segment", overlay.segment, known)


def caps(_book: Book, source: Source[Scenario]) -> None:
    """EW107: a cap says how often and per what."""
    for path, overlay in _overlays(source.value):
        for field, example in (("max", "max: 3"), ("per", "per: session")):
            if overlay.cap is not None and not source.has(*path, "cap", field):
                source.found("EW107", (*path, "cap"), f"the cap has no `{field}`", f"write `{example}`")


def explanations(_book: Book, source: Source[Scenario]) -> None:
    """EW501: an overlay says why, in words for its visitors."""
    for path, overlay in _overlays(source.value):
        if not source.has(*path, "explain"):
            message = f"the overlay for `{overlay.segment}` has no `explain`"
            source.found("EW501", path, message, "say in a sentence why this visitor sees this")


def contents(book: Book, source: Source[Scenario]) -> None:
    """EW205: defaults and deltas serve content that exists."""
    for number, point in enumerate(source.value.decision_points):
        check_content(book, source, ("decision_points", number, "default"), point.default)
    for path, delta in _deltas(source.value):
        check_content(book, source, (*path, "set"), delta.set)


def _overlays(scenario: Scenario) -> Iterator[tuple[Path, Overlay]]:
    for number, point in enumerate(scenario.decision_points):
        for place, overlay in enumerate(point.overlays):
            yield ("decision_points", number, "overlays", place), overlay


def _deltas(scenario: Scenario) -> Iterator[tuple[Path, Delta | Overlay]]:
    for number, point in enumerate(scenario.decision_points):
        for name, delta in point.by_pathway.items():
            yield ("decision_points", number, "by_pathway", name), delta
    yield from _overlays(scenario)


RULES = (
    point_ids,
    known_points,
    has_default,
    delta_forms,
    deltas_leave_outcome,
    known_pathways,
    known_segments,
    caps,
    explanations,
    contents,
)
