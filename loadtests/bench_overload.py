"""What a node does when offered more than it can do, with both headline figures, and while it swaps a large bundle.

    python loadtests/bench_overload.py wide book singles headline swap
    python loadtests/bench_overload.py wide book --rounds 5 --multiples 1.5 3
    python loadtests/bench_overload.py wide book --hog

Open loops: every request has a planned time that does not depend on earlier answers, and its latency counts from then.
For `wide` and `book` (batches) and `singles` the node has one core, with `--hog` beside a process that wants all of it,
and the generator another; for the rest they share the machine.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from rich.box import MARKDOWN
from rich.table import Table

from bench_http import BOOK
from bodies import REQUEST
from edgewise._core import Engine, Node
from edgewise.book import build
from edgewise.bundle import Bundle
from edgewise.bundle.slot import SlotWriter
from hosts import SERVER_CORES, Host, Watch, machine, node, take_generator_core, versions
from openloop import OpenLoop, Outcome, closed_loop, open_loop, post
from pauses import Pauses
from report import console, percentiles_ms
from wide import wide_document, wide_request

WORK_S = 0.000_8  # least work of a batch
BATCH_MULTIPLES = (0.75, 1.5, 3.0)
SINGLE_MULTIPLES = (0.5, 1.0, 1.25, 1.5, 1.75, 2.0)
CONNECTIONS, SATURATING_CONNECTIONS = 1_000, 64
EVENTS_PER_SECOND, EVENTS_PER_BODY, DECISIONS_PER_SECOND = 50_000, 500, 500
SESSIONS = 5_000
SWAP_SCENARIOS, SWAP_RATE = 34_000, 500
ALL_CORES = {0, 1}


def main() -> None:
    """Run the parts asked for."""
    parts = {"wide": wide, "book": book, "singles": singles, "headline": headline, "swap": swap}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(parts), help="which parts (all)")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each row takes (%(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="how often what is overloaded is (%(default)s)")
    parser.add_argument("--multiples", type=float, nargs="+", help="what of saturation is offered")
    parser.add_argument(
        "--hog", action="store_true", help="let the node share its core with a process that wants all of it"
    )
    options = parser.parse_args()
    console.print(f"{machine()}; {versions()}; {time.strftime('%Y-%m-%d', time.gmtime())}")
    for name in options.parts:
        with tempfile.TemporaryDirectory(prefix="edgewise-overload-") as folder:
            parts[name](Path(folder), options)


def wide(folder: Path, options: argparse.Namespace) -> None:
    """Offer batches of real work to a bundle of 300 scenarios."""
    batches(folder, "300 scenarios of 6 segments", Bundle.of_document(wide_document()), wide_request(), options)


def book(folder: Path, options: argparse.Namespace) -> None:
    """Offer batches of real work to the example book."""
    request = json.dumps(REQUEST, separators=(",", ":")).encode()
    batches(folder, "the example book", build(BOOK), request, options)


def batches(folder: Path, name: str, bundle: Bundle, one: bytes, options: argparse.Namespace) -> None:
    """Offer batches, up to three times what one core can do."""
    take_generator_core()
    size, work_s = batch_size(bundle, one)
    body = batch_of(one, size)
    title = f"{name}: batches of {size} requests, {work_s * 1e3:.2f} ms of deciding, {len(body) / 1e3:.0f} kB"
    overload(folder, title, bundle, post("/v1/decide/batch", body), BATCH_MULTIPLES, options)


def batch_of(one: bytes, size: int) -> bytes:
    """Make the body of a batch."""
    return b'{"requests":[' + b",".join([one] * size) + b"]}"


def batch_size(bundle: Bundle, request: bytes) -> tuple[int, float]:
    """Find how many requests are enough work on this machine."""
    ours = Node(Engine.from_bundle(bundle.data), node="n-1", generation=1)
    twenty = batch_of(request, 20)
    times = []
    for _ in range(100):
        started = time.thread_time()
        ours.decide_batch(twenty, now_ns=time.time_ns())
        times.append((time.thread_time() - started) / 20)
    each_s = statistics.median(times)
    size = int(WORK_S / each_s) + 1
    return size, size * each_s


def singles(folder: Path, options: argparse.Namespace) -> None:
    """Offer single decisions, as much as the generator can."""
    take_generator_core()
    request = post("/v1/decide", json.dumps(REQUEST).encode())
    overload(folder, "single decisions of the example book", build(BOOK), request, SINGLE_MULTIPLES, options)


def overload(
    folder: Path,
    title: str,
    bundle: Bundle,
    request: bytes,
    multiples: tuple[float, ...],
    options: argparse.Namespace,
) -> None:
    """Find saturation without admission, then offer multiples of it with admission, round after round."""
    table = Table(*OVERLOAD_COLUMNS, box=MARKDOWN)
    with node(bundle, folder / "bare", "--no-admission") as bare, node(bundle, folder / "ours") as ours:
        rates, costs_us = [], []
        with hogging() if options.hog else contextlib.nullcontext():
            for _ in range(options.rounds):
                # Anew in each round: what a virtual processor gives changes within minutes.
                rate, cost_us = saturate(bare, request, options.seconds)
                rates.append(rate)
                costs_us.append(cost_us)
                for multiple in options.multiples or multiples:
                    row(table, ours, request, multiple, rate, options.seconds)
        shown = ", ".join(f"{rate:,.0f}" for rate in rates)
        cost = f"{statistics.median(costs_us):,.0f} us of processor time each"
        table.title = f"{title}; saturation {shown}/s, {cost} (closed loop, no admission)"
        console.print(table)


def saturate(bare: Host, request: bytes, seconds: float) -> tuple[float, float]:
    """Give what a node can do without admission: answers a second, and microseconds of processor time each."""
    rates, costs_us = [], []
    for _ in range(3):
        with Watch(bare) as watch:
            outcome = closed_loop(
                bare.address, itertools.repeat(request), connections=SATURATING_CONNECTIONS, seconds=seconds / 2
            )
        rates.append(outcome.per_second("full"))
        costs_us.append(watch.host_s / outcome.answered * 1e6)
    return statistics.median(rates), statistics.median(costs_us)


@contextlib.contextmanager
def hogging() -> Iterator[None]:
    """Have a process on the node's core that wants all of it."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as hog:
        os.sched_setaffinity(hog.pid, SERVER_CORES)
        try:
            yield
        finally:
            hog.kill()


