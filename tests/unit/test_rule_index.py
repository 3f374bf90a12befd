"""`RuleIndex`: rules over declared signals, matched together."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from edgewise import DENIED, STALE, ConditionError, RuleIndex

SIGNALS = {"country": "string", "age": "int", "tags": "string_set"}


def test_matches_are_named_in_declaration_order() -> None:
    index = RuleIndex(
        signals=SIGNALS,
        rules={"r1": 'country == "DE" && age > 30', "r0": "'vip' in tags", "r2": "age > 40", "r3": "!(age > 40)"},
    )

    assert len(index) == 4
    assert index.match({"country": "DE", "age": 31}) == ["r1", "r3"]
    assert index.match({"age": 41, "tags": {"vip"}, "other": 1}) == ["r0", "r2"]
    assert index.match({}) == []
    assert RuleIndex(SIGNALS, {}).match({"age": 1}) == []


def test_a_rule_explains_itself() -> None:
    index = RuleIndex(SIGNALS, {"r1": 'country == "DE" && age > 30 && has(tags)'})

    assert index.explain("r1", {"country": "DE", "age": 31, "tags": []}) == {"value": True, "blocking": []}
    assert index.explain("r1", {"country": "FR", "age": DENIED}) == {"value": False, "blocking": []}
    assert index.explain("r1", {"country": STALE, "age": "31", "tags": DENIED}) == {
        "value": "unknown",
        "blocking": [
            {"signal": "country", "state": "stale"},
            {"signal": "age", "state": "invalid"},
            {"signal": "tags", "state": "denied"},
        ],
    }
    with pytest.raises(KeyError, match="r2"):
        index.explain("r2", {})


def test_bad_rules_are_all_named() -> None:
    with pytest.raises(ConditionError) as caught:
        RuleIndex(SIGNALS, {"good": "age > 1", "bad": "age > 'x'", "worse": "aeg > 1"})

    assert str(caught.value).startswith("1:5: rule `bad`: types do not match")
    assert caught.value.message.startswith("rule `bad`: ")
    assert caught.value.__notes__ == ["rule `worse`: 1:1: unknown signal `aeg`"]


def test_signals_and_rules_have_the_right_shape() -> None:
    with pytest.raises(ValueError, match="`in` contains"):
        RuleIndex({"in": "int"}, {})
    with pytest.raises(TypeError):
        RuleIndex(SIGNALS, {"r1": 5})  # type: ignore[dict-item]
    with pytest.raises(TypeError):
        RuleIndex(SIGNALS, ["age > 1"])  # type: ignore[arg-type]


def test_it_is_shared_between_threads() -> None:
    index = RuleIndex(SIGNALS, {f"r{number}": f"age > {number}" for number in range(100)})

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda age: len(index.match({"age": age})), range(200)))

    assert counts == [min(age, 100) for age in range(200)]
