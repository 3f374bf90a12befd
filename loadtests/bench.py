"""Times the compiled core as Python calls it, beside what it stands in for, in one run. Figures to read, not to pass.

    python loadtests/bench.py --seconds 1

Each figure is of one call on one thread: the median and the 99th percentile in microseconds, and for a pair the ratio
of the medians.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

from rich.table import Column, Table

import edgewise
from edgewise._core import BUILD_PROFILE, Engine, FeatureSpec, Node
from edgewise.book import build
from edgewise.bundle.canonical import canonical_json
from report import console
from wide import SCENARIOS, SEGMENTS, wide_document, wide_request

RULES = 1000
HASHED_FEATURES = 40
HASHED_ROWS = 1000
HASH_SPACE = 2**18
NS_PER_US = 1000
TURNS = 10
RETURN_REQUEST = {
    "requestId": "r-1",
    "decisionPoints": ["returns.header", "returns.next_step"],
    "identity": {"userId": "u-1", "anonymousId": "a-1", "sessionId": "s-1"},
    "signals": {
        "order.channel": "online",
        "order.days_since_delivery": 45,
        "order.final_sale": False,
        "visit.intent": "return_item",
        "customer.returns_12m": 0,
        "customer.support_contacts_90d": 2,
    },
    "consent": {"purposes": {"personalize_content": True, "measure": True}},
}


@dataclass(slots=True)
class Timing:
    """How long one call takes."""

    name: str
    p50_us: float
    p99_us: float


def main() -> int:
    """Time everything and show it."""
    options = parse_arguments()
    if BUILD_PROFILE != "release":
        sys.exit("the compiled core is a debug build; run `make setup`")
    pairs = [rules(options.seconds), *hashing(options.seconds), *extraction(options.seconds)]
    alone = decisions(options.book, options.seconds)
    if options.json:
        sys.stdout.write(json.dumps(as_document(pairs, alone), indent=1) + "\n")
    else:
        show(pairs, alone)
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--book", type=Path, default=Path("examples/book"), help="the book (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long for each figure (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    return parser.parse_args()


def timing(name: str, seconds: float, call: Callable[[], object]) -> Timing:
    """Call again and again, after warming up for a tenth of the time."""
    return beside(seconds, (name, call))[0]


def beside(seconds: float, *calls: tuple[str, Callable[[], object]]) -> list[Timing]:
    """Time several calls, each for this long, in turns: what slows the machine for a while slows all of them."""
    taken: list[list[int]] = [[] for _ in calls]
    for turn in range(TURNS + 1):
        for (_, call), found in zip(calls, taken, strict=True):
            times = repeat(seconds / TURNS, call)
            found.extend(times if turn else [])  # the first to warm up
    cuts = [quantiles(found, n=100, method="inclusive") for found in taken]
    return [Timing(name, cut[49] / NS_PER_US, cut[98] / NS_PER_US) for (name, _), cut in zip(calls, cuts, strict=True)]


def repeat(seconds: float, call: Callable[[], object]) -> list[int]:
    """Give how long each call took, in nanoseconds; at least two."""
    taken: list[int] = []
    ends = time.monotonic() + seconds
    while len(taken) < 2 or time.monotonic() < ends:  # noqa: PLR2004
        started = time.perf_counter_ns()
        call()
        taken.append(time.perf_counter_ns() - started)
    return taken


def rules(seconds: float) -> tuple[Timing, Timing]:
    """Match rules against one row: the compiled index, and the same tests as Python functions."""
    random = Random(1)
    wanted = [(f"C{random.randrange(50)}", random.randrange(90)) for _ in range(RULES)]
    texts = {f"r{n}": f'country == "{country}" && age > {age}' for n, (country, age) in enumerate(wanted)}
    index = edgewise.RuleIndex(signals={"country": "string", "age": "int"}, rules=texts)
    functions = {f"r{n}": python_rule(country, age) for n, (country, age) in enumerate(wanted)}
    row = {"country": "C7", "age": 45}

    def loop() -> list[str]:
        return [name for name, function in functions.items() if function(row)]

    if index.match(row) != loop():
        sys.exit("the index and the Python functions disagree")
    ours = (f"RuleIndex.match, {RULES} rules", lambda: index.match(row))
    one, other = beside(seconds, ours, ("the same as Python functions", loop))
    return one, other


def python_rule(country: str, age: int) -> Callable[[Mapping[str, Any]], bool]:
    """Write one rule the way it is written without a rule engine."""
    return lambda row: row["country"] == country and row["age"] > age


def hashing(seconds: float) -> list[tuple[Timing, Timing]]:
    """Hash features of one row and of many, half of them texts and half numbers, beside scikit-learn."""
    from sklearn.feature_extraction import FeatureHasher  # noqa: PLC0415, heavy

    shared = hashed_rows([f"f{n}" for n in range(HASHED_FEATURES)])
    anew = [{"".join(name): value for name, value in row.items()} for row in shared]  # equal, but other strings
    hasher, paired = FeatureHasher(HASH_SPACE), FeatureHasher(HASH_SPACE, input_type="pair")
    found = []
    for batch, keys in ((shared[:1], ""), (shared, ", same keys"), (anew, ", keys anew")):
        pairs = [list(row.items()) for row in batch]
        mine, theirs, of_pairs = beside(
            seconds,
            (f"hash_features, {len(batch)} x {HASHED_FEATURES}{keys}", partial(ours, batch)),
            ("scikit-learn's FeatureHasher", partial(hasher.transform, batch)),
            ("the same of pairs", partial(paired.transform, pairs)),
        )
        found += [(mine, theirs), (mine, of_pairs)]
    return found


def hashed_rows(names: list[str]) -> list[dict[str, Any]]:
    """Make rows whose values are drawn anew in each."""
    random = Random(2)
    texts = set(names[::2])
    return [
        {name: f"v{random.randrange(1000)}" if name in texts else random.random() for name in names}
        for _ in range(HASHED_ROWS)
    ]


def ours(rows: list[dict[str, Any]]) -> object:
    """Hash with the core."""
    return edgewise.hash_features(rows, HASH_SPACE)


def extraction(seconds: float) -> list[tuple[Timing, Timing]]:
    """Make model rows of snapshots, half of them texts and half numbers, beside scikit-learn hashing the same."""
    from sklearn.feature_extraction import FeatureHasher  # noqa: PLC0415, heavy

    random = Random(3)
    texts, numbers = ([f"{kind}{n}" for n in range(HASHED_FEATURES // 2)] for kind in "tn")
    spec = FeatureSpec(json.dumps(feature_spec(texts, numbers)))
    rows = [
        {name: f"v{random.randrange(1000)}" for name in texts} | {name: random.random() for name in numbers}
        for _ in range(HASHED_ROWS)
    ]
    hasher = FeatureHasher(spec.width)
    found = []
    for batch in (rows[:1], rows):
        mine, theirs = beside(
            seconds,
            (f"FeatureSpec.extract_values, {len(batch)} x {HASHED_FEATURES}", partial(spec.extract_values, batch)),
            ("scikit-learn's FeatureHasher", partial(hasher.transform, batch)),
        )
        found.append((mine, theirs))
    return found


def feature_spec(texts: list[str], numbers: list[str]) -> dict[str, Any]:
    """Write a spec whose tokens are those that `FeatureHasher` makes of the same row."""
    return {
        "version": 1,
        "hash": "murmur3_x86_32",
        "seed": 0,
        "index": "abs_mod",
        "bits": 18,
        "slots": 64,
        "missing": "?",
        "overflow": "drop",
        "scope": "session",
        "inputs": {
            name: {"signal": name, "type": "string" if name in texts else "float"} for name in (*texts, *numbers)
        },
        "features": [
            {"name": name, "of": name, "as": "category" if name in texts else "value"} for name in (*texts, *numbers)
        ],
    }


def decisions(book: Path, seconds: float) -> list[Timing]:
    """Decide the example's request, and one against a wide bundle, as a worker does but keeping no state."""
    request = json.dumps(RETURN_REQUEST).encode()
    wide = canonical_json(wide_document())
    return [
        timing("Node.decide, the example book, 2 points", seconds, decide(build(book).data, request)),
        timing(f"Node.decide, {SCENARIOS} scenarios x {SEGMENTS} segments", seconds, decide(wide, wide_request())),
    ]


def decide(bundle: bytes, request: bytes) -> Callable[[], bytes]:
    """Make one call that decides."""
    node = Node(Engine.from_bundle(bundle), node="bench", generation=1)
    return lambda: node.decide(request, now_ns=time.time_ns())


def as_document(pairs: list[tuple[Timing, Timing]], alone: list[Timing]) -> dict[str, Any]:
    """Give everything as one document."""
    return {
        "pairs": [{"ours": asdict(one), "other": asdict(two), "ratio": two.p50_us / one.p50_us} for one, two in pairs],
        "decisions": [asdict(one) for one in alone],
    }


def show(pairs: list[tuple[Timing, Timing]], alone: list[Timing]) -> None:
    """Show everything as a table."""
    table = Table("one call", Column("p50 us", justify="right"), Column("p99 us", justify="right"), "ratio")
    for one, two in pairs:
        table.add_row(one.name, f"{one.p50_us:.2f}", f"{one.p99_us:.2f}", f"{two.p50_us / one.p50_us:.1f}")
        table.add_row(f"  {two.name}", f"{two.p50_us:.2f}", f"{two.p99_us:.2f}")
    for one in alone:
        table.add_row(one.name, f"{one.p50_us:.2f}", f"{one.p99_us:.2f}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
