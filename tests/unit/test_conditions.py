"""Conditions from Python: what may be declared, what a value becomes, what an error tells."""

import copy
import pickle
from collections import UserDict
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import edgewise
from edgewise import DENIED, INVALID, STALE, ConditionError, EdgewiseError
from edgewise._core import Condition, Signals, check_names, parse_duration_ms

SIGNALS = Signals(
    {
        "order.channel": {"type": "enum", "values": ["online", "store"]},
        "order.days": {"type": "int", "min": 0},
        "order.final_sale": "bool",
        "visit.risk": {"type": "float", "min": 0, "max": 1},
        "visit.page": "string",
        "visit.tags": "string_set",
        "visit.seen": "timestamp",
        "visit.length": "duration",
        "guess": "any",
    },
    policy={"window_days": 30, "countries": ["DE", "AT"], "strict": True, "wait.long": "14h", "share": 0.5},
)


def evaluate(text: str, **values: Any) -> Any:
    named = {name.replace("__", "."): value for name, value in values.items()}
    return Condition.compile(text, SIGNALS).evaluate(named)["value"]


def state(name: str, value: object) -> str:
    """The state a value brings its signal into; `known` if nothing blocks."""
    text = {"order.final_sale": name, "visit.tags": f"'a' in {name}"}.get(name, f"{name} == {name}")
    blocking = Condition.compile(text, SIGNALS).evaluate({name: value})["blocking"]
    return blocking[0]["state"] if blocking else "known"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order.channel", "online"),
        ("order.days", 0),
        ("order.days", 3.0),
        ("order.days", np.int64(3)),
        ("order.days", np.uint8(3)),
        ("order.final_sale", False),
        ("order.final_sale", np.bool_(False)),
        ("visit.risk", np.float32(0.5)),
        ("visit.risk", 1),
        ("visit.risk", 0.25),
        ("visit.page", "é😀"),
        ("visit.tags", []),
        ("visit.tags", ("a", "b")),
        ("visit.tags", {"a"}),
        ("visit.tags", frozenset("ab")),
        ("visit.seen", datetime(2026, 11, 21, tzinfo=UTC)),
        ("visit.seen", datetime(2026, 11, 21, tzinfo=timezone(timedelta(hours=-5, minutes=-30)))),
        ("visit.seen", "2026-11-21T00:00:00.5+01:00"),
        ("visit.seen", datetime.min.replace(tzinfo=UTC)),
        ("visit.seen", datetime.max.replace(tzinfo=UTC)),
        ("visit.seen", "9999-12-31T23:59:59Z"),
        ("visit.length", timedelta(days=-1, microseconds=1)),
        ("visit.length", "1h30m"),
    ],
)
def test_values_of_the_declared_type_are_known(name: str, value: object) -> None:
    assert state(name, value) == "known"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order.channel", "phone"),
        ("order.channel", 1),
        ("order.days", -1),
        ("order.days", 2**63),
        ("order.days", 1.5),
        ("order.days", True),
        ("order.days", "3"),
        ("order.days", np.uint64(2**63)),
        ("order.days", np.bool_(True)),
        ("order.days", np.array([3, 4])),
        ("order.days", Decimal(3)),
        ("visit.risk", np.float64("nan")),
        ("order.final_sale", 1),
        ("visit.risk", float("nan")),
        ("visit.risk", float("inf")),
        ("visit.risk", 1.0001),
        ("visit.risk", 2**64),
        ("visit.page", b"x"),
        ("visit.page", "\ud800"),
        ("visit.page", "x" * 20_000),
        ("visit.page", datetime(2026, 11, 21, tzinfo=UTC)),
        ("visit.tags", ["a", 1]),
        ("visit.tags", "a"),
        ("visit.tags", {"a": 1}),
        ("visit.tags", ["\ud800"]),
        ("visit.tags", ["a"] * 5_000),
        ("visit.seen", datetime(2026, 11, 21)),  # noqa: DTZ001, without a zone it names no instant
        ("visit.seen", "2026-11-21"),
        ("visit.seen", 0),
        ("visit.length", "1d"),
        ("visit.length", 60),
        ("guess", 1),
        ("visit.page", object()),
    ],
)
def test_everything_else_is_invalid(name: str, value: object) -> None:
    assert state(name, value) == "invalid"


def test_an_int_beyond_64_bits_is_the_float_that_it_is_in_json() -> None:
    large = Condition.compile("f == 1180591620717411303424.0", Signals({"f": "float"}))
    assert large.evaluate({"f": 2**70})["value"] is True
    assert large.evaluate({"f": 10**400}) == {"value": "unknown", "blocking": [{"signal": "f", "state": "invalid"}]}


