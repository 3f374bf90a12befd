"""Rules for the `tests:` of a scenario, as written; running them is elsewhere. One function per rule."""

from typing import NamedTuple

from msgspec import UNSET

from edgewise.book.book import Book
from edgewise.book.conditions import known_signals
from edgewise.book.fields import PLACEHOLDER
from edgewise.book.names import did_you_mean
from edgewise.book.scenario import DESIGNED, BookTest, ExpectedPoint, Scenario
from edgewise.book.source import Names, Source
from edgewise.book.tree import Path


def unique_names(_book: Book, source: Source[Scenario]) -> None:
    """EW003: a test's name is its own."""
    lines: dict[str, int] = {}
    for number, test in enumerate(source.value.tests):
        if test.name in lines and test.name != PLACEHOLDER:
            message = f"the test `{test.name}` stands twice; first on line {lines[test.name]}"
            source.found("EW003", ("tests", number, "name"), message, "rename one of them")
        lines.setdefault(test.name, source.at("tests", number).line)


def known_test_signals(book: Book, source: Source[Scenario]) -> None:
    """EW201: a test gives signals that are declared."""
    if source.value.stage < DESIGNED:
        return
    known = known_signals(book.registry)
    for number, test in enumerate(source.value.tests):
        for name in test.signals:
            path = ("tests", number, "signals", name)
            source.check_reference("EW201", path, "signal", name, known, at_key=True)


def possible_test_values(book: Book, source: Source[Scenario]) -> None:
    """EW904: a test gives enums values that they have."""
    for number, test in enumerate(source.value.tests):
        for name, given in test.signals.items():
            signal = book.registry.value.signals.get(name)
            value = given.get("value") if isinstance(given, dict) else given
            if signal is not None and signal.values is not None and value is not None and value not in signal.values:
                message = f"the test `{test.name}`: `{value}` is not a value of `{name}`"
                path = ("tests", number, "signals", name)
                source.found("EW904", path, message, did_you_mean(str(value), signal.values))


def known_test_purposes(book: Book, source: Source[Scenario]) -> None:
    """EW206: a test's consent names purposes that are declared."""
    known = book.registry.names("purposes")
    for number, test in enumerate(source.value.tests):
        for name in test.consent.purposes if test.consent is not None else ():
            path = ("tests", number, "consent", "purposes", name)
            source.check_reference("EW206", path, "purpose", name, known, at_key=True)


class _Known(NamedTuple):
    """What the expectations of one scenario's tests may name."""

    points: Names
    segments: Names
    pathways: Names
    scenarios: Names


def known_expectations(book: Book, source: Source[Scenario]) -> None:
    """EW203, EW204, EW206: a test expects what can be."""
    if not source.value.tests:
        return
    known = _known(book, source)
    for number, test in enumerate(source.value.tests):
        path = ("tests", number, "expect")
        _check_names(known, source, path, test.expect)
        for name, expected in test.expect.decision_points.items():
            below = (*path, "decision_points", name)
            source.check_reference("EW206", below, "decision point", name, known.points, at_key=True)
            _check_names(known, source, below, expected)


def _known(book: Book, source: Source[Scenario]) -> _Known:
    pathways = source.names("pathways")
    if source.value.stage >= DESIGNED and not any(pathway.otherwise for pathway in source.value.pathways):
        pathways = Names(pathways, complete=False)  # the one that is missing, EW101, may be the one that is meant
    return _Known(source.names("decision_points"), book.registry.names("segments"), pathways, book.scenario_ids)


def expects_something(_book: Book, source: Source[Scenario]) -> None:
    """EW005: a test without an expectation cannot fail."""
    for number, test in enumerate(source.value.tests):
        if not _expects(source, number, test):
            source.found("EW005", ("tests", number, "expect"), f"the test `{test.name}` expects nothing")


def _expects(source: Source[Scenario], number: int, test: BookTest) -> bool:
    path: Path = ("tests", number, "expect")
    expects = any(getattr(test.expect, field) is not UNSET for field in ExpectedPoint.__struct_fields__)
    return expects or source.is_damaged(*path) or bool(test.expect.decision_points)


def _check_names(known: _Known, source: Source[Scenario], path: Path, expected: ExpectedPoint) -> None:
    own = expected.scenario in (None, source.value.id) or not isinstance(expected.scenario, str)
    if isinstance(expected.segment, str):
        source.check_reference("EW203", (*path, "segment"), "segment", expected.segment, known.segments)
    if isinstance(expected.pathway, str) and own:
        source.check_reference("EW204", (*path, "pathway"), "pathway", expected.pathway, known.pathways)
    if isinstance(expected.scenario, str):
        source.check_reference("EW206", (*path, "scenario"), "scenario", expected.scenario, known.scenarios)


RULES = (
    unique_names,
    known_test_signals,
    possible_test_values,
    known_test_purposes,
    known_expectations,
    expects_something,
)
