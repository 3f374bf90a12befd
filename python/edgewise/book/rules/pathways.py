"""Rules for pathways. One function per rule."""

from edgewise.book.book import Book
from edgewise.book.scenario import DESIGNED, Scenario
from edgewise.book.source import Source


def pathway_ids(_book: Book, source: Source[Scenario]) -> None:
    """EW003: an id names one pathway."""
    source.check_unique_ids("pathways", "pathway")


def pathway_forms(_book: Book, source: Source[Scenario]) -> None:
    """EW105: a pathway has either a condition or is `otherwise`."""
    for number, pathway in enumerate(source.value.pathways):
        has_when = source.has("pathways", number, "when")
        if has_when == source.has("pathways", number, "otherwise"):
            problem = "both `when` and `otherwise`" if has_when else "neither `when` nor `otherwise`"
            source.found("EW105", ("pathways", number), f"the pathway `{pathway.id}` has {problem}", "keep one of them")
        elif not has_when and not pathway.otherwise:
            path = ("pathways", number, "otherwise")
            source.found("EW105", path, "`otherwise` can only be true", "write `otherwise: true`, or a `when`")


def has_otherwise(_book: Book, source: Source[Scenario]) -> None:
    """EW101: the last pathway takes everyone who is left."""
    pathways = source.value.pathways
    if source.value.stage < DESIGNED or not pathways or not source.names("pathways").complete:
        return
    if not any(source.has("pathways", number, "otherwise") for number in range(len(pathways))):
        hint = "end with `- {id: other, otherwise: true}`"
        source.found_at_key("EW101", ("pathways",), "no `otherwise` pathway: some visitors would have none", hint)


def otherwise_is_last(_book: Book, source: Source[Scenario]) -> None:
    """EW102: nothing stands behind `otherwise`."""
    ends = [number for number, pathway in enumerate(source.value.pathways) if pathway.otherwise]
    if not ends:
        return
    for number in range(ends[0] + 1, len(source.value.pathways)):
        name, end = source.value.pathways[number].id, source.value.pathways[ends[0]].id
        message = f"the pathway `{name}` is never reached: `{end}` before it takes everyone who is left"
        source.found("EW102", ("pathways", number), message, "put `otherwise` last")


RULES = (pathway_ids, pathway_forms, has_otherwise, otherwise_is_last)
