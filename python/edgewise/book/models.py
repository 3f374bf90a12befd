"""The models a book names: where each comes from, what it says of itself, whether it does what it says.

Owns finding, reading and proving them; whether a signal asks for what they have is for the rules.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edgewise._core import FeatureSpec
from edgewise.book.registry import Registry
from edgewise.book.source import Source
from edgewise.book.tree import Path as TreePath
from edgewise.bundle import digest_of
from edgewise.files import open_file
from edgewise.intent import (
    MODEL_BYTES_MAX,
    Metadata,
    ModelError,
    Verdicts,
    examine,
    load,
    models_in,
    probe,
    shipped_models,
)

if TYPE_CHECKING:
    from edgewise.intent.model import Ids, Model, Vals

MODEL_FOLDER: Final = "models"
PROVEN_MAX: Final = 16
OUTPUT_DIGITS: Final = 5  # what the engine rounds outputs to


@dataclass(frozen=True, slots=True)
class BookModel:
    """A model that a book names, as its file says it is."""

    name: str
    digest: str
    is_shipped: bool
    data: bytes = field(repr=False, compare=False)
    metadata: Metadata = field(repr=False, compare=False)

    def inputs(self) -> dict[str, str]:
        """The signals it reads, each with the type it was made for."""
        return {signal: kind for _, signal, kind in FeatureSpec(self.metadata.spec).inputs}

    def document(self) -> dict[str, Any]:
        """The model as bundles name it."""
        return {"digest": self.digest, "spec": self.metadata.spec, "outputs": list(self.metadata.outputs)}


def models_of(book: Path) -> dict[str, Path]:
    """The models that a book may name: its own, then those that come with edgewise."""
    return {**shipped_models(), **models_in(book / MODEL_FOLDER)}


def read_model(name: str, path: Path) -> BookModel:
    """Read a model and hold it to every rule that needs no runtime.

    Raises:
        ModelError: it cannot be read, or breaks a rule.
    """
    try:
        with open_file(path) as file:
            data = file.read(MODEL_BYTES_MAX + 1)
    except OSError as error:
        raise ModelError("read", "unreadable", f"the file cannot be read: {(error.strerror or '').lower()}") from error
    is_shipped = shipped_models().get(name) == path
    return BookModel(name, digest_of(data), is_shipped, data, examine(data))


@lru_cache(maxsize=PROVEN_MAX)
def prove(model: BookModel, verdicts: Verdicts | None = None) -> "Model":
    """Give a model that may be run: it loads, and answers its golden rows as it did when it was made.

    One that did not come with edgewise is tried in a child first, where it can do no harm, unless a verdict is known.

    Raises:
        ModelError: it is refused.
    """
    named = (model.data, model.digest, model.metadata.spec_digest, model.metadata.size.slots)
    if not model.is_shipped:
        probe(*named, verdicts=verdicts)
    return load(*named)


def place_of(registry: Source[Registry], name: str) -> TreePath:
    """Where a model is named first."""
    signals = registry.value.signals.items()
    return ("signals", next((signal for signal, declared in signals if declared.model == name), ""), "model")


def refuse(registry: Source[Registry], name: str, error: ModelError) -> None:
    """Note that a model is refused, once, where it is named first."""
    place = place_of(registry, name)
    if not registry.is_found("EW010", place):
        hint = f"stage `{error.stage}`, code `{error.code}`"
        registry.found("EW010", place, f"the model `{name}` is refused: {error}", hint)


class Trial:
    """Runs the models of a book for its tests; each is proven when the first test waits for it."""

    def __init__(
        self, registry: Source[Registry], models: dict[str, BookModel], verdicts: Verdicts | None = None
    ) -> None:
        self._registry = registry
        self._models = models
        self._verdicts = verdicts
        self._refused: set[str] = set()

    def run(self, name: str, ids: "Ids", vals: "Vals") -> list[float] | None:
        """Give what a model makes of a row, rounded as the engine does; None, and a finding, when it is refused."""
        model = self._models.get(name)
        if model is None or name in self._refused:
            return None
        try:
            return [round(output, OUTPUT_DIGITS) for output in prove(model, self._verdicts).run(ids, vals)]
        except ModelError as error:
            refuse(self._registry, name, error)
            self._refused.add(name)
            return None
