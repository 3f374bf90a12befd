"""Checking a book: reads it, applies every rule, runs its tests. Owns the order of these; finds nothing by itself."""

from collections.abc import Iterable
from pathlib import Path

from edgewise._core import Engine
from edgewise.book.book import Book
from edgewise.book.compiling import compile_document
from edgewise.book.conditions import compile_all
from edgewise.book.findings import Finding
from edgewise.book.loading import load_book
from edgewise.book.models import Trial
from edgewise.book.rehearsal import Rehearsal, rehearse_tests
from edgewise.book.rules import BOOK_RULES, REGISTRY_RULES, SCENARIO_RULES
from edgewise.book.scenario import DESIGNED, Scenario
from edgewise.book.source import Source
from edgewise.bundle import Bundle
from edgewise.errors import BundleError
from edgewise.intent import Verdicts


def load(path: Path, verdicts: Verdicts | None = None) -> Book:
    """Read and check a book. Raises BookError when there is none; every mistake in it is in its findings.

    Models that there are verdicts on are not tried again; verdicts on others are kept there.
    """
    book = load_book(path)
    book.verdicts = verdicts
    for registry_rule in REGISTRY_RULES:
        registry_rule(book)
    compile_all(book)
    for source in book.scenarios:
        for scenario_rule in SCENARIO_RULES:
            scenario_rule(book, source)
    for book_rule in BOOK_RULES:
        book_rule(book)
    book.rehearsals = _run_tests(book)
    return book


def check(path: Path) -> list[Finding]:
    """Every mistake of a book, in order."""
    return load(path).findings


def _run_tests(book: Book) -> list[Rehearsal]:
    """Tests of live scenarios run among all live ones; those of others run as if theirs alone were live.

    A scenario with errors of its own is left out, so that what is sound is still tried.
    """
    sound = [source for source in book.scenarios if _is_sound(book, source)]
    live = [source for source in sound if source.value.status == "live"]
    trial = Trial(book.registry, book.models, book.verdicts)
    rehearsals = _rehearse(book, live, live, trial)
    for source in sound:
        if source.value.tests and source.value.stage >= DESIGNED and source.value.status != "live":
            _rehearse(book, [source], [source], trial)
    return rehearsals


def _is_sound(book: Book, source: Source[Scenario]) -> bool:
    """Whether a scenario, and all that it rests on in the registry, is as it is meant."""
    points = book.registry.value.decision_points
    return (
        not source.has_errors
        and all(point.id in points for point in source.value.decision_points)
        and book.is_compiled(source)
        and all(book.is_declared(name) and book.has_its_model(name) for name in book.signals_read(source))
    )


def _rehearse(
    book: Book, served: list[Source[Scenario]], tried: Iterable[Source[Scenario]], trial: Trial
) -> list[Rehearsal]:
    if not served:
        return []
    try:
        engine = Engine.from_bundle(Bundle.of_document(compile_document(book, served)).data)
    except BundleError as error:
        if not book.registry.has_errors:
            book.registry.found("EW903", (), f"the engine refuses the book: {error}")
        return []
    purposes = list(book.registry.value.purposes)
    return [done for source in tried for done in rehearse_tests(engine, source, purposes, trial)]
