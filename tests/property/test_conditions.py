"""The laws of conditions on generated expressions and values, beside a naive evaluator and the C++ runtime of CEL."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgewise import DENIED, INVALID, STALE, ConditionError, RuleIndex
from edgewise._core import Condition, Signals

ENUM = ["a", "b", "ab"]
TYPES: dict[str, Any] = {
    "flag": "bool",
    "n.one": "int",
    "n.two": "int",
    "f.one": "float",
    "f.two": "float",
    "s.one": "string",
    "s.two": "string",
    "kind": {"type": "enum", "values": ENUM},
    "tags": "string_set",
    "seen": "timestamp",
    "since": "duration",
}
SIGNALS = Signals(TYPES)
NOT_KNOWN = {None: "missing", DENIED: "denied", STALE: "stale", INVALID: "invalid"}
RELATIONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
PATTERNS = ["^a", "b+a?", "[0-9]{2}", r"\d", r"^\w+$", "(?i)AB", "^.$", "a|é", "[^a]", r"\bb", r"a\B", r"😀{2}"]
METHODS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
    "matches": lambda text, pattern: re.search(pattern, text, re.ASCII) is not None,
}

ints = st.integers(-(2**53), 2**53) | st.integers(-3, 3)
floats = st.floats(allow_nan=False, allow_infinity=False, min_value=-(2.0**60), max_value=2.0**60) | ints.map(float)
texts = st.text(alphabet="abAB01é😀 _\"'\\", max_size=4)
instants = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001, a bound
lengths = st.timedeltas(timedelta(days=-400), timedelta(days=400))
VALUES: dict[str, st.SearchStrategy[object]] = {
    "flag": st.booleans(),
    "n.one": ints,
    "n.two": ints,
    "f.one": floats,
    "f.two": floats,
    "s.one": texts,
    "s.two": texts,
    "kind": st.sampled_from(ENUM),
    "tags": st.lists(texts, max_size=4, unique=True),
    "seen": instants,
    "since": lengths,
}
states = st.sampled_from([None, DENIED, STALE, INVALID])
rows = st.fixed_dictionaries({name: value | states for name, value in VALUES.items()})


@dataclass(frozen=True)
class Leaf:
    text: str
    oracle: str
    """The same in CEL, which has no bare `has` and compares ints with floats only as `dyn`."""
    reads: tuple[str, ...]
    holds: Callable[[Mapping[str, Any]], bool] | None
    """Given that all it reads is known; None stands for `has`."""


@dataclass(frozen=True)
class Tree:
    sign: str
    operands: tuple["Tree | Leaf", ...]


Node = Tree | Leaf


def quote(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, datetime):
        return f'timestamp("{value.isoformat()}")'
    if isinstance(value, timedelta):
        return f'duration("{value // timedelta(microseconds=1)}us")'
    return str(value).lower() if isinstance(value, bool) else repr(value)


def comparison(operands: tuple[tuple[str, Any], tuple[str, Any]], sign: str) -> Leaf:
    """Operands are a name, or a literal under the name `""`; `size(name)` counts."""
    (left, left_literal), (right, right_literal) = operands
    texts = [name or quote(literal) for name, literal in operands]

    def value(row: Mapping[str, Any], name: str, literal: Any) -> Any:
        size = re.fullmatch(r"size\((.*)\)", name)
        return len(row[size[1]]) if size else row[name] if name else literal

    return Leaf(
        f"{texts[0]} {sign} {texts[1]}",
        f"dyn({texts[0]}) {sign} dyn({texts[1]})",
        tuple(re.sub(r"size\((.*)\)", r"\1", name) for name in (left, right) if name),
        lambda row: RELATIONS[sign](value(row, left, left_literal), value(row, right, right_literal)),
    )


def operands(names: list[str], literals: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    signal = st.sampled_from(names).map(lambda name: (name, None))
    literal = literals.map(lambda value: ("", value))
    return st.tuples(signal, signal | literal) | st.tuples(literal, signal)


def one_of(name: str, items: list[Any]) -> Leaf:
    text = f"{name} in [{', '.join(map(quote, items))}]"
    return Leaf(text, text.replace(name, f"dyn({name})", 1), (name,), lambda row: row[name] in items)


def member(item: str, *, signal: bool) -> Leaf:
    text = f"{item if signal else quote(item)} in tags"
    reads = (item, "tags") if signal else ("tags",)
    return Leaf(text, text, reads, lambda row: (row[item] if signal else item) in row["tags"])


def method(name: str, function: str, part: str) -> Leaf:
    text = f"{name}.{function}({quote(part)})"
    return Leaf(text, text, (name,), lambda row: METHODS[function](row[name], part))


def flag() -> Leaf:
    return Leaf("flag", "flag", ("flag",), operator.itemgetter("flag"))


relations = st.sampled_from(sorted(RELATIONS))
equality = st.sampled_from(["==", "!="])
numbers = ["n.one", "n.two", "f.one", "f.two", "size(s.one)", "size(tags)"]
words = ["s.one", "s.two"]
leaves = st.one_of(
    st.just(flag()),
    st.builds(comparison, operands(["flag"], st.booleans()), equality),
    st.builds(comparison, operands(numbers, ints | floats), relations),
    st.builds(comparison, operands(words, texts), relations),
    st.builds(comparison, operands(["kind"], st.sampled_from(ENUM)), equality),
    st.builds(comparison, operands(["seen"], instants), relations),
    st.builds(comparison, operands(["since"], lengths), relations),
    st.builds(one_of, st.sampled_from(["n.one", "f.one"]), st.lists(ints | floats, max_size=4)),
    st.builds(one_of, st.sampled_from(words), st.lists(texts, max_size=4)),
    st.builds(one_of, st.just("kind"), st.lists(st.sampled_from(ENUM), max_size=3)),
    st.builds(member, texts, signal=st.just(False)),
    st.builds(member, st.sampled_from(words), signal=st.just(True)),
    st.builds(method, st.sampled_from(words), st.sampled_from(["startsWith", "endsWith", "contains"]), texts),
    st.builds(method, st.sampled_from(words), st.just("matches"), st.sampled_from(PATTERNS)),
)
presences = st.sampled_from(sorted(TYPES)).map(lambda name: Leaf(f"has({name})", "", (name,), None))


def trees(leaves: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    def grow(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        negations = st.builds(Tree, st.just("!"), st.tuples(children))
        pairs = st.lists(children, min_size=2, max_size=4).map(tuple)
        return negations | st.builds(Tree, st.sampled_from(["&&", "||"]), pairs)

    return st.recursive(leaves, grow, max_leaves=10)


without_has, with_has = trees(leaves), trees(leaves | presences)


def render(node: Node, leaf: Callable[[Leaf], str] = lambda leaf: leaf.text) -> str:
    if isinstance(node, Leaf):
        return f"({leaf(node)})"
    inner = [render(operand, leaf) for operand in node.operands]
    return f"!{inner[0]}" if node.sign == "!" else f"({f' {node.sign} '.join(inner)})"


def naive(node: Node, row: Mapping[str, Any]) -> tuple[object, set[str]]:
    """The value of a tree and the signals that keep it unknown, straight from the definition."""
    if isinstance(node, Leaf):
        unknown = {name for name in node.reads if unhashed(row[name]) in NOT_KNOWN}
        if node.holds is None:
            return ("unknown", unknown) if row[node.reads[0]] == DENIED else (not unknown, set())
        return ("unknown", unknown) if unknown else (node.holds(row), set())
    parts = [naive(operand, row) for operand in node.operands]
    if node.sign == "!":
        value, unknown = parts[0]
        return (value if value == "unknown" else not value), unknown
    deciding = node.sign == "||"
    if any(value is deciding for value, _ in parts):
        return deciding, set()
    unknown = set().union(*(names for _, names in parts))
    return ("unknown", unknown) if any(value == "unknown" for value, _ in parts) else (not deciding, set())


def unhashed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def reads(node: Node) -> Iterator[str]:
    if isinstance(node, Leaf):
        yield from node.reads
    else:
        for operand in node.operands:
            yield from reads(operand)


def compile_(node: Node) -> Condition:
    return Condition.compile(render(node), SIGNALS)


def value(node: Node, row: Mapping[str, Any]) -> object:
    return compile_(node).evaluate(row)["value"]


@given(with_has, rows)
def test_it_says_what_the_naive_evaluator_says(node: Node, row: dict[str, Any]) -> None:
    expected, unknown = naive(node, row)
    order = list(dict.fromkeys(reads(node)))
    blocking = [{"signal": name, "state": NOT_KNOWN[unhashed(row[name])]} for name in order if name in unknown]

    assert compile_(node).signals == order
    assert compile_(node).evaluate(row) == {"value": expected, "blocking": blocking}


@given(st.lists(with_has, min_size=1, max_size=5), rows)
def test_an_index_matches_what_is_true(nodes: list[Node], row: dict[str, Any]) -> None:
    index = RuleIndex(TYPES, {str(number): render(node) for number, node in enumerate(nodes)})

    assert index.match(row) == [str(number) for number, node in enumerate(nodes) if naive(node, row)[0] is True]
    assert all(index.explain(str(number), row)["value"] == naive(node, row)[0] for number, node in enumerate(nodes))


@given(with_has, rows, st.randoms(use_true_random=False))
def test_operand_order_never_matters(node: Node, row: dict[str, Any], random: Any) -> None:
    def shuffled(node: Node) -> Node:
        if isinstance(node, Leaf):
            return node
        return Tree(
            node.sign, tuple(random.sample([shuffled(operand) for operand in node.operands], len(node.operands)))
        )

    assert value(shuffled(node), row) == value(node, row)


@given(without_has, rows, st.fixed_dictionaries(VALUES))
def test_without_has_a_decided_value_survives_every_filling(
    node: Node, row: dict[str, Any], filling: dict[str, Any]
) -> None:
    before = value(node, row)
    assume(before != "unknown")
    filled = {name: filling[name] if unhashed(old) in NOT_KNOWN else old for name, old in row.items()}

    assert value(node, filled) == before


@given(with_has, rows, rows)
def test_with_has_a_decided_value_survives_every_filling_of_the_denied(
    node: Node, row: dict[str, Any], filling: dict[str, Any]
) -> None:
    before = value(node, row)
    assume(before != "unknown")
    filled = {name: filling[name] if old == DENIED else old for name, old in row.items()}

    assert value(node, filled) == before


@given(with_has, rows, st.sets(st.sampled_from(sorted(TYPES))))
def test_refusing_never_makes_true(node: Node, row: dict[str, Any], refused: set[str]) -> None:
    denied = {name: DENIED if name in refused else old for name, old in row.items()}

    assert value(node, denied) in ("unknown", value(node, row))


@given(with_has, rows)
def test_the_canonical_text_reads_back(node: Node, row: dict[str, Any]) -> None:
    condition = compile_(node)
    again = Condition.compile(str(condition), SIGNALS)

    assert str(again) == str(condition)
    assert again.signals == condition.signals
    assert again.evaluate(row) == condition.evaluate(row)


@given(st.text() | with_has.map(render), st.integers(0, 200), st.text(max_size=3))
def test_any_text_compiles_or_is_refused_at_a_place_in_it(text: str, at: int, insert: str) -> None:
    text = text[:at] + insert + text[at:]
    try:
        Condition.compile(text, SIGNALS)
    except ConditionError as refusal:
        error = refusal
    else:
        return
    lines = text.split("\n")
    assert 1 <= error.line <= len(lines)
    assert 1 <= error.column <= len(lines[error.line - 1]) + 1
    assert "\n" not in str(error)


@cache
def oracle() -> Any:
    cel = pytest.importorskip("cel_expr_python.cel", reason="cel-expr-python, the C++ runtime of CEL, is not here")
    kinds = {"bool": "BOOL", "int": "INT", "float": "DOUBLE", "timestamp": "TIMESTAMP", "duration": "DURATION"}
    types = {name: getattr(cel.Type, kinds.get(str(kind), "STRING")) for name, kind in TYPES.items()}
    return cel.NewEnv(variables=types | {"tags": cel.Type.List(cel.Type.STRING)})


@given(with_has, rows)
def test_it_says_what_cel_says(node: Node, row: dict[str, Any]) -> None:
    """An absent variable is an error in CEL, which `&&` and `||` absorb as they absorb the unknown."""

    def in_cel(leaf: Leaf) -> str:
        if leaf.holds is not None:
            return leaf.oracle
        state = unhashed(row[leaf.reads[0]])
        return "1 / 0 > 0" if state == DENIED else str(state not in NOT_KNOWN).lower()

    known = {name: old for name, old in row.items() if unhashed(old) not in NOT_KNOWN}
    answer = oracle().compile(render(node, in_cel)).eval(data=known)

    assert value(node, row) == ("unknown" if answer.type().name() == "ERROR" else answer.value())
