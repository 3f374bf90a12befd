"""`matches` beside RE2 itself, through the C++ runtime of CEL: what compiles here means the same there."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import ConditionError
from edgewise._core import Condition, Signals

SIGNALS = Signals({"s": "string"})
# Of each class and each kind of fold some characters: k and the Kelvin sign, s and the long s, dotted and other i.
CHARACTERS = "aAkK\u212asS\u017fiI\u0130éÉßΩω0٣_- \t\n\v\u00a0😀]{}[^&~.\\"
words = re.compile(r"\S+").findall
ATOMS = [
    *words(r"\d \D \w \W \s \S \b \B . ^ $ \pL \PL \p{Greek} \A \z \x41 \x{1F600}"),
    *words(r"\. \_ \- \/ \< \' \& \~ \# \@ \n \v () (?:) (?i) (?s) (?m) (?U) (?-i) (?i:k) (?x) (?u)"),
    *words("[[:alpha:]] [[:^alpha:]] [[:word:]] [[:space:]]"),
]
CLASS_ITEMS = [
    *words(r"a-z A-Z k-s \d \D \w \W \s \S \pL [:digit:] [:^space:] \] \- \^ & && - -- ~~ [ \b"),
    *CHARACTERS,
]
REPEATS = ["", "", "", "*", "+", "?", "*?", "{2}", "{1,2}", "{1,}", "{,2}", "{0}", "++", "**"]

literals = st.sampled_from([*"aAkKsSi\u212a\u017fé0٣_ 😀ß"])
classes = st.builds(
    "[{}{}]".format, st.sampled_from(["", "^"]), st.lists(st.sampled_from(CLASS_ITEMS), min_size=1).map("".join)
)
atoms = st.one_of(literals, st.sampled_from(ATOMS), classes)


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    groups = st.builds("{}{})".format, st.sampled_from(["(", "(?:", "(?i:", "(?s:", "(?P<n>"]), inner)
    repeated = st.builds("{}{}".format, groups | atoms, st.sampled_from(REPEATS))
    return st.lists(repeated, max_size=4).map("".join) | st.builds("{}|{}".format, inner, inner)


patterns = st.recursive(atoms, grow, max_leaves=6)
texts = st.text(alphabet=CHARACTERS, max_size=5)


@pytest.fixture(scope="module")
def re2() -> Any:
    cel = pytest.importorskip("cel_expr_python.cel", reason="cel-expr-python, the C++ runtime of CEL, is not here")
    expression = cel.NewEnv(variables={"s": cel.Type.STRING, "p": cel.Type.STRING}).compile("s.matches(p)")
    return lambda text, pattern: expression.eval(data={"s": text, "p": pattern}).value()


def literal(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08x}" for c in text) + '"'


@settings(max_examples=500)
@given(patterns, st.lists(texts, min_size=1, max_size=8))
def test_a_pattern_that_compiles_means_what_re2_says(re2: Any, pattern: str, texts: list[str]) -> None:
    try:
        condition = Condition.compile(f"s.matches({literal(pattern)})", SIGNALS)
    except ConditionError:
        return

    assert [condition.evaluate({"s": text})["value"] for text in texts] == [re2(text, pattern) for text in texts]


@pytest.mark.parametrize("pattern", ["(", "[b-a]", "a**", r"\8", "(?=a)", "x{1001}", r"\pX", "*"])
def test_what_re2_refuses_is_refused(re2: Any, pattern: str) -> None:
    assert not isinstance(re2("a", pattern), bool)
    with pytest.raises(ConditionError, match=r"^1:11: bad pattern: "):
        Condition.compile(f"s.matches({literal(pattern)})", SIGNALS)