OVERLOAD_COLUMNS = (
    *("load", "offered/s", "full/s", "full / saturation", "shed/s"),
    *("p50 ms", "p95 ms", "p99 ms", "errors", "unanswered", "generator gap ms", "node's cores", "foreign"),
)


def row(table: Table, host: Host, request: bytes, multiple: float, saturation: float, seconds: float) -> None:
    """Offer a multiple of saturation."""
    with Watch(host) as watch:
        outcome = open_loop(
            host.address,
            itertools.repeat(request),
            rate=multiple * saturation,
            seconds=seconds,
            connections=CONNECTIONS,
        )
    full = outcome.per_second("full")
    table.add_row(
        f"{multiple:g}x",
        f"{outcome.planned / seconds:,.0f}",
        f"{full:,.0f}",
        f"{full / saturation:.2f}",
        f"{outcome.per_second('shed'):,.0f}",
        *cuts(outcome),
        str(outcome.failures - outcome.unanswered),
        str(outcome.unanswered),
        f"{outcome.generator_gap_ms:.0f}",
        f"{watch.host_s / seconds:.2f}",
        f"{watch.foreign:.2f}",
    )


def cuts(outcome: Outcome) -> list[str]:
    """Give the percentiles as columns."""
    found = percentiles_ms(outcome.latencies_ms)
    return [f"{found[name]:.1f}" for name in ("p50", "p95", "p99")]


def headline(folder: Path, options: argparse.Namespace) -> None:
    """Send fifty thousand events a second and ask for decisions meanwhile; everything on this machine."""
    seconds = options.seconds
    with node(build(BOOK), folder / "ours", workers=2, cores=ALL_CORES) as ours:
        bodies = event_bodies()
        with Watch(ours) as watch:
            events, decisions = uvloop.run(both(ours, bodies, 2 * seconds))
        table = Table(
            *("what", "offered/s", "done/s", "p50 ms", "p95 ms", "p99 ms", "errors", "shed"),
            box=MARKDOWN,
            title="headline figures",
        )
        taken = events.answers["full"] * EVENTS_PER_BODY / events.seconds
        failed = (str(events.failures), str(events.answers["shed"]))
        table.add_row(
            f"events, {EVENTS_PER_BODY} a body", f"{EVENTS_PER_SECOND:,}", f"{taken:,.0f}", *cuts(events), *failed
        )
        done = decisions.per_second("full")
        failed = (str(decisions.failures), str(decisions.answers["shed"]))
        table.add_row("decisions", f"{DECISIONS_PER_SECOND:,}", f"{done:,.0f}", *cuts(decisions), *failed)
        console.print(table)
        console.print(f"node {watch.host_s / (2 * seconds):.2f} cores, strangers {watch.foreign:.2f}")


