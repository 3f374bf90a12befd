"""Condition texts -> compiled conditions, with every mistake placed inside the text. Owns names to compile against.

Unknown names are all reported and then taken as known with any type, so that type mistakes show at the same time.
"""

from typing import Any

from edgewise._core import Condition, Signals
from edgewise.book.book import Book
from edgewise.book.fields import PLACEHOLDER
from edgewise.book.names import did_you_mean
from edgewise.book.registry import BUILT_IN_SIGNALS, Signal
from edgewise.book.scenario import DESIGNED, Scenario
from edgewise.book.source import Names, Source
from edgewise.book.tree import Path
from edgewise.book.words import POLICY, Word, words
from edgewise.errors import ConditionError

Declarations = dict[str, Any]


def compile_all(book: Book) -> None:
    """Compile every condition of a book into `book.conditions`."""
    compiler = Compiler(book)
    for name, segment in book.registry.value.segments.items():
        compiler.compile(book.registry, ("segments", name, "when"), segment.when)
    for name, outcome in book.registry.value.outcomes.items():
        if outcome.filter is not None:
            compiler.check_filter(("outcomes", name, "filter"), outcome.filter)
    for source in book.scenarios:
        _compile_scenario(compiler, source)


def _compile_scenario(compiler: "Compiler", source: Source[Scenario]) -> None:
    scenario = source.value
    draft = scenario.stage < DESIGNED
    if scenario.context is not None:
        compiler.compile(source, ("context",), scenario.context, draft=draft)
    for number, pathway in enumerate(scenario.pathways):
        if pathway.when is not None:
            compiler.compile(source, ("pathways", number, "when"), pathway.when, draft=draft)


class Compiler:
    """Compiles against the registry of one book."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._known = known_signals(book.registry)
        constants = book.registry.names("policy")
        self._constants = Names({POLICY + name for name in constants}, complete=constants.complete)
        self._policy = policy(book)
        self._declared = declarations(book, self._known)
        self._signals = Signals(self._declared, self._policy)

    def compile(self, source: Source[Any], path: Path, text: str, *, draft: bool = False) -> None:
        """Compile one condition; a draft may read signals that are not declared yet."""
        if text == PLACEHOLDER:
            return
        unknown = [word for word in words(text) if not self._is_known(word.name)]
        condition = _try(text, self._assuming(unknown))
        if isinstance(condition, ConditionError):
            if condition.unknown is None:
                _refuse(source, path, condition)
        elif not unknown:
            self._book.conditions[source.file, path] = condition
        if not draft and not (isinstance(condition, ConditionError) and condition.kind == "syntax"):
            for word in unknown:
                self._report(source, path, word)

    def check_filter(self, path: Path, text: str) -> None:
        """Check a filter over an event's properties, which have no declared types."""
        properties = {word.name: "any" for word in words(text) if not word.name.startswith(POLICY)}
        condition = _try(text, _signals(properties, self._policy) or self._signals)
        if isinstance(condition, ConditionError):
            _refuse(self._book.registry, path, condition)
        else:
            self._book.conditions[self._book.registry.file, path] = condition

    def _is_known(self, name: str) -> bool:
        return name.removeprefix(POLICY) in self._policy if name.startswith(POLICY) else name in self._declared

    def _assuming(self, unknown: list[Word]) -> Signals:
        """What is declared, with unknown signals of any type, as far as such names can be."""
        assumed: Declarations = {word.name: "any" for word in unknown if not word.name.startswith(POLICY)}
        return (_signals({**self._declared, **assumed}, self._policy) if assumed else None) or self._signals

    def _report(self, source: Source[Any], path: Path, word: Word) -> None:
        names, what = self._known, "signal"
        if word.name.startswith(POLICY):
            names, what = self._constants, "policy constant"
        if names.lack(word.name):
            hint = self._quoting_hint(word.name) or did_you_mean(word.name, names)
            problem = (f"unknown {what} `{word.name}`", hint)
            source.found_inside("EW201", path, word.line, word.column, problem)

    def _quoting_hint(self, name: str) -> str | None:
        """The hint for a value of an enum that stands where a signal could."""
        is_value = any(name in (signal.values or ()) for signal in self._book.registry.value.signals.values())
        return f"a text stands in quotes: `'{name}'`" if is_value else None


def _signals(declared: Declarations, constants: dict[str, Any]) -> Signals | None:
    try:
        return Signals(declared, constants)
    except ValueError:
        return None


def _try(text: str, signals: Signals) -> Condition | ConditionError:
    try:
        return Condition.compile(text, signals)
    except ConditionError as error:
        return error


def _refuse(source: Source[Any], path: Path, error: ConditionError) -> None:
    code = "EW200" if error.kind == "syntax" else "EW202"
    source.found_inside(code, path, error.line, error.column, (error.message, error.hint))


def known_signals(registry: Source[Any]) -> Names:
    """The names of signals that may be read: those written, right or wrong, and the built-in ones."""
    written = registry.names("signals")
    return Names(written | set(BUILT_IN_SIGNALS), complete=written.complete)


def policy(book: Book) -> dict[str, Any]:
    """The business constants whose names can be read."""
    refused = book.refused_names
    return {name: value for name, value in book.registry.value.policy.items() if POLICY + name not in refused}


def declarations(book: Book, known: Names) -> Declarations:
    """What conditions are compiled against; signals whose declaration is wrong may have any type."""
    found: Declarations = {name: "any" for name in known if name not in book.refused_names}
    for name, signal in book.registry.value.signals.items():
        if name not in book.refused_names:
            found[name] = declaration(signal) if name not in book.unsound_signals else "any"
    for name, built_in in BUILT_IN_SIGNALS.items():
        found[name] = {key: built_in[key] for key in ("type", "values", "min", "max") if key in built_in}
    return found


def declaration(signal: Signal) -> dict[str, Any]:
    """The part of a signal that conditions are checked against."""
    bounds = {"min": signal.min, "max": signal.max}
    numbers = {key: bound for key, bound in bounds.items() if isinstance(bound, int | float)}
    values = {"values": list(signal.values)} if signal.values is not None else {}
    return {"type": signal.type, **values, **numbers}
