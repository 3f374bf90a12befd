"""Times finding the rules that hold beside what people would use instead: the same rules, the same rows, equal answers.

    python loadtests/match_peers.py --rules 100 1000 10000

Every engine first answers a few rows and must agree with the others. Each figure is of one row on one thread: from
Python with a plain dict where the engine is called from Python (`RuleIndex`, cel, zen, GrowthBook, big integers), from
Rust otherwise. An engine that takes too long at one size is left out of the larger ones.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any, get_args

from rich.table import Column, Table

import edgewise
from edgewise._core import BUILD_PROFILE
from match_bitset import Bitset
from match_rules import A_TREE, CEL, ZEN, Breadth, Row, Rule, Workload, in_growthbook, signals
from report import console

RUST_PEERS = Path(__file__).parent / "peers"
ROWS = 20
CHECKED_ROWS = 3
COLD_CALLS = 10
OTHER_BYTES = 96 * 1024 * 1024
CALL_MAX_S = 0.2
NS_PER_US = 1000
NS_PER_MS = 1_000_000

Match = Callable[[Row], list[int]]


@dataclass(slots=True)
class Figures:
    """How long one engine takes."""

    engine: str
    breadth: str
    rules: int
    p50_us: float
    p99_us: float
    cold_us: float
    build_ms: float


def main() -> int:
    """Measure everything and show it."""
    options = parse_arguments()
    if BUILD_PROFILE != "release":
        sys.exit("the compiled core is a debug build; run `make setup`")
    figures = [one for breadth in options.breadths for one in measure(breadth, options)]
    if options.json:
        sys.stdout.write(json.dumps([asdict(one) for one in figures], indent=1) + "\n")
    else:
        show(figures)
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rules", type=int, nargs="+", default=[100, 1000, 10_000], help="how many rules (%(default)s)"
    )
    parser.add_argument(
        "--breadths", nargs="+", choices=get_args(Breadth), default=get_args(Breadth), help="which rules"
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="how long for each figure (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    return parser.parse_args()


def measure(breadth: Breadth, options: argparse.Namespace) -> list[Figures]:
    """Measure every engine at every size."""
    figures: list[Figures] = []
    slow: set[str] = set()
    for count in sorted(options.rules):
        workload = Workload(breadth)
        rules, rows = [workload.rule() for _ in range(count)], [workload.row() for _ in range(ROWS)]
        rust = {name: run_rust(name, rules, rows, options.seconds) for name in RUST_RULES if name not in slow}
        expected = rust["index"]["answers"]
        for name, report in rust.items():
            check(name, report["answers"], expected)
            times = [report[key] for key in ("p50_us", "p99_us", "cold_us", "build_ms")]
            figures.append(Figures(f"{name} (Rust)", breadth, count, *times))
            slow |= {name} if report["p50_us"] > CALL_MAX_S * 1e6 else set()
        for name, compile_rules in PYTHON_ENGINES.items():
            if name in slow:
                continue
            started = time.perf_counter_ns()
            match = compile_rules(rules)
            build_ms = (time.perf_counter_ns() - started) / NS_PER_MS
            check(name, [sorted(match(row)) for row in rows[:CHECKED_ROWS]], expected[:CHECKED_ROWS])
            figures.append(Figures(name, breadth, count, *times_of(match, rows, options.seconds), build_ms))
            slow |= {name} if figures[-1].p50_us > CALL_MAX_S * 1e6 else set()
    return figures


def check(name: str, answers: list[list[int]], expected: list[list[int]]) -> None:
    """Stop unless an engine agrees."""
    if answers != expected:
        sys.exit(f"{name} disagrees about which rules hold")


def times_of(match: Match, rows: list[Row], seconds: float) -> tuple[float, float, float]:
    """Give the median, the 99th percentile and the median with cold caches, in microseconds."""
    taken: list[int] = []
    ends = time.monotonic() + seconds
    while len(taken) < len(rows) or time.monotonic() < ends:
        taken.extend(timed(match, row) for row in rows)
    cuts = quantiles(taken, n=100, method="inclusive")
    other = bytearray(OTHER_BYTES)
    cold = [timed(match, row, partial(other.translate, None)) for row in rows[:COLD_CALLS]]
    return cuts[49] / NS_PER_US, cuts[98] / NS_PER_US, median(cold) / NS_PER_US


def timed(match: Match, row: Row, before: Callable[[], object] = lambda: None) -> int:
    """Time one call."""
    before()
    started = time.perf_counter_ns()
    match(row)
    return time.perf_counter_ns() - started


def rule_index(rules: list[Rule]) -> Match:
    """Compile with edgewise; ids are texts, and turning them back is part of the call."""
    index = edgewise.RuleIndex(signals=signals(), rules={str(n): CEL.rule(rule) for n, rule in enumerate(rules)})
    return lambda row: [int(rule) for rule in index.match(row)]


def cel(rules: list[Rule]) -> Match:
    """Compile with the official runtime of CEL."""
    from cel_expr_python import cel  # noqa: PLC0415, a peer that is not always there

    kinds = {
        "string": cel.Type.STRING,
        "int": cel.Type.INT,
        "bool": cel.Type.BOOL,
        "string_set": cel.Type.List(cel.Type.STRING),
    }
    env = cel.NewEnv(variables={name: kinds[kind] for name, kind in signals().items()})
    programs = [env.compile(CEL.rule(rule)) for rule in rules]

    def match(row: Row) -> list[int]:
        activation = env.Activation(row)
        return [number for number, program in enumerate(programs) if program.eval(activation).value()]

    return match


def zen(rules: list[Rule]) -> Match:
    """Compile with zen."""
    from zen import compile_expression  # noqa: PLC0415, a peer that is not always there

    programs = [compile_expression(ZEN.rule(rule)) for rule in rules]
    return lambda row: [number for number, program in enumerate(programs) if program.evaluate(row)]


def growthbook(rules: list[Rule]) -> Match:
    """Use GrowthBook's own evaluation."""
    from growthbook.core import evalCondition  # noqa: PLC0415, a peer that is not always there

    conditions = [in_growthbook(rule) for rule in rules]
    return lambda row: [number for number, condition in enumerate(conditions) if evalCondition(row, condition)]


