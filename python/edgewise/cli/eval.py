"""`edgewise eval`: one condition over given signals. Guesses types from JSON; what they mean is the core's business."""

import json
import math
import sys
from itertools import product
from typing import Any, Never

import orjson
import rich_click as click

from edgewise._core import DENIED, INVALID, STALE, Condition, Signals
from edgewise.errors import ConditionError, EdgewiseError

KNOWN = "known"
STATES: dict[str, object] = {"missing": None, "denied": DENIED, "stale": STALE, "invalid": INVALID}
TYPES_IN_TEXT = ("duration", "timestamp")
TEXTS_TRIED_MAX = 32
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

Object = dict[str, Any]


class JsonObject(click.ParamType[Object]):
    """A JSON object given on the command line."""

    name = "JSON"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Object:
        """Parse it, or say what is wrong."""
        if isinstance(value, dict):
            return value
        try:
            parsed = json.loads(str(value), object_pairs_hook=_distinct, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            self.fail(f"not JSON: {error}", param, ctx)
        if not isinstance(parsed, dict):
            self.fail('not a JSON object, such as {"order.days": 45}', param, ctx)
        return parsed


def _distinct(pairs: list[tuple[str, Any]]) -> Object:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"`{next(name for name in names if names.count(name) > 1)}` is there twice")
    return found


def _no_constant(word: str) -> Never:
    raise ValueError(f"`{word}` is no JSON number")


JSON_OBJECT = JsonObject()


@click.command(context_settings={"ignore_unknown_options": True})  # so that EXPR may begin with a minus
@click.option("--signals", default="{}", type=JSON_OBJECT, help="Values by name; null is missing.")
@click.option("--types", default="{}", type=JSON_OBJECT, help="Types by name, where the value does not tell.")
@click.option("--states", default="{}", type=JSON_OBJECT, help="States by name: missing, stale, denied or invalid.")
@click.argument("expression", metavar="EXPR")
def command(signals: Object, types: Object, states: Object, expression: str) -> None:
    """Evaluate one condition over given signals.

    Prints whether it is true, false or unknown, and the signals that keep it unknown. Types are taken from the values
    unless given: a list of strings is a string_set. A condition that does not compile exits with 2.

    Example: edgewise eval --signals '{"order.days": 45, "order.channel": null}' 'order.days > 30'
    """
    names = dict.fromkeys([*signals, *types, *states])
    values = {name: plain(signals.get(name)) for name in names}
    declared = {name: types[name] if name in types else guess(name, values[name]) for name in names}
    for name, state in states.items():
        values[name] = in_state(name, state, values[name])
    if not is_unicode(expression):
        raise click.UsageError("EXPR is not UTF-8 text")
    try:
        table = Signals(declared)
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    try:
        condition = Condition.compile(expression, table)
    except ConditionError as error:
        _hint_type(error, expression, declared, [name for name in signals if name not in types])
        raise
    answer = condition.evaluate(values)
    sys.stdout.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE).decode())


def _hint_type(error: ConditionError, expression: str, declared: Object, guessed: list[str]) -> None:
    """Raise the error with a declaration in place of its hint, where one for a text would get beyond it."""
    texts = [name for name in guessed if declared[name] == "string"] if error.kind == "type" else []
    for name, kind in product(texts[:TEXTS_TRIED_MAX], TYPES_IN_TEXT):
        if _place(expression, {**declared, name: kind}) > (error.line, error.column):
            declaration = json.dumps({name: kind})
            message = f"{error.line}:{error.column}: {error.message}; declare it: --types '{declaration}'"
            raise EdgewiseError(message) from error


def _place(expression: str, declared: Object) -> tuple[float, float]:
    """Find where a condition stops compiling; beyond everything when it compiles."""
    try:
        Condition.compile(expression, Signals(declared))
    except ConditionError as error:
        return error.line, error.column
    return math.inf, math.inf


def is_unicode(text: str) -> bool:
    """Tell whether an argument was text: the shell's other bytes arrive as lone surrogates."""
    return text.encode(errors="ignore").decode() == text


def plain(value: object) -> object:
    """Take a number that is no 64-bit int for the float it then is in JSON."""
    if isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
        return float(str(value))  # of text: a number beyond floats is infinite, and so invalid, instead of an error
    return value


def in_state(name: str, state: object, value: object) -> object:
    """Find the value that says a signal is in a state."""
    word = state.lower() if isinstance(state, str) else state
    if word == KNOWN and value is None:
        raise click.UsageError(f"`{name}` cannot be known without a value in --signals")
    if word == KNOWN:
        return value
    if not isinstance(word, str) or word not in STATES:
        raise click.UsageError(f"`{name}`: `{state}` is not a state; use {', '.join([*STATES, KNOWN])}")
    return STATES[word]


def guess(name: str, value: object) -> str:
    """Guess a signal's type from its value in JSON; `any` where there is none."""
    match value:
        case None:
            return "any"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "string"
        case list() if all(isinstance(item, str) for item in value):
            return "string_set"
    raise click.UsageError(f"`{name}`: no type fits this value; give a bool, number, string, list of strings or null")
