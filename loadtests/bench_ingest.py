"""Sends a node batches of events at a rate and asks it for decisions meanwhile: visitors may not pay for the events.

    python loadtests/bench_ingest.py --events 50000 --seconds 20

Starts a node of its own. What is due is sent at its time, whatever the node did before, and latency counts from then:
a node that stalls cannot silence those who would have noticed. Node and senders share the machine. Exits with 1 when
events are refused or late, or when the 95th percentile of the decisions reaches 100 ms.
"""

import argparse
import http.client
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from report import console, percentiles_ms
from server import serving

POINTS = ["product.help", "product.cart"]
CONSENT = '{"purposes":{"serve_visit":true,"personalize_content":true,"measure":true}}'
CONNECTIONS = 16
DECISION_MS_MAX, ACCEPTED_MIN = 100.0, 0.99
TIMEOUT_S, START_S, RUN_EXTRA_S = 10.0, 0.5, 120.0


@dataclass(slots=True)
class Sent:
    """What came of one kind of requests."""

    due: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    items: int = 0
    shed: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0


def main() -> int:
    """Run both and judge."""
    options = parse_arguments()
    with (
        tempfile.TemporaryDirectory(prefix="edgewise-ingest-") as folder,
        serving(options.book, 0, Path(folder), options.workers) as url,
        ProcessPoolExecutor(2, get_context("spawn")) as pool,
    ):
        running = [pool.submit(one, url, options) for one in (tell, ask)]
        told, asked = (one.result(options.seconds + RUN_EXTRA_S) for one in running)
    return judge(told, asked, options)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--book", type=Path, default=Path("examples/book"), help="the book to serve (%(default)s)")
    parser.add_argument("--events", type=int, default=50_000, help="events a second (%(default)s)")
    parser.add_argument("--batch", type=int, default=500, help="events in a request (%(default)s)")
    parser.add_argument("--decisions", type=int, default=100, help="requests for decisions a second (%(default)s)")
    parser.add_argument("--sessions", type=int, default=100_000, help="sessions that events belong to (%(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="workers that answer (%(default)s)")
    return parser.parse_args()


def tell(url: str, options: argparse.Namespace) -> Sent:
    """Send batches of events."""
    bodies = batches(options.batch, options.sessions)
    return send(url, "/v1/events", bodies, options.events / options.batch, options.seconds)


def ask(url: str, options: argparse.Namespace) -> Sent:
    """Send requests for decisions, each with an event of its own."""
    return send(url, "/v1/decide", questions(options.sessions), options.decisions, options.seconds)


def send(url: str, path: str, bodies: Iterator[bytes], rate: float, seconds: float) -> Sent:
    """Send at even distances over several connections, each taking what is due next."""
    sent, lock = Sent(due=round(rate * seconds)), Lock()
    starts = time.perf_counter() + START_S
    turns = iter(range(sent.due))
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        work = partial(take_turns, url, path, bodies, (turns, rate, starts), (sent, lock))
        for one in [pool.submit(work) for _ in range(CONNECTIONS)]:
            one.result()
    sent.seconds = time.perf_counter() - starts
    return sent


def take_turns(
    url: str, path: str, bodies: Iterator[bytes], plan: tuple[Iterator[int], float, float], account: tuple[Sent, Lock]
) -> None:
    """Send over one connection until nothing more is due."""
    (turns, rate, starts), (sent, lock) = plan, account
    parts = urlsplit(url)
    node = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=TIMEOUT_S)
    while True:
        with lock:
            turn = next(turns, None)
            body = b"" if turn is None else next(bodies)
        if turn is None:
            return
        due = starts + turn / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        status, answer = call(node, path, body)
        latency_ms = (time.perf_counter() - due) * 1000
        with lock:
            sent.statuses[status] += 1
            sent.latencies_ms.append(latency_ms)
            sent.items += answer.get("accepted", 0)
            sent.shed += any(one["reason"] == "SHED" for one in answer.get("decisions", {}).values())


def call(node: http.client.HTTPConnection, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Send one request; status 0 is no answer."""
    try:
        node.request("POST", path, body, {"Content-Type": "application/json"})
        answer = node.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException):
        node.close()
        return 0, {}
    return answer.status, json.loads(text)


def batches(size: int, sessions: int) -> Iterator[bytes]:
    """Write requests of many events of many sessions."""
    random, made = Random(3), 0
    while True:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        events = [event(f"b-{made + n}", now, random, f"s-{random.randrange(sessions)}") for n in range(size)]
        made += size
        yield f"[{','.join(events)}]".encode()


def event(name: str, now: str, random: Random, session: str) -> str:
    """Write one view of a product."""
    price, product, category = random.randrange(10_000) / 100, random.randrange(2_000), random.randrange(20)
    return (
        f'{{"id":"{name}","event":"Product Viewed","timestamp":"{now}","sessionId":"{session}","consent":{CONSENT},'
        f'"properties":{{"price":{price},"product_id":"p-{product}","category":"c-{category}","page":1}}}}'
    )


def questions(sessions: int) -> Iterator[bytes]:
    """Write requests for decisions of visitors about whom events come in."""
    random, made = Random(4), 0
    while True:
        made += 1
        session = f"s-{random.randrange(sessions)}"
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        seen = event(f"q-{made}", now, random, session)
        yield (
            f'{{"decisionPoints":{json.dumps(POINTS)},"identity":{{"sessionId":"{session}"}},"consent":{CONSENT},'
            f'"events":[{seen}]}}'
        ).encode()


def judge(told: Sent, asked: Sent, options: argparse.Namespace) -> int:
    """Say what happened, and whether it is good enough."""
    decisions, events = percentiles_ms(asked.latencies_ms), percentiles_ms(told.latencies_ms)
    console.print(
        f"events: {told.items / told.seconds:,.0f} a second accepted of {options.events:,} due, "
        f"in batches of {options.batch}, answered {dict(told.statuses)}; "
        + ", ".join(f"{name} {value:.1f} ms" for name, value in events.items())
    )
    console.print(
        f"decisions: {asked.due / asked.seconds:,.0f} requests a second, answered {dict(asked.statuses)}, "
        f"{asked.shed} of them shed; " + ", ".join(f"{name} {value:.1f} ms" for name, value in decisions.items())
    )
    accepted = told.items / (told.due * options.batch)
    gates = {
        f"{ACCEPTED_MIN:.0%} of the events are accepted, and in time": min(accepted, options.seconds / told.seconds)
        >= ACCEPTED_MIN,
        f"95 of 100 decisions come within {DECISION_MS_MAX:g} ms": decisions["p95"] < DECISION_MS_MAX,
        "every decision is answered": set(asked.statuses) == {200},
    }
    for gate, holds in gates.items():
        console.print(f"{'PASSED' if holds else 'FAILED'}: {gate}")
    return int(not all(gates.values()))


if __name__ == "__main__":
    sys.exit(main())
