"""Fills a node's session store with a million sessions, then times events and decisions that meet them.

    python loadtests/bench_state.py --sessions 1000000 --seconds 2

Every session has one aggregate of each standard kind. The store is the real one, on disk; there is no HTTP. Figures to
read, not to pass; what should be reached stands beside it.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

from rich.table import Column, Table

from bench import Timing
from edgewise._core import BUILD_PROFILE, Engine, Node, Sessions
from edgewise.bundle.canonical import canonical_json
from report import console

VIEWED = "Product Viewed"
AGGREGATES: dict[str, tuple[str, dict[str, Any]]] = {
    "count": ("int", {}),
    "sum": ("float", {"property": "price"}),
    "last": ("string", {"property": "category"}),
    "first": ("string", {"property": "category"}),
    "max": ("float", {"property": "price"}),
    "min": ("float", {"property": "price"}),
    "since": ("duration", {}),
    "distinct": ("int", {"property": "product_id"}),
    "decay": ("float", {"halfLifeMs": 600_000}),
    "ring": ("string_set", {"property": "category", "size": 8}),
}
POINT = "product.help"
BATCHES = (1, 100, 1000)
LOAD_BATCH = 1000
COLUMNS = ("p50 us", "p99 us", "processor us", "events/s", "events/s a processor")
EVENTS_PER_SECOND_MIN = 50_000
NS_PER_S, NS_PER_US, US_PER_S, BLOCK_BYTES = 1_000_000_000, 1_000, 1_000_000, 512
FEWEST_CALLS = 20


@dataclass(slots=True)
class Filling:
    """How the store was filled."""

    events: int
    wall_s: float
    processor_s: float
    disk_bytes: int


@dataclass(slots=True)
class Cost(Timing):
    """How long one call takes, and how long it keeps processors busy, the writers' threads among them."""

    processor_us: float