def test_states_can_be_said_outright() -> None:
    assert [state("order.days", word) for word in (None, DENIED, STALE, INVALID)] == [
        "missing",
        "denied",
        "stale",
        "invalid",
    ]
    assert repr(DENIED) == "edgewise.DENIED"
    assert copy.deepcopy(STALE) is STALE
    assert pickle.loads(pickle.dumps(INVALID)) is INVALID
    assert len({DENIED, STALE, INVALID, edgewise.DENIED}) == 3


def test_values_come_in_any_mapping_and_unknown_keys_are_ignored() -> None:
    condition = Condition.compile("order.days > 1", SIGNALS)

    for values in (
        {"order.days": 2, "x": object(), 5: 6},
        UserDict({"order.days": 2}),
        MappingProxyType({"order.days": 2}),
    ):
        assert condition.evaluate(values) == {"value": True, "blocking": []}
    with pytest.raises(TypeError, match="mapping"):
        condition.evaluate([("order.days", 2)])  # type: ignore[arg-type]


def test_instants_and_lengths_are_exact_to_the_microsecond() -> None:
    seen = datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=1)))

    assert evaluate('visit.seen == timestamp("2026-03-29T01:30:00.000001Z")', visit__seen=seen) is True
    assert evaluate('visit.length == duration("-1us")', visit__length=-timedelta(microseconds=1)) is True


def test_ints_and_floats_meet_by_exact_value() -> None:
    big = Signals({"f": "float", "n": "int"})

    assert Condition.compile("f == 9007199254740993", big).evaluate({"f": 2**53 + 1})["value"] is True
    assert Condition.compile("n < f", big).evaluate({"n": 2**63 - 1, "f": 2.0**63})["value"] is True


def test_constants_are_folded_and_named() -> None:
    condition = Condition.compile(
        "order.days <= policy.window_days && visit.page in policy.countries && policy.strict "
        "&& visit.length < duration(policy.wait.long) && visit.risk > policy.share",
        SIGNALS,
    )

    assert condition.policies == ["window_days", "countries", "strict", "wait.long", "share"]
    assert str(condition) == (
        'order.days <= 30 && visit.page in ["AT", "DE"] && true && visit.length < duration("14h") && visit.risk > 0.5'
    )
    assert condition.signals == ["order.days", "visit.page", "visit.length", "visit.risk"]


def test_an_error_tells_place_reason_and_help() -> None:
    with pytest.raises(ConditionError) as caught:
        Condition.compile("order.final_sale &&\n  order.chanel == 'store'", SIGNALS)

    error = caught.value
    assert isinstance(error, EdgewiseError)
    assert (error.line, error.column, error.kind) == (2, 3, "type")
    assert (error.message, error.hint) == ("unknown signal `order.chanel`", "did you mean `order.channel`?")
    assert error.unknown == "order.chanel"
    assert str(error) == "2:3: unknown signal `order.chanel`; did you mean `order.channel`?"
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ("integer", "signal `x`: unknown type `integer`; types are"),
        ("strin", "signal `x`: unknown type `strin`; did you mean `string`"),
        ({"values": ["a"]}, "signal `x`: `type` is missing"),
        ({"type": "enum"}, "signal `x`: an enum needs `values`"),
        ({"type": "enum", "values": ["a", "a"]}, "signal `x`: `values` names `a` twice"),
        ({"type": "int", "values": ["a"]}, "signal `x`: only an enum has `values`"),
        ({"type": "string", "min": 1}, "signal `x`: only an int or a float has `min` and `max`"),
        ({"type": "float", "max": float("nan")}, "signal `x`: `min` and `max` are finite numbers"),
        ({"type": "int", "min": 2, "max": 1}, "signal `x`: `min` is greater than `max`"),
        ({"type": "int", "maxx": 1}, "signal `x`: unknown key `maxx`"),
    ],
)
def test_unsound_declarations_are_refused(declaration: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Signals({"x": declaration})


@pytest.mark.parametrize("name", ["", "a.", "1a", "a-b", "in", "order.for", "true", "policy", "policy.x", "order", "é"])
def test_names_that_conditions_could_not_read_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"^`{name}`"):
        Signals({name: "int", "order.channel": "string"})
    assert [bad for bad, _ in check_names([name, "order.channel"])] == [name]


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("30s", 30_000),
        ("10m", 600_000),
        ("14h", 50_400_000),
        ("1d", 86_400_000),
        ("2w", 1_209_600_000),
        ("1h30m", 5_400_000),
    ],
)
def test_durations_of_a_book(text: str, duration_ms: int) -> None:
    assert parse_duration_ms(text) == duration_ms


@pytest.mark.parametrize("text", ["", "1", "1 d", "-1s", "1us", "1month"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^`{text}` is not a duration; write it as `30s`"):
        parse_duration_ms(text)
