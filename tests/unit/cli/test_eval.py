"""`edgewise eval`: what the shell gives in, the JSON that comes out, and where a mistake is said to be."""

import json
import re

import pytest
from click.testing import CliRunner

from edgewise.cli.eval import command
from edgewise.errors import ConditionError, EdgewiseError


def evaluate(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 2
    return " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("signals", "expression", "value"),
    [
        ('{"order.days": 45}', "order.days > 30", True),
        ('{"order.days": 45}', "order.days > 45.0", False),
        ('{"order.sale": true}', "!order.sale", False),
        ('{"visit.tags": ["a", "b", "a"]}', '"b" in visit.tags && size(visit.tags) == 2', True),
        ('{"order.days": null}', "order.days > 30", "unknown"),
        ('{"order.sum": 1e999}', "order.sum > 30.0", "unknown"),
        ('{"order.id": 99999999999999999999}', "order.id > 30", True),
        ("{}", "1 < 2", True),
        ("{}", "-1 < 0", True),
        ('{"visit.tags": []}', "size(visit.tags) == 0", True),
    ],
)
def test_types_are_taken_from_the_values(signals: str, expression: str, value: object) -> None:
    assert evaluate("--signals", signals, expression)["value"] == value


def test_a_type_can_be_given() -> None:
    signals, types = '{"since": "14h", "channel": "store"}', '{"since": "duration"}'

    assert evaluate("--signals", signals, "--types", types, 'since > duration("13h")') == {
        "value": True,
        "blocking": [],
    }


def test_an_enum_is_declared_with_its_values() -> None:
    types = '{"channel": {"type": "enum", "values": ["online", "store"]}}'

    assert evaluate("--signals", '{"channel": "phone"}', "--types", types, 'channel == "store"') == {
        "value": "unknown",
        "blocking": [{"signal": "channel", "state": "invalid"}],
    }


def test_states_win_over_values_and_are_named_in_order() -> None:
    states = '{"b": "denied", "a": "stale", "c": "missing"}'

    assert evaluate("--signals", '{"a": 1, "d": 4}', "--states", states, "d > 3 && a > 0 && b && c == 'x'") == {
        "value": "unknown",
        "blocking": [
            {"signal": "a", "state": "stale"},
            {"signal": "b", "state": "denied"},
            {"signal": "c", "state": "missing"},
        ],
    }


def test_a_name_may_stand_in_types_or_states_alone() -> None:
    assert evaluate("--types", '{"a": "int"}', "--states", '{"b": "Denied"}', "!has(a) && !has(b)") == {
        "value": "unknown",
        "blocking": [{"signal": "b", "state": "denied"}],
    }


def test_known_keeps_the_value() -> None:
    assert evaluate("--signals", '{"a": 1}', "--states", '{"a": "KNOWN"}', "a == 1")["value"] is True


def test_a_value_of_another_type_than_the_given_is_invalid() -> None:
    types = '{"a": "int", "b": "string_set"}'

    assert evaluate("--signals", '{"a": {"b": 1}, "b": [1]}', "--types", types, "a == 1 || 'x' in b")["blocking"] == [
        {"signal": "a", "state": "invalid"},
        {"signal": "b", "state": "invalid"},
    ]


def test_the_answer_is_one_line() -> None:
    result = CliRunner().invoke(command, ["true"], catch_exceptions=False)

    assert result.stdout == '{"value":true,"blocking":[]}\n'


def test_a_condition_that_does_not_compile_is_an_error_with_its_place() -> None:
    with pytest.raises(ConditionError, match=r"^1:6: "):
        CliRunner().invoke(command, ["1 == "], catch_exceptions=False)


@pytest.mark.parametrize(
    ("expression", "declaration"),
    [
        ('d < duration("15h")', '{"d": "duration"}'),
        ('t > timestamp("2026-11-21T00:00:00Z") && d < duration("15h")', '{"t": "timestamp"}'),
    ],
)
def test_a_text_compared_with_a_duration_or_a_time_is_to_be_declared(expression: str, declaration: str) -> None:
    signals = '{"d": "14h", "t": "2026-11-22T00:00:00Z"}'

    with pytest.raises(EdgewiseError, match=r"^1:3: ") as raised:
        CliRunner().invoke(command, ["--signals", signals, expression], catch_exceptions=False)

    assert str(raised.value).endswith(f"; declare it: --types '{declaration}'")


def test_the_other_declarations_are_kept_while_looking_for_one() -> None:
    arguments = ["--signals", '{"n": 1, "d": "14h"}', "--types", '{"n": "float"}', 'n > 0.5 && d < duration("15h")']

    with pytest.raises(EdgewiseError, match=re.escape('declare it: --types \'{"d": "duration"}\'')):
        CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_a_text_that_no_declaration_helps_keeps_its_hint() -> None:
    with pytest.raises(ConditionError, match="write the text in quotes"):
        CliRunner().invoke(command, ["--signals", '{"d": "14h"}', "d == 3"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--signals", "[1]", "true"], "not a JSON object"),
        (["--signals", "{", "true"], "not JSON"),
        (["--signals", "[" * 100_000, "true"], "not JSON"),
        (["--signals", '{"a": 1, "a": 2}', "true"], "`a` is there twice"),
        (["--signals", '{"a": NaN}', "true"], "`NaN` is no JSON number"),
        (["--signals", '{"a": {"b": 1}}', "true"], "`a`: no type fits this value"),
        (["--signals", '{"a": ["b", 1]}', "true"], "`a`: no type fits this value"),
        (["--signals", '{"in": 1}', "true"], "`in` contains `in`, a word of the condition language"),
        (["--signals", '{"a": 1, "a.b": 2}', "true"], "`a` is also the beginning of another name"),
        (["--states", '{"a": "known"}', "true"], "`a` cannot be known without a value"),
        (["--signals", "{}", "\udcff == 1"], "EXPR is not UTF-8 text"),
        (["--states", '{"a": "gone"}', "true"], "`gone` is not a state; use missing, denied, stale, invalid, known"),
        (["--types", '{"a": "text"}', "true"], "unknown type `text`"),
    ],
)
def test_unusable_input_says_what_to_give_instead(arguments: list[str], message: str) -> None:
    assert message in refused(*arguments)