def main() -> int:
    """Fill, time, show."""
    options = parse_arguments()
    if BUILD_PROFILE != "release":
        sys.exit("the compiled core is a debug build; run `make setup`")
    with tempfile.TemporaryDirectory(prefix="edgewise-state-", dir=options.dir) as folder:
        Sessions.prepare(folder)
        sessions = Sessions.open(folder)
        try:
            engine = Engine.from_bundle(canonical_json(bundle()))
            node = Node(engine, node="bench", generation=1, sessions=sessions)
            filling = fill(node, options.sessions, options.rounds, Path(folder))
            show(options.sessions, filling, figures(node, options.sessions, options.seconds))
        finally:
            sessions.close()
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1_000_000, help="sessions in the store (%(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="events of each before timing (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long for each figure (%(default)s)")
    parser.add_argument("--dir", type=Path, help="where the store is made (the system's folder for what is temporary)")
    return parser.parse_args()


def bundle() -> dict[str, Any]:
    """Make a bundle that keeps one aggregate of each kind, and serves one point by one of them."""
    signals = {
        f"session.{kind}": {"type": kept, "source": "session", "aggregate": {"kind": kind, "event": VIEWED, **more}}
        for kind, (kept, more) in AGGREGATES.items()
    }
    scenario = {
        "id": "looker",
        "version": 1,
        "digest": "sha256:" + "0" * 64,
        "priority": 1,
        "context": "session.count >= 2 && session.max >= 50.0",
        "pathways": [{"id": "all"}],
        "decisionPoints": [{"id": POINT, "default": {"content": "help"}, "byPathway": {}, "overlays": []}],
        "explanation": "Shown because of what you looked at.",
    }
    return {
        "format": "edgewise/bundle/1",
        "timezone": "Europe/Berlin",
        "policy": {},
        "signals": signals,
        "segments": {},
        "purposes": {},
        "state": {"session": {"ttlMs": 3_600_000}, "journey": {"ttlMs": 2_592_000_000}},
        "decisionPoints": {POINT: {"surface": "web:/product#help", "fallback": {"content": "plain"}}},
        "outcomes": {},
        "scenarios": [scenario],
        "golden": [],
    }


def fill(node: Node, sessions: int, rounds: int, folder: Path) -> Filling:
    """Send every session its events, in batches of events of different sessions."""
    source = Events()
    wall, processor = 0.0, 0.0
    for _ in range(rounds):
        for start in range(0, sessions, LOAD_BATCH):
            body = source.body(range(start, min(start + LOAD_BATCH, sessions)))
            began, cpu = time.perf_counter(), time.process_time()
            ingest(node, body)
            wall += time.perf_counter() - began
            processor += time.process_time() - cpu
    disk = sum(path.stat().st_blocks * BLOCK_BYTES for path in folder.rglob("*") if path.is_file())
    return Filling(sessions * rounds, wall, processor, disk)


class Events:
    """Makes events, none of them twice."""

    def __init__(self) -> None:
        self._random = Random(7)
        self._made = 0

    def one(self, session: int) -> str:
        """Write one view of a product, seen now."""
        self._made += 1
        random = self._random
        price, product, category = random.randrange(10_000) / 100, random.randrange(2_000), random.randrange(20)
        return (
            f'{{"id":"e-{self._made}","event":"{VIEWED}","timestamp":"{now()}","sessionId":"s-{session}","properties":'
            f'{{"price":{price},"product_id":"p-{product}","category":"c-{category}"}}}}'
        )

    def body(self, sessions: range | list[int]) -> bytes:
        """Write one event for each of these sessions, one a line."""
        return "\n".join([self.one(session) for session in sessions]).encode()


def now() -> str:
    """Tell the time as events do."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def ingest(node: Node, body: bytes) -> None:
    """Send events and insist on all of them."""
    answer = json.loads(node.ingest(body, ndjson=True, now_ns=time.time_ns()))
    if answer["rejected"]:
        sys.exit(f"events were rejected: {answer['errors'][:1]}")


def figures(node: Node, sessions: int, seconds: float) -> list[tuple[Cost, int]]:
    """Time calls that meet any of the sessions, with the number of events in each."""
    source, random = Events(), Random(11)

    def batches(size: int) -> Iterator[bytes]:
        while True:
            yield source.body([random.randrange(sessions) for _ in range(size)])

    def questions(*, told: bool) -> Iterator[bytes]:
        while True:
            yield question(source, random.randrange(sessions), told=told)

    found = [(timed(f"ingest of {n} events", seconds, batches(n), partial(ingest, node)), n) for n in BATCHES]
    found.append((timed("decide, record read", seconds, questions(told=False), partial(decide, node)), 0))
    found.append((timed("decide with an event", seconds, questions(told=True), partial(decide, node)), 1))
    return found


def question(source: Events, session: int, *, told: bool) -> bytes:
    """Write a request, with or without something that has just happened."""
    events = f',"events":[{source.one(session)}]' if told else ""
    return f'{{"decisionPoints":["{POINT}"],"identity":{{"sessionId":"s-{session}"}}{events}}}'.encode()


def decide(node: Node, body: bytes) -> None:
    """Ask, and insist on a decision with state."""
    if b'"warnings":[]' not in node.decide(body, now_ns=time.time_ns()):
        sys.exit("a decision came with a warning")


def timed(name: str, seconds: float, bodies: Iterator[bytes], call: Callable[[bytes], None]) -> Cost:
    """Time calls, but not the making of what they send."""
    taken: list[int] = []
    processor_s = 0.0
    for wanted_s in (seconds / 10, seconds):  # the first to warm up
        taken.clear()
        processor_s = 0.0
        left_ns = wanted_s * NS_PER_S
        while left_ns > 0 or len(taken) < FEWEST_CALLS:
            body = next(bodies)
            busy, began = time.process_time(), time.perf_counter_ns()
            call(body)
            taken.append(time.perf_counter_ns() - began)
            processor_s += time.process_time() - busy
            left_ns -= taken[-1]
    cuts = quantiles(taken, n=100, method="inclusive")
    return Cost(name, cuts[49] / NS_PER_US, cuts[98] / NS_PER_US, processor_s / len(taken) * US_PER_S)


def show(sessions: int, filling: Filling, figures: list[tuple[Cost, int]]) -> None:
    """Show everything."""
    console.print(
        f"{sessions:,} sessions, {filling.events:,} events in batches of {LOAD_BATCH}: "
        f"{filling.events / filling.wall_s:,.0f} events/s (should be {EVENTS_PER_SECOND_MIN:,}), "
        f"{filling.events / filling.processor_s:,.0f} for each processor kept busy; "
        f"{filling.disk_bytes / 2**20:,.0f} MiB on disk, {filling.disk_bytes / sessions:,.0f} bytes a session"
    )
    table = Table("one call", *(Column(name, justify="right") for name in COLUMNS))
    for one, events in figures:
        rates = [f"{events / us * US_PER_S:,.0f}" if events else "" for us in (one.p50_us, one.processor_us)]
        table.add_row(one.name, *(f"{us:,.1f}" for us in (one.p50_us, one.p99_us, one.processor_us)), *rates)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