def bitset(rules: list[Rule]) -> Match:
    """Compile to columns of big integers."""
    return Bitset(rules).match


RUST_RULES: dict[str, Callable[[Rule], str]] = {"index": CEL.rule, "naive": CEL.rule, "a-tree": A_TREE.rule}
PYTHON_ENGINES: dict[str, Callable[[list[Rule]], Match]] = {
    "RuleIndex.match": rule_index,
    "Python big-int bitset": bitset,
    "cel-expr-python": cel,
    "zen-engine": zen,
    "growthbook": growthbook,
}


def run_rust(engine: str, rules: list[Rule], rows: list[Row], seconds: float) -> dict[str, Any]:
    """Let a Rust engine answer and report."""
    task = {
        "engine": engine,
        "signals": signals(),
        "rules": list(map(RUST_RULES[engine], rules)),
        "rows": rows,
        "seconds": seconds,
    }
    command = ["cargo", "run", "--release", "--quiet", "--locked", "--manifest-path", str(RUST_PEERS / "Cargo.toml")]
    command += ["--target-dir", str(RUST_PEERS.parents[1] / "target" / "peers")]
    done = subprocess.run(command, input=json.dumps(task).encode(), stdout=subprocess.PIPE, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def show(figures: list[Figures]) -> None:
    """Show everything as a table."""
    right = partial(Column, justify="right")
    table = Table(
        "engine", "rules", right("count"), right("p50 us"), right("p99 us"), right("cold us"), right("build ms")
    )
    for one in figures:
        times = [f"{time:,.1f}" for time in (one.p50_us, one.p99_us, one.cold_us, one.build_ms)]
        table.add_row(one.engine, one.breadth, f"{one.rules:,}", *times)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
