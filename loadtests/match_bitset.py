"""Rules as columns of big integers, in pure Python: what a team would write before it reaches for a library.

Every signal has, for each of its values, an integer with one bit for each rule that the value does not rule out.
Matching is one look-up and one `&` for each signal. A rule that ends in an or takes two bits.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from itertools import product

from match_rules import FLAGS, INTS, SETS, TEXTS, Row, Rule, Test


class Bitset:
    """Compiled rules."""

    def __init__(self, rules: list[Rule]) -> None:
        """Compile."""
        lines = [(number, line) for number, rule in enumerate(rules) for line in product(*rule)]
        self.rules = [number for number, _ in lines]
        self.all = (1 << len(lines)) - 1
        tests: dict[str, list[tuple[int, Test]]] = defaultdict(list)
        for bit, (_, line) in enumerate(lines):
            for test in line:
                tests[test.signal].append((1 << bit, test))
        self.texts = [(name, *self.text_column(tests[name])) for name in TEXTS if tests[name]]
        self.ints = [(name, *self.int_column(tests[name])) for name in INTS if tests[name]]
        self.flags = [(name, self.flag_column(tests[name])) for name in FLAGS if tests[name]]
        self.sets = [
            (name, columns, self.forbidden(tests[name])) for name in SETS if (columns := self.set_columns(tests[name]))
        ]

    def text_column(self, tests: list[tuple[int, Test]]) -> tuple[dict[str, int], int]:
        """Give the bits of each value, and those of any other."""
        values = {value for _, test in tests for value in listed(test)}
        return {value: self.without(tests, value) for value in values}, self.without(tests, "")

    def without(self, tests: list[tuple[int, Test]], value: str) -> int:
        """Give the bits that a text leaves."""
        return self.all & ~combined(bit for bit, test in tests if (value in listed(test)) == test.negated)

    def int_column(self, tests: list[tuple[int, Test]]) -> tuple[list[int], list[int]]:
        """Give the bounds, and the bits on and between them."""
        bounds = sorted({test.value for _, test in tests})
        points = [point for bound in bounds for point in (bound - 1, bound)] + [bounds[-1] + 1]
        failed = [combined(bit for bit, test in tests if in_order(point, test) == test.negated) for point in points]
        return bounds, [self.all & ~bits for bits in failed]

    def flag_column(self, tests: list[tuple[int, Test]]) -> dict[bool, int]:
        """Give the bits of both values."""
        return {
            value: self.all & ~combined(bit for bit, test in tests if value == test.negated) for value in (False, True)
        }

    def set_columns(self, tests: list[tuple[int, Test]]) -> list[tuple[int, dict[str, int]]]:
        """Give, for the first item that rules ask for and the second, the bits of none and those of each item."""
        wanted: list[dict[int, str]] = []
        for bit, test in tests:
            if not test.negated:
                column = next((column for column in wanted if bit not in column), None)
                if column is None:
                    wanted.append(column := {})
                column[bit] = test.value
        columns = []
        for column in wanted:
            items: dict[str, list[int]] = defaultdict(list)
            for bit, item in column.items():
                items[item].append(bit)
            columns.append((self.all & ~combined(column), {item: combined(bits) for item, bits in items.items()}))
        return columns

    def forbidden(self, tests: list[tuple[int, Test]]) -> dict[str, int]:
        """Give the bits that each item rules out."""
        items: dict[str, int] = defaultdict(int)
        for bit, test in tests:
            if test.negated:
                items[test.value] |= bit
        return dict(items)

    def match(self, row: Row) -> list[int]:
        """Give the numbers of the rules that hold."""
        left = self.all
        for name, values, others in self.texts:
            left &= values.get(row[name], others)
        for name, bounds, bits in self.ints:
            left &= bits[place(bounds, row[name])]
        for name, both in self.flags:
            left &= both[row[name]]
        for name, columns, forbidden in self.sets:
            for free, items in columns:
                allowed = free
                for item in row[name]:
                    allowed |= items.get(item, 0)
                left &= allowed
            for item in row[name]:
                left &= ~forbidden.get(item, 0)
        found: list[int] = []
        while left:
            lowest = left & -left
            rule = self.rules[lowest.bit_length() - 1]
            if not found or found[-1] != rule:
                found.append(rule)
            left ^= lowest
        return found


def place(bounds: list[int], value: int) -> int:
    """Find the column of an int: below the first bound, on it, between it and the next, and so on."""
    below = bisect_left(bounds, value)
    return 2 * below + (below < len(bounds) and bounds[below] == value)


def combined(bits: Iterable[int]) -> int:
    """Join bits, through bytes: or-ing big integers one by one takes quadratic time."""
    places = [bit.bit_length() - 1 for bit in bits]
    if not places:
        return 0
    joined = bytearray(max(places) // 8 + 1)
    for bit in places:
        joined[bit // 8] |= 1 << bit % 8
    return int.from_bytes(joined, "little")


def listed(test: Test) -> list[str]:
    """Give the values that a test of texts names."""
    return list(test.value) if test.kind == "in" else [test.value]


def in_order(value: int, test: Test) -> bool:
    """Compare an int as a test does."""
    bound: int = test.value
    match test.kind:
        case "<":
            return value < bound
        case "<=":
            return value <= bound
        case ">":
            return value > bound
        case _:
            return value >= bound
