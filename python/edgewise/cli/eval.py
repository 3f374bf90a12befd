"""`edgewise eval`: one condition over given signals. Guesses types from JSON; what they mean is the core's business."""

import json
import sys
from typing import Any

import rich_click as click

from edgewise._core import DENIED, INVALID, STALE, Condition, Signals

STATES: dict[str, object] = {"missing": None, "denied": DENIED, "stale": STALE, "invalid": INVALID}
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
            parsed = json.loads(str(value))
        except (ValueError, RecursionError) as error:
            self.fail(f"not JSON: {error}", param, ctx)
        if not isinstance(parsed, dict):
            self.fail('not a JSON object, such as {"order.days": 45}', param, ctx)
        return parsed


JSON_OBJECT = JsonObject()


@click.command()
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
    values = {name: plain(value) for name, value in signals.items()} | {
        name: state_of(name, state) for name, state in states.items()
    }
    declared = {name: guess(signals.get(name)) for name in values} | types
    try:
        table = Signals(declared)
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    answer = Condition.compile(expression, table).evaluate(values)
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n")


def plain(value: object) -> object:
    """Take a number that is no 64-bit int for the float it then is in JSON."""
    if isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
        return float(str(value))  # of text: a number beyond floats is infinite, and so invalid, instead of an error
    return value


def state_of(name: str, state: object) -> object:
    """Find the value that says a signal is in a state."""
    if not isinstance(state, str) or state not in STATES:
        raise click.UsageError(f"`{name}`: `{state}` is not a state; use {', '.join(STATES)}")
    return STATES[state]


def guess(value: object) -> str:
    """Guess a signal's type from its value in JSON; `any` where that tells nothing."""
    match plain(value):
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "string"
        case list():
            return "string_set"
    return "any"
