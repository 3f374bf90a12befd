"""Rules for the declarations of signals and constants. One function per rule."""

from collections.abc import Iterator
from typing import Any

from edgewise._core import Signals, check_names
from edgewise.book.book import Book
from edgewise.book.compiling import signal_document
from edgewise.book.conditions import declaration
from edgewise.book.probe import refusal
from edgewise.book.registry import BUILT_IN_SIGNALS, STATE_SOURCES, AnyAggregate, Signal
from edgewise.book.words import POLICY

GIVEN_SOURCES = ("request", "edge", "profile")
_NUMBERS = {"int", "float"}
AGGREGATE_TYPES: dict[str, set[str]] = {
    "count": {"int"},
    "distinct": {"int"},
    "sum": _NUMBERS,
    "max": {*_NUMBERS, "timestamp"},
    "min": {*_NUMBERS, "timestamp"},
    "since": {"duration"},
    "decay": {"float"},
    "ring": {"string_set"},
    "run": {"int"},
    "switches": {"int"},
    "repeats": {"int"},
    "dwell": {"duration"},
    "ewma": {"float"},
    "last": {"bool", "int", "float", "string", "enum", "timestamp", "duration"},
    "first": {"bool", "int", "float", "string", "enum", "timestamp", "duration"},
}
_NEED_PROPERTY = ("sum", "max", "min", "distinct", "ring")
_TAKE_NO_PROPERTY = ("count", "since", "dwell")
Problem = tuple[str, str, str | None]


def signal_names(book: Book) -> None:
    """EW007: names can be read in conditions. EW003: none is built in."""
    registry = book.registry
    names = registry.names("signals")
    for name, message in check_names(sorted(names | set(BUILT_IN_SIGNALS))):
        if name not in BUILT_IN_SIGNALS:
            registry.found_at_key("EW007", ("signals", name), message)
            book.refused_names.add(name)
    for name in names:
        built_in = next((prefix for prefix in BUILT_IN_SIGNALS if name.startswith(f"{prefix}.")), None)
        if built_in is not None:
            registry.found_at_key("EW007", ("signals", name), f"`{name}` begins with `{built_in}`, which is built in")
            book.refused_names.add(name)
    for name in registry.names("signals"):
        if name in BUILT_IN_SIGNALS:
            registry.found_at_key("EW003", ("signals", name), f"`{name}` is built in", "remove it, and just read it")


def constant_names(book: Book) -> None:
    """EW007: constants can be read in conditions."""
    registry = book.registry
    for name, message in check_names(sorted(registry.names("policy"))):
        registry.found_at_key("EW007", ("policy", name), message)
        book.refused_names.add(POLICY + name)


def signal_declarations(book: Book) -> None:
    """EW008: a declaration fits its type and its source."""
    registry = book.registry
    for name, signal in registry.value.signals.items():
        for field, message, hint in (*_type_problems(signal), *_source_problems(signal), *_aggregate_problems(signal)):
            registry.found_at_key("EW008", ("signals", name, field), f"`{name}`: {message}", hint)
            book.unsound_signals.add(name)


def signal_types(book: Book) -> None:
    """EW008: conditions can be checked against a declaration; the bounds are those of the compiled core."""
    for name, signal in book.registry.value.signals.items():
        if name in book.unsound_signals:
            continue
        try:
            declared: dict[str, Any] = {"signal": declaration(signal)}
            Signals(declared)
        except ValueError as error:
            message = str(error).removeprefix("signal `signal`: ")
            book.registry.found_at_key("EW008", ("signals", name), f"`{name}`: {message}")
            book.unsound_signals.add(name)


def signal_state(book: Book) -> None:
    """EW008: an aggregate is within bounds. EW009: so is the union of a scope's aggregates."""
    signals = book.registry.value.signals
    for scope in STATE_SOURCES:
        of_scope = {name: signal for name, signal in signals.items() if signal.source == scope}
        for name, signal in of_scope.items():
            _check_state(book, "EW008", name, [(name, signal)])
        _check_state(book, "EW009", next(reversed(of_scope), ""), list(of_scope.items()))


def _check_state(book: Book, code: str, place: str, signals: list[tuple[str, Signal]]) -> None:
    kept = {name: signal_document(signal) for name, signal in signals if book.is_declared(name)}
    purposes = {purpose: {"basis": "consent"} for _, signal in signals for purpose in signal.purposes}
    reason = refusal(signals=kept, purposes=purposes) if kept else None
    if reason is not None:
        book.registry.found_at_key(code, ("signals", place), f"`{place}`: {reason}")
        book.unsound_signals.update(kept)


