"""Rules for what every file begins with. One function per rule; each notes its findings at the source it is given."""

from typing import Any

from edgewise.book.book import Book
from edgewise.book.scenario import Scenario
from edgewise.book.source import Source


def registry_header(book: Book) -> None:
    """EW005: the registry says its version and kind."""
    _require(book.registry, {"apiVersion": "edgewise/v1", "kind": "Registry"})


def scenario_header(_book: Book, source: Source[Scenario]) -> None:
    """EW005: a scenario says its version, kind, id and status."""
    _require(source, {"apiVersion": "edgewise/v1", "kind": "Scenario"})
    _require(source, {"id": source.file.rpartition("/")[2].removesuffix(".yaml"), "status": "strawman"})


def scenario_ids(book: Book) -> None:
    """EW003: an id names one scenario."""
    first: dict[str, str] = {}
    for source in book.scenarios:
        name = source.value.id
        if name in first:
            source.found("EW003", ("id",), f"the id `{name}` is also that of `{first[name]}`", "give it one of its own")
        elif name is not None:
            first[name] = source.file


def _require(source: Source[Any], fields: dict[str, str]) -> None:
    for field, example in fields.items():
        if not source.is_damaged_text and not source.has(field):
            source.found("EW005", (), f"`{field}` is missing", f"write `{field}: {example}`")


REGISTRY_RULES = (registry_header,)
SCENARIO_RULES = (scenario_header,)
BOOK_RULES = (scenario_ids,)
