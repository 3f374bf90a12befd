"""Sends real visits through a running node and prints which scenario, pathway, segment, arm and reason each got.

    python loadtests/replay.py PATH/otto_20_sessions.jsonl --url http://127.0.0.1:8787
    python loadtests/replay.py --clicks PATH/eshop_clicks.csv --visits 50 --json

Every event is a request of its own: it carries the event and asks for the decision points, as a page would. With
`--clock visit` (the default; needs a node started with `--book`) the node's clock follows the visit's own times. With
`--clock now` the visit is moved so that it ends at this moment, and its events go to `/v1/events` first.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

from client import CallError, Node
from report import VisitResult, as_document, print_summary, print_visit
from visits import Visit, VisitEvent, iso, read_clicks, read_otto


def main() -> int:
    """Replay within the given bounds; 1 when the node could not be asked."""
    options = parse_arguments()
    results = []
    try:
        node = Node(options.url, options.token_file and options.token_file.read_text(encoding="utf-8").strip())
        points = options.point or list(node.call("GET", "/v1/defaults")["decisionPoints"])
        for result in replay(node, points, options):
            results.append(result)
            if not options.json:
                print_visit(result)
    except (CallError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.json:
        sys.stdout.write(json.dumps(as_document(results, node.latencies_ms), indent=1) + "\n")
    else:
        print_summary(results, node.latencies_ms)
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sessions", nargs="?", type=Path, help="OTTO sessions, one JSON object a line")
    parser.add_argument("--clicks", type=Path, help="clickstream of the clothing shop, CSV")
    parser.add_argument("--url", default="http://127.0.0.1:8787", help="the node (%(default)s)")
    parser.add_argument("--point", action="append", help="a decision point to ask for; repeatable (all)")
    parser.add_argument("--signals", type=json.loads, default={}, help="JSON object sent as signals with every request")
    parser.add_argument("--clock", choices=("visit", "now"), default="visit", help="whose time it is (%(default)s)")
    parser.add_argument("--visits", type=int, default=20, help="visits a file at most (%(default)s)")
    parser.add_argument("--events", type=int, default=500, help="events a visit at most (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="stop after this time (%(default)s)")
    parser.add_argument(
        "--token-file", type=Path, help="file with a bearer token (scopes decide, events, debug, admin)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    options = parser.parse_args()
    if not (options.sessions or options.clicks):
        parser.error("name a file of sessions, or --clicks")
    return options


def replay(node: Node, points: list[str], options: argparse.Namespace) -> Iterator[VisitResult]:
    """Send visit after visit until a bound is reached."""
    ends = time.monotonic() + options.seconds
    sources = [read_otto(options.sessions)] if options.sessions else []
    sources += [read_clicks(options.clicks)] if options.clicks else []
    for visit in chain.from_iterable(islice(source, options.visits) for source in sources):
        yield replay_visit(node, points, visit, options, ends)
        if time.monotonic() > ends:
            sys.stderr.write(f"stopped after {options.seconds:g} s, within {visit.id}\n")
            return


def replay_visit(node: Node, points: list[str], visit: Visit, options: argparse.Namespace, ends: float) -> VisitResult:
    """Send one visit from a clean record, event by event."""
    node.call("DELETE", f"/v1/state/session/{visit.id}", accept=(200, 204, 404))
    events = visit.events[: options.events]
    shift = datetime.now(UTC) - events[-1].at if options.clock == "now" else None
    result = VisitResult(visit.id)
    for event in events:
        answer = send(node, points, visit.id, event, options.signals, shift)
        result.add(event, answer["decisions"])
        if time.monotonic() > ends:
            break
    return result


def send(
    node: Node, points: list[str], visit_id: str, event: VisitEvent, signals: dict[str, Any], shift: timedelta | None
) -> dict[str, Any]:
    """Send one event and ask for decisions, on the visit's clock or (shifted) on the node's."""
    identity = {"anonymousId": visit_id, "sessionId": visit_id}
    request = {"requestId": event.id, "decisionPoints": points, "identity": identity, "signals": signals}
    if shift is None:
        return node.decide(request | {"events": [event.body()], "options": {"explain": "short", "at": iso(event.at)}})
    accepted = node.call("POST", "/v1/events", [event.body(event.at + shift) | identity], accept=(202,))
    if accepted["rejected"]:
        raise CallError(f"event {event.id} was rejected: {accepted['errors']}")
    return node.decide(request | {"options": {"explain": "short"}})


if __name__ == "__main__":
    sys.exit(main())
