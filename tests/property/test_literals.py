"""Literals beside CEL's C++ runtime: both read the same texts, and read them as the same values."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import ConditionError
from edgewise._core import Condition, Signals

SIGNALS = Signals({"s": "string", "n": "int", "f": "float"})
QUOTES = ['"', "'", '"""', "'''"]
PIECES = [
    *("a", "é", "😀", " ", "\t", "\n", "\r\n", "\r", "//", "\\", '"', "'", "`", "\x00", "\x7f", "\u2028"),
    *(r"\a", r"\b", r"\f", r"\n", r"\r", r"\t", r"\v", r"\\", r"\?", r"\"", r"\'", r"\`", r"\q", r"\0", r"\8"),
    *(
        r"\x41",
        r"\XfF",
        r"\x4",
        r"\101",
        r"\377",
        r"\400",
        r"\u00e9",
        r"\u00e",
        r"\ud800",
        r"\U0001F600",
        r"\U00110000",
    ),
]
DIGITS = [
    "0",
    "1",
    "9",
    "09",
    "9223372036854775807",
    "9223372036854775808",
    "0x",
    "0X1f",
    "0xFFFFFFFFFFFFFFFF",
    "1e308",
]

strings = st.builds(
    lambda prefix, quote, pieces: prefix + quote + "".join(pieces) + quote,
    st.sampled_from(["", "", "r", "R"]),
    st.sampled_from(QUOTES),
    st.lists(st.sampled_from(PIECES), max_size=5),
)
numbers = st.lists(st.sampled_from([*DIGITS, "-", ".", "e", "E", "+", "5", "a", "_", " "]), min_size=1, max_size=5).map(
    "".join
)


@pytest.fixture(scope="module")
def cel() -> Any:
    module = pytest.importorskip("cel_expr_python.cel", reason="cel-expr-python, the C++ runtime of CEL, is not here")
    env = module.NewEnv()

    def value(text: str) -> object:
        try:
            answer = env.compile(text).eval()
        except Exception:  # noqa: BLE001, whatever it raises, it does not read the text
            return None
        return answer.value() if answer.type().name() in ("STRING", "INT", "DOUBLE") else None

    return value


def ours(signal: str, literal: str, value: object) -> object:
    """Whether the literal is the value; None if it is refused."""
    try:
        return Condition.compile(f"{signal} == {literal}", SIGNALS).evaluate({signal: value})["value"]
    except ConditionError:
        return None


@settings(max_examples=500)
@given(strings)
def test_strings(cel: Any, literal: str) -> None:
    value = cel(literal)
    read = ours("s", literal, value)

    if isinstance(value, str):
        assert read is True
    else:  # the grammar lets a raw string end with a backslash, the runtime does not
        assert read is None or literal[0] in "rR"


@settings(max_examples=500)
@given(numbers)
def test_numbers(cel: Any, literal: str) -> None:
    value = cel(literal)

    if isinstance(value, int):
        read = ours("n", literal, value)
        assert read is True or (read is None and literal.count("-") + literal.count("+") > 0)
    elif isinstance(value, float):
        read = ours("f", literal, value)
        assert read is True or (read is None and (value in (float("inf"), -float("inf")) or set("+-") & set(literal)))
    else:
        assert ours("f", literal, 0.0) is None