async def both(host: Host, bodies: list[bytes], seconds: float) -> tuple[Outcome, Outcome]:
    """Run both open loops at once."""
    rate = EVENTS_PER_SECOND / EVENTS_PER_BODY
    decide = post("/v1/decide", json.dumps(REQUEST).encode())
    return await asyncio.gather(
        OpenLoop(itertools.cycle(bodies), 64).run(host.address, rate, seconds, 1),
        OpenLoop(itertools.repeat(decide), 256).run(host.address, DECISIONS_PER_SECOND, seconds, 2),
    )


def event_bodies() -> list[bytes]:
    """Make bodies of events of many sessions, each with an id of its own, happening now."""
    moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    numbers = itertools.count()

    def event() -> dict[str, Any]:
        number = next(numbers)
        properties = {"category": "shoes", "product_id": f"p-{number % 97}", "price": 10.0 + number % 50}
        return {
            "id": f"e-{number}",
            "event": "Product Viewed",
            "timestamp": moment,
            "sessionId": f"s-{number * 7919 % SESSIONS}",
            "properties": properties,
            "consent": {"purposes": {"personalize_content": True}},
        }

    return [
        post("/v1/events", json.dumps([event() for _ in range(EVENTS_PER_BODY)], separators=(",", ":")).encode())
        for _ in range(200)
    ]


def swap(folder: Path, options: argparse.Namespace) -> None:
    """Replace a large bundle by another while it serves."""
    seconds = options.seconds
    first, second = (Bundle.of_document(large(number)) for number in (1, 2))
    request = post("/v1/decide", wide_request())
    rules = SWAP_SCENARIOS * 3 + 6
    with node(first, folder / "ours", workers=2, cores=ALL_CORES) as ours:
        table = Table(
            *SWAP_COLUMNS,
            title=f"swap of {rules:,} conditions under {SWAP_RATE} decisions/s, two workers",
            box=MARKDOWN,
        )
        took: list[float] = []
        rows = {"quiet": lambda: None, "swapping": lambda: took.append(replace_bundle(ours, second))}
        outcomes, lines = [], list[str]()
        for name, meanwhile in rows.items():
            with Watch(ours) as watch, Pauses(ours.address) as pauses:
                outcomes.append(outcome := load(ours, request, 2 * seconds, meanwhile))
            failed = str(outcome.answers["shed"]), str(outcome.failures)
            table.add_row(name, *cuts(outcome), *failed, f"{watch.foreign:.2f}")
            lines.append(f"{name}: {pauses}")
        quiet, swapping = outcomes
        console.print(table, *lines, sep="\n")
        ratio = percentiles_ms(swapping.latencies_ms)["p99"] / percentiles_ms(quiet.latencies_ms)["p99"]
        console.print(f"p99 {ratio:.2f} times the quiet one; until every worker served the new bundle: {took[0]:.1f} s")


SWAP_COLUMNS = ("while", "p50 ms", "p95 ms", "p99 ms", "shed", "failed", "foreign")


def load(host: Host, request: bytes, seconds: float, meanwhile: Callable[[], object]) -> Outcome:
    """Ask steadily while something else happens."""
    thread = threading.Timer(0.5, meanwhile)
    thread.start()
    outcome = open_loop(host.address, forever(request), rate=SWAP_RATE, seconds=seconds, connections=64)
    thread.join()
    return outcome


def forever(request: bytes) -> Iterator[bytes]:
    """Give the same request without end."""
    return itertools.repeat(request)


def large(number: int) -> dict[str, Any]:
    """Make a bundle of so many scenarios; each number is another bundle."""
    return wide_document(SWAP_SCENARIOS) | {"policy": {"edition": number}}


def replace_bundle(host: Host, bundle: Bundle) -> float:
    """Write the next generation, and wait until all workers serve it."""
    started = time.perf_counter()
    with SlotWriter.open(host.data_dir) as writer:
        generation = writer.write(bundle, "book").generation
    while time.perf_counter() - started < 60:  # noqa: PLR2004, a bound
        accounts = [json.loads(path.read_text()) for path in (host.data_dir / "run").glob("worker-*.json")]
        if all(account.get("generation") == generation for account in accounts):
            break
        time.sleep(0.1)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
