"""Times the shipped journey model: one run, and all the way from a visit's event to probabilities and to an answer.

    python loadtests/bench_models.py --seconds 1

Each figure is of one call on one thread. What should be reached stands beside it.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Column, Table

from bench import Timing, timing
from edgewise._core import BUILD_PROFILE, Engine, FeatureSpec, Node, Pending
from edgewise.bundle.canonical import canonical_json
from edgewise.intent import load
from edgewise.intent.model import Model
from edgewise.intent.policy import inspect
from report import console

NAME = "journey_intent"
POINT = "product.help"
RUN_US_MAX, PROBABILITIES_US_MAX = 10.0, 50.0
VIEW = {"category": "sale", "product_id": "p-7", "price": 31.5, "page": 2}
VIEWS = 6


def main() -> int:
    """Time everything and show it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path(f"models/{NAME}.onnx"), help="the model (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long for each figure (%(default)s)")
    options = parser.parse_args()
    if BUILD_PROFILE != "release":
        sys.exit("the compiled core is a debug build; run `make setup`")
    show(figures(options.model.read_bytes(), options.seconds))
    return 0


def figures(data: bytes, seconds: float) -> list[tuple[Timing, float | None]]:
    """Time each stage of a decision that needs the model, with the median it should have."""
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    spec = FeatureSpec(inspect(data).metadata["edgewise.feature_spec"])
    model = load(data, digest, spec.digest, spec.slots)
    ids, vals = row_of(spec)
    node, body = node_of(spec, model, digest), request()
    return [
        (timing("a run: one row, three probabilities", seconds, lambda: model.run(ids, vals)), RUN_US_MAX),
        (timing(f"{VIEWS} events of Python to a row", seconds, lambda: row_of(spec)), None),
        (timing("a request's event to a row", seconds, lambda: begin(node, body)), None),
        (timing("a request's event to probabilities", seconds, probabilities(node, body, model)), PROBABILITIES_US_MAX),
        (timing("a request's event to an answer", seconds, answer(node, body, model)), None),
    ]


def row_of(spec: FeatureSpec) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Make the row of a short visit."""
    visit = [{"event": "Product Viewed", "properties": VIEW}] * VIEWS
    ids, vals, _, _ = spec.extract_events([visit], inputs=[{"country": "PL"}])
    return ids, vals


def node_of(spec: FeatureSpec, model: Model, digest: str) -> Node:
    """Start a worker's decision loop whose only scenario asks all heads of the model."""
    document = {
        "format": "edgewise/bundle/1",
        "timezone": "Europe/Berlin",
        "policy": {},
        "signals": {
            f"visit.{head}": {"type": "float", "source": "model", "model": {"name": NAME, "output": head}}
            for head in model.outputs
        },
        "models": {NAME: {"digest": digest, "spec": spec.canonical, "outputs": list(model.outputs)}},
        "segments": {},
        "purposes": {},
        "state": {"session": {"ttlMs": 1_800_000}, "journey": {"ttlMs": 2_592_000_000}},
        "decisionPoints": {POINT: {"surface": "web:/product#help", "fallback": {"content": "plain"}}},
        "outcomes": {},
        "scenarios": [scenario(model.outputs)],
        "golden": [],
    }
    return Node(Engine.from_bundle(canonical_json(document)), node="bench", generation=1)


def scenario(heads: tuple[str, ...]) -> dict[str, Any]:
    """Make a scenario for who is likely to do any of what the model foresees."""
    return {
        "id": "foreseen",
        "version": 1,
        "digest": "sha256:" + "0" * 64,
        "priority": 1,
        "context": " || ".join(f"visit.{head} > 0.999" for head in heads),
        "pathways": [{"id": "all"}],
        "decisionPoints": [{"id": POINT, "default": {"content": "help"}, "byPathway": {}, "overlays": []}],
        "explanation": "Shown because of what you looked at.",
    }


def request() -> bytes:
    """Make a request that tells of one event."""
    event = {"id": "e-1", "event": "Product Viewed", "timestamp": "2026-11-21T09:59:00Z", "properties": VIEW}
    body = {
        "requestId": "r-1",
        "decisionPoints": [POINT],
        "identity": {"sessionId": "s-1"},
        "events": [event],
        "context": {"country": "PL"},
    }
    return json.dumps(body).encode()


def begin(node: Node, body: bytes) -> Pending:
    """Take a request up to where it waits for the model."""
    pending = node.begin(body, now_ns=time.time_ns())
    if isinstance(pending, bytes):
        sys.exit(f"the request did not wait for the model: {pending.decode()}")
    return pending


def probabilities(node: Node, body: bytes, model: Model) -> Callable[[], object]:
    """Make one call that ends with probabilities."""

    def call() -> object:
        ((_, ids, vals),) = begin(node, body).runs
        return model.run(ids, vals)

    return call


def answer(node: Node, body: bytes, model: Model) -> Callable[[], object]:
    """Make one call that ends with the answer."""

    def call() -> object:
        pending = begin(node, body)
        ((name, ids, vals),) = pending.runs
        return node.resume(pending, {name: [list(model.run(ids, vals))]})

    return call


def show(figures: list[tuple[Timing, float | None]]) -> None:
    """Show everything as a table."""
    table = Table("one call", *(Column(name, justify="right") for name in ("p50 us", "p99 us", "should be")))
    for one, limit in figures:
        table.add_row(one.name, f"{one.p50_us:.1f}", f"{one.p99_us:.1f}", f"{limit:g}" if limit else "")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