def signal_purposes(book: Book) -> None:
    """EW206: a signal's purposes are declared."""
    registry = book.registry
    known = registry.names("purposes")
    for name, signal in registry.value.signals.items():
        for number, purpose in enumerate(signal.purposes):
            registry.check_reference("EW206", ("signals", name, "purposes", number), "purpose", purpose, known)
            if purpose not in registry.value.purposes:
                book.unsound_signals.add(name)


def _type_problems(signal: Signal) -> Iterator[Problem]:
    if signal.type == "enum" and signal.values is None:
        yield "type", "an enum needs `values`", "write `values: [a, b]`"
    if signal.type != "enum" and signal.values is not None:
        yield "values", f"`values` belong to an enum, not to a {signal.type}", "write `type: enum`, or remove them"
    if signal.values is not None and len(set(signal.values)) < len(signal.values):
        yield "values", "a value stands twice", "remove one of them"
    yield from _bound_problems(signal)


def _bound_problems(signal: Signal) -> Iterator[Problem]:
    for field, bound in (("min", signal.min), ("max", signal.max)):
        if not isinstance(bound, int | float):
            continue
        if signal.type not in _NUMBERS:
            yield field, f"`{field}` belongs to an int or a float, not to a {signal.type}", "remove it"
        elif signal.type == "int" and not isinstance(bound, int):
            yield field, f"`{field}` of an int must be a whole number", None
    least, most = signal.min, signal.max
    if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
        yield "max", f"`max` is below `min`: no value is both at least {least} and at most {most}", None


def _source_problems(signal: Signal) -> Iterator[Problem]:
    from_model = signal.source == "model"
    if from_model and (signal.model is None or signal.output is None):
        yield "source", "a signal of a model needs `model` and `output`", "write `model: NAME, output: NAME`"
    elif from_model and signal.type != "float":
        yield "type", f"a model gives float, not {signal.type}", "write `type: float`"
    if not from_model and (signal.model is not None or signal.output is not None):
        field = "model" if signal.model is not None else "output"
        yield field, f"`{field}` belongs to a signal of source `model`", "write `source: model`, or remove it"
    if signal.max_age is not None and signal.source not in GIVEN_SOURCES:
        yield "max_age", f"a signal of source `{signal.source}` is never stale", "remove `max_age`"


def _aggregate_problems(signal: Signal) -> Iterator[Problem]:
    found = signal.aggregates()
    keeps_state = signal.source in STATE_SOURCES
    if keeps_state and not found:
        example = "count: {event: Product Viewed}"
        yield "source", f"a signal of source `{signal.source}` needs an aggregate", f"write `{example}`"
    if len(found) > 1:
        kinds = " and ".join(f"`{kind}`" for kind, _ in found)
        yield found[-1][0], f"one signal has one aggregate, not {kinds}", "declare a signal for each"
    for kind, aggregate in found[:1]:
        if not keeps_state:
            yield kind, f"`{kind}` needs the source `session` or `journey`, not `{signal.source}`", None
        if signal.type not in AGGREGATE_TYPES[kind] and not (kind in ("last", "first") and aggregate.property is None):
            allowed = " or ".join(sorted(AGGREGATE_TYPES[kind]))
            yield "type", f"`{kind}` gives {allowed}, not {signal.type}", None
        yield from _property_problems(signal, kind, aggregate)


def _property_problems(signal: Signal, kind: str, aggregate: AnyAggregate) -> Iterator[Problem]:
    name, equals = aggregate.property, getattr(aggregate, "equals", None)
    if kind in _NEED_PROPERTY and name is None:
        yield kind, f"`{kind}` needs a `property` of the event", f"write `{kind}: {{event: ..., property: ...}}`"
    if kind in _TAKE_NO_PROPERTY and name is not None and equals is None:
        hint = (
            "remove `property`" if kind == "since" else "remove `property`, or write with `equals` which value counts"
        )
        yield kind, f"`{kind}` reads no property", hint
    if name is None and equals is not None:
        yield (
            kind,
            "`equals` needs a `property` of the event",
            f"write `{kind}: {{event: ..., property: ..., equals: ...}}`",
        )
    if kind in ("last", "first") and name is None and signal.type != "timestamp":
        yield "type", f"`{kind}` without a property gives the event's timestamp, not {signal.type}", "name a `property`"


RULES = (signal_names, constant_names, signal_declarations, signal_types, signal_state, signal_purposes)
