"""Generated rules of 50 signals, as every engine writes them, and rows that they are matched against.

Rules have four tests. One in ten is negated, and one rule in five ends in an or of two. The first test of a `targeted`
rule names a rare value; `broad` rules name frequent ones only. The same seed gives the same rules and rows everywhere.
"""

from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any, Literal

Breadth = Literal["targeted", "broad"]
Row = dict[str, Any]

TEXTS = {
    f"s{n}": size
    for n, size in enumerate([3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 80, 120, 200, 400, 800, 1200, 2000])
}
INTS = [f"i{n}" for n in range(18)]
FLAGS = [f"b{n}" for n in range(8)]
SETS = [f"l{n}" for n in range(4)]
RARE_TEXTS = ["s15", "s16", "s17", "s18", "s19"]
FREQUENT_TEXTS = ["s0", "s1", "s2", "s3", "s4", "s5"]
ITEMS = 1500
FREQUENT_ITEMS = 20
INT_BELOW = 200
SIGNS = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
RULE_TESTS = 4
# How many of twenty tests are of a kind.
KINDS = {"==": 6, "in": 6, "order": 5, "flag": 1, "has": 2}


@dataclass(frozen=True)
class Test:
    """One question: `==`, `in`, one of the signs of order, `flag` or `has`."""

    kind: str
    signal: str
    value: Any = None
    negated: bool = False


# All groups must hold; of a group, one test.
Rule = list[list[Test]]


class Workload:
    """Rules and rows of one breadth, drawn from one seed."""

    def __init__(self, breadth: Breadth) -> None:
        """Begin to draw."""
        self.breadth = breadth
        self.random = Random(7)
        self.weights = {
            size: list(accumulate(1 / (n + 1) for n in range(size)))
            for size in {*TEXTS.values(), ITEMS, FREQUENT_ITEMS}
        }
        self.lists = {name: [self.shared_list(size) for _ in range(6)] for name, size in TEXTS.items()}

    def skewed(self, size: int) -> str:
        """Draw a value; low numbers are frequent, as in Zipf's law."""
        weights = self.weights[size]
        return f"v{bisect(weights, self.random.random() * weights[-1])}"

    def shared_list(self, size: int) -> list[str]:
        """Draw a list of some values, frequent ones rather than rare ones."""
        return sorted({self.skewed(size) for _ in range(1 + self.random.randrange(min(size, 8)))})

    def rule(self) -> Rule:
        """Draw a rule."""
        groups = [[self.test()] for _ in range(RULE_TESTS)]
        if self.breadth == "targeted":
            groups[0] = [self.rare()]
        if self.random.randrange(5) == 0:
            groups[-1].append(self.test())
        return groups

    def rare(self) -> Test:
        """Draw a test that seldom holds."""
        if self.random.randrange(4) == 0:
            return Test("has", self.random.choice(SETS), f"v{self.random.randrange(ITEMS)}")
        name = self.random.choice(RARE_TEXTS)
        return Test("==", name, f"v{self.random.randrange(TEXTS[name])}")

    def test(self) -> Test:
        """Draw a test that holds at times."""
        negated = self.random.randrange(10) == 0
        match self.random.choices(list(KINDS), list(KINDS.values()))[0]:
            case "==":
                name = self.random.choice(FREQUENT_TEXTS)
                return Test("==", name, self.skewed(TEXTS[name]), negated)
            case "in":
                name = self.random.choice(list(TEXTS))
                return Test("in", name, self.random.choice(self.lists[name]), negated)
            case "flag":
                return Test("flag", self.random.choice(FLAGS), None, negated)
            case "has":
                return Test("has", self.random.choice(SETS), self.skewed(FREQUENT_ITEMS), negated)
            case _:
                bound = 10 * self.random.randrange(2, INT_BELOW // 10 - 2)
                return Test(self.random.choice(list(SIGNS)), self.random.choice(INTS), bound, negated)

    def row(self) -> Row:
        """Draw a row in which every signal has a value."""
        row: Row = {name: self.skewed(size) for name, size in TEXTS.items()}
        row |= {name: self.random.randrange(INT_BELOW) for name in INTS}
        row |= {name: bool(self.random.getrandbits(1)) for name in FLAGS}
        return row | {name: sorted({self.skewed(ITEMS) for _ in range(self.random.randrange(8, 21))}) for name in SETS}


def signals() -> dict[str, str]:
    """Declare every signal."""
    kinds = {"string": TEXTS, "int": INTS, "bool": FLAGS, "string_set": SETS}
    return {name: kind for kind, names in kinds.items() for name in names}


@dataclass(frozen=True)
class Language:
    """How a language writes a rule: its words, and the tests that it does not write as signal, sign and value."""

    conjunction: str
    disjunction: str
    negation: str
    tests: dict[str, str]

    def rule(self, rule: Rule) -> str:
        """Write a rule."""
        groups = [self.disjunction.join(map(self.test, group)) for group in rule]
        joined = (f"({text})" if len(group) > 1 else text for text, group in zip(groups, rule, strict=True))
        return self.conjunction.join(joined)

    def test(self, test: Test) -> str:
        """Write one test."""
        form = self.tests.get(test.kind, "{signal} {kind} {value!r}")
        text = form.format(signal=test.signal, kind=test.kind, value=test.value)
        return self.negation.format(text) if test.negated else text


MEMBERS = {"flag": "{signal}", "has": "{value!r} in {signal}"}
CEL = Language(" && ", " || ", "!({})", MEMBERS)
ZEN = Language(" and ", " or ", "not ({})", MEMBERS)
A_TREE = Language(
    " and ",
    " or ",
    "not ({})",
    {"flag": "{signal}", "has": "{signal} one of [{value!r}]", "==": "{signal} = {value!r}"},
)


def in_growthbook(rule: Rule) -> dict[str, Any]:
    """Write a rule as a condition of GrowthBook."""

    def test(test: Test) -> dict[str, Any]:
        match test.kind:
            case "flag":
                wanted: Any = True
            case "has":
                wanted = {"$elemMatch": {"$eq": test.value}}
            case "==":
                wanted = test.value
            case kind:
                wanted = {"$in" if kind == "in" else SIGNS[kind]: test.value}
        return {"$not": {test.signal: wanted}} if test.negated else {test.signal: wanted}

    groups = [[test(one) for one in group] for group in rule]
    return {"$and": [group[0] if len(group) == 1 else {"$or": group} for group in groups]}
