"""Starts a node on a book and sends generated visits from several processes; fails when an answer is wrong or late.

    python loadtests/load.py --seconds 10 --clients 4

Each client waits for an answer before it asks again (closed loop), on the machine that serves: the rate is a lower
bound of what the node can do, and the latency says nothing of an overload. Visits are the same in every run.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from rich.table import Table

from client import CallError, Node
from report import console, percentiles_ms
from server import free_port, serving
from visits import iso

P95_LIMIT_MS = 100.0
VISIT_EVENTS_MAX = 12
USERS = 10_000
CONSENTING, FINAL_SALE = 0.9, 0.1
PRODUCTS = 8
CATEGORIES = ("trousers", "skirts", "blouses", "sale")
CLIENT_GRACE_S = 30.0


@dataclass(slots=True)
class Tally:
    """What one client saw."""

    reasons: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    error: str | None = None


def main() -> int:
    """Run the load; 1 when a client failed or the 95th percentile is over its limit."""
    options = parse_arguments()
    with (
        tempfile.TemporaryDirectory(prefix="edgewise-load-") as folder,
        serving(options.book, free_port(), Path(folder), options.workers) as url,
    ):
        tallies = run_clients(url, options)
    return report(tallies, options)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--book", type=Path, default=Path("examples/book"), help="the book to serve (%(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long (%(default)s)")
    parser.add_argument("--clients", type=int, default=4, help="processes that ask (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="workers that answer (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    return parser.parse_args()


def run_clients(url: str, options: argparse.Namespace) -> list[Tally]:
    """Let all clients ask at the same time."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(options.clients) as pool:
        jobs = [(url, seed, options.seconds) for seed in range(options.clients)]
        return pool.starmap_async(client, jobs).get(options.seconds + CLIENT_GRACE_S)


def client(url: str, seed: int, seconds: float) -> Tally:
    """Ask for one generated visit after another until the time is over."""
    node, tally = Node(url), Tally()
    try:
        points = list(node.call("GET", "/v1/defaults")["decisionPoints"])
        node.latencies_ms.clear()
        ends = time.monotonic() + seconds
        for request in requests(points, seed):
            if time.monotonic() > ends:
                break
            decisions = node.decide(request)["decisions"].values()
            tally.reasons.update(decision["reason"] for decision in decisions)
    except CallError as error:
        tally.error = str(error)
    tally.latencies_ms = node.latencies_ms
    return tally


def requests(points: list[str], seed: int) -> Iterator[dict[str, Any]]:
    """Make visits without end, the same for the same seed: some signals for the whole visit, an event a request."""
    random = Random(seed)
    while True:
        visit = f"{seed}-{random.getrandbits(40):x}"
        whole = {
            "decisionPoints": points,
            "identity": {"userId": f"u-{random.randrange(USERS)}", "anonymousId": f"a-{visit}", "sessionId": visit},
            "signals": visit_signals(random),
            "consent": {"purposes": {"personalize_content": random.random() < CONSENTING, "measure": True}},
        }
        for step in range(random.randint(1, VISIT_EVENTS_MAX)):
            yield whole | {"events": [event(random, f"{visit}-{step}")]}


def visit_signals(random: Random) -> dict[str, Any]:
    """Give what the caller knows of a visitor of the example book."""
    return {
        "order.channel": random.choice(("online", "store")),
        "order.days_since_delivery": random.randrange(60),
        "order.final_sale": random.random() < FINAL_SALE,
        "visit.intent": random.choice(("return_item", "buy", "browse")),
        "customer.returns_12m": random.randrange(5),
        "customer.support_contacts_90d": random.choice((0, 0, 0, 1, 2)),
    }


def event(random: Random, key: str) -> dict[str, Any]:
    """Give one event of a visit, happening now."""
    name = random.choices(("Product Viewed", "Product Added"), (9, 1))[0]
    properties = {
        "product_id": f"p-{random.randrange(PRODUCTS)}",
        "category": random.choice(CATEGORIES),
        "price": float(random.randrange(5, 200)),
    }
    return {"id": key, "event": name, "timestamp": iso(datetime.now(UTC)), "properties": properties}


def report(tallies: list[Tally], options: argparse.Namespace) -> int:
    """Show what was answered, and judge it."""
    reasons = sum((tally.reasons for tally in tallies), Counter[str]())
    latencies = [value for tally in tallies for value in tally.latencies_ms]
    errors = [tally.error for tally in tallies if tally.error]
    found = {
        "requestsPerSecond": round(len(latencies) / options.seconds),
        "decisionsPerSecond": round(reasons.total() / options.seconds),
        "latencyMs": percentiles_ms(latencies) if latencies else None,
        "reasons": dict(reasons.most_common()),
        "errors": errors,
    }
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        show(found, options)
    late = not latencies or percentiles_ms(latencies)["p95"] >= P95_LIMIT_MS
    return int(bool(errors) or late or reasons["ERROR"] > 0)


def show(found: dict[str, Any], options: argparse.Namespace) -> None:
    """Show the figures as a table."""
    title = f"{options.clients} clients, {options.workers} workers, {options.seconds:g} s, closed loop, one machine"
    table = Table("figure", "value", title=title, title_justify="left", title_style="bold")
    for name, value in found.items():
        text = ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else value
        table.add_row(name, str(text or "-"))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
