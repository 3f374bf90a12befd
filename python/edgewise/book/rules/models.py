"""Rules for the models that signals name. One function per rule; each leaves in the book only models that keep it."""

from edgewise.book.book import Book
from edgewise.book.compiling import purposes_document, signals_document
from edgewise.book.models import models_of, place_of, read_model, refuse
from edgewise.book.probe import engine_of, place_and_reason
from edgewise.book.registry import BUILT_IN_SIGNALS
from edgewise.book.source import Names
from edgewise.errors import BundleError
from edgewise.intent import ModelError


def named_models(book: Book) -> None:
    """EW207: a model is one of the book's or comes with edgewise. EW010: it is one that may run."""
    found = models_of(book.folder)
    for signal, name in _model_signals(book):
        book.registry.check_reference("EW207", ("signals", signal, "model"), "model", name, Names(found))
    for name in sorted({name for _, name in _model_signals(book)} & set(found)):
        try:
            book.models[name] = read_model(name, found[name])
        except ModelError as error:
            refuse(book.registry, name, error)


def model_outputs(book: Book) -> None:
    """EW207: a model has the output that a signal is."""
    for signal, name in _model_signals(book):
        if name in book.models:
            output = book.registry.value.signals[signal].output or ""
            known = Names(book.models[name].metadata.outputs)
            path = ("signals", signal, "output")
            book.registry.check_reference("EW207", path, f"output of `{name}`:", output, known)
            if known.lack(output):
                book.unsound_signals.add(signal)


def model_inputs(book: Book) -> None:
    """EW208: a model reads signals that the book declares, of the type it was made for."""
    for name, model in list(book.models.items()):
        for signal, kind in model.inputs().items():
            if (problem := _input_problem(book, signal, kind)) is not None:
                message, hint = problem
                book.registry.found("EW208", place_of(book.registry, name), f"the model `{name}` {message}", hint)
                book.models.pop(name, None)
            elif not book.is_declared(signal):  # what is wrong with it was found elsewhere
                book.models.pop(name, None)


def model_state(book: Book) -> None:
    """EW009: what a model keeps fits in a record, beside what signals keep. Learns the purposes signals inherit."""
    parts = {"signals": signals_document(book), "purposes": purposes_document(book)}
    taken: dict[str, object] = {}
    for name, model in sorted(book.models.items()):
        try:
            engine = engine_of(**parts, models={**taken, name: model.document()})
        except BundleError as error:
            place, reason = place_and_reason(error)
            code = "EW009" if place.startswith("state.") else "EW010"
            book.registry.found(code, place_of(book.registry, name), f"the model `{name}` is refused: {reason}")
            del book.models[name]
        else:
            taken[name] = model.document()
            book.inherited_purposes = engine.signal_purposes()


def _input_problem(book: Book, name: str, kind: str) -> tuple[str, str] | None:
    if book.registry.names("signals").lack(name) and name not in BUILT_IN_SIGNALS:
        hint = f"declare it as `{name}: {{type: {kind}, source: request}}`, or with the source that gives it"
        return f"reads `{name}`, which is not declared", hint
    signal = book.registry.value.signals.get(name)
    declared = BUILT_IN_SIGNALS[name]["type"] if name in BUILT_IN_SIGNALS else signal.type if signal else kind
    if declared != kind:
        return f"reads `{name}` as {kind}, and it is declared as {declared}", f"declare it with `type: {kind}`"
    if signal is not None and signal.source == "model":
        return f"reads `{name}`, which a model sets", "make a model that reads what no model sets"
    return None


def _model_signals(book: Book) -> list[tuple[str, str]]:
    """The sound signals that models set, each with the name of its model."""
    signals = book.registry.value.signals.items()
    of_models = (
        (name, signal.model) for name, signal in signals if signal.source == "model" and book.is_declared(name)
    )
    return [(name, model) for name, model in of_models if model is not None]


RULES = (named_models, model_outputs, model_inputs, model_state)
