"""A clean book -> its bundle. Owns the golden decisions made from the tests; the same book gives the same bytes."""

from pathlib import Path

from edgewise._core import Engine
from edgewise.book.book import Book
from edgewise.book.checking import load
from edgewise.book.compiling import compile_document
from edgewise.book.findings import Finding, has_errors
from edgewise.book.models import prove, refuse
from edgewise.book.rehearsal import Rehearsal
from edgewise.bundle import Bundle
from edgewise.errors import EdgewiseError
from edgewise.intent import ModelError


class BuildError(EdgewiseError):
    """A book with errors cannot be built; `findings` says which."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("the book has errors; nothing was built")
        self.findings = findings


def build(path: Path) -> Bundle:
    """The bundle of a book. Raises BuildError with every finding when it has errors."""
    return bundle_of(load(path))


def bundle_of(book: Book) -> Bundle:
    """The bundle of a checked book and its models: it replays its golden decisions, they their golden rows."""
    if not has_errors(book.findings):
        _prove_models(book)
    if has_errors(book.findings):
        raise BuildError(book.findings)
    document = compile_document(book, book.live)
    document["golden"] = [_golden(rehearsal) for rehearsal in book.rehearsals]
    bundle = Bundle.of_document(document).with_models({model.digest: model.data for model in book.models.values()})
    Engine.from_bundle(bundle.data).self_test()
    return bundle


def _prove_models(book: Book) -> None:
    for name, model in book.models.items():
        try:
            prove(model, book.verdicts)
        except ModelError as error:
            refuse(book.registry, name, error)


def _golden(rehearsal: Rehearsal) -> dict[str, object]:
    golden: dict[str, object] = {"name": rehearsal.name, "request": rehearsal.request, "decisions": rehearsal.decisions}
    return {**golden, "outputs": rehearsal.outputs} if rehearsal.outputs else golden
