"""Times decisions that ask a model beside the same ones that do not, in one process and one run. Figures to read.

    python loadtests/bench_model.py --seconds 1

The model is the shipped `journey_intent`; each request brings one event of a visit that has seen five products.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from bench import Timing, timing
from edgewise._core import BUILD_PROFILE, Engine, FeatureSpec, Node, Pending, Sessions
from edgewise.bundle.canonical import canonical_json, digest_of
from edgewise.engine.decider import Active
from edgewise.intent import ModelSet, declared_in, load
from edgewise.intent.model import Model
from edgewise.intent.policy import inspect

MODEL = "journey_intent"
VIEWS = 5
BATCH = 100
RUN_US_MAX, EVENTS_US_MAX = 10, 50


def main() -> int:
    """Time everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the model (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long for each figure (%(default)s)")
    options = parser.parse_args()
    if BUILD_PROFILE != "release":
        sys.exit("the compiled core is a debug build; run `make setup`")
    data = (options.models / f"{MODEL}.onnx").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        for found in timings(data, Path(folder), options.seconds):
            print(f"{found.name:<58} p50 {found.p50_us:8.1f} us   p99 {found.p99_us:8.1f} us")
    return 0


def timings(data: bytes, folder: Path, seconds: float) -> list[Timing]:
    """Time a decision without a model, with one, a batch with one, and the run alone."""
    Sessions.prepare(folder)
    sessions = Sessions.open(folder)
    plain, asking = (
        active(document(data, when), data, sessions) for when in ("session.views > 2", "visit.exit_risk > 0.2")
    )
    one = orjson.dumps(request("s-0"))
    many = orjson.dumps({"requests": [request(f"s-{number}") for number in range(BATCH)]})
    for visits in (plain, asking):
        visits.decide_batch(many, now_ns=time.time_ns())
    [(_, ids, vals)] = begin(asking, one).runs
    return [
        timing("decide, no model", seconds, lambda: plain.decide(one, now_ns=time.time_ns())),
        timing("decide, one model", seconds, lambda: asking.decide(one, now_ns=time.time_ns())),
        timing(f"decide_batch of {BATCH}, no model", seconds, lambda: plain.decide_batch(many, now_ns=time.time_ns())),
        timing(
            f"decide_batch of {BATCH}, one model", seconds, lambda: asking.decide_batch(many, now_ns=time.time_ns())
        ),
        timing("events to a row", seconds, lambda: begin(asking, one)),
        timing(f"events to probabilities (to be: {EVENTS_US_MAX})", seconds, lambda: probabilities(asking, one)),
        timing(
            "the model's run alone, one row, counted and guarded", seconds, lambda: asking.models.run(MODEL, ids, vals)
        ),
        timing(f"the model's run alone (to be: {RUN_US_MAX})", seconds, partial(bare(data).run, ids, vals)),
    ]


def begin(visits: Active, body: bytes) -> Pending:
    """Take a request up to where it waits for the model."""
    pending = visits.node.begin(body, now_ns=time.time_ns())
    if isinstance(pending, bytes):
        sys.exit("the decision does not ask the model")
    return pending


def probabilities(visits: Active, body: bytes) -> object:
    """Give what the model makes of a request's events: the probabilities of all its heads."""
    [(name, ids, vals)] = begin(visits, body).runs
    return visits.models.run(name, ids, vals)


def bare(data: bytes) -> Model:
    """Load the model as it is, with nothing around it."""
    spec = FeatureSpec(inspect(data).metadata["edgewise.feature_spec"])
    return load(data, digest_of(data), spec.digest, spec.slots)


def active(bundle: Mapping[str, Any], data: bytes, sessions: Sessions) -> Active:
    """Make a worker's decision loop."""
    content = canonical_json(bundle)
    engine = Engine.from_bundle(content)
    models = ModelSet.prepare(declared_in(content), lambda _: data)
    if models.refusals:
        sys.exit(f"the model is refused: {models.refusals}")
    node = Node(engine, node="bench", generation=1, sessions=sessions)
    return Active(node, models, engine.defaults())


def request(session: str) -> dict[str, Any]:
    """Ask for one decision; its events are known after the first time, so a repetition writes nothing new."""
    events = [
        {
            "id": f"e-{number}",
            "event": "Product Viewed",
            "properties": {"product_id": f"A{number}", "price": 28.0 + number},
        }
        for number in range(VIEWS)
    ]
    return {"decisionPoints": ["shop.banner"], "identity": {"sessionId": session}, "events": events}


def document(data: bytes, when: str) -> dict[str, Any]:
    """Write a bundle of one scenario, with a segment on this condition."""
    entries = inspect(data).metadata
    model = {
        "digest": digest_of(data),
        "spec": entries["edgewise.feature_spec"],
        "outputs": orjson.loads(entries["edgewise.outputs"]),
        "purposes": [],
    }
    overlays = [{"segment": "near", "set": {"content": "help"}}]
    point = {"id": "shop.banner", "default": {"content": "hello"}, "byPathway": {}, "overlays": overlays}
    scenario = {
        "id": "wavering", "version": 1, "digest": digest_of(b""), "priority": 1, "context": "session.views > 0",
        "pathways": [{"id": "all"}], "decisionPoints": [point], "outcome": None, "experiment": None,
        "explanation": None,
    }  # fmt: skip
    count = {"kind": "count", "event": "Product Viewed"}
    return {
        "format": "edgewise/bundle/1", "timezone": "UTC", "policy": {}, "purposes": {}, "outcomes": {}, "golden": [],
        "signals": {
            "session.views": {"type": "int", "source": "session", "aggregate": count},
            "visit.exit_risk": {"type": "float", "source": "model", "model": {"name": MODEL, "output": "exit_now"}},
        },
        "segments": {"near": when}, "state": {"session": {"ttlMs": 1_800_000}, "journey": {"ttlMs": 1_800_000}},
        "decisionPoints": {"shop.banner": {"surface": "web:/#banner", "fallback": {}}}, "scenarios": [scenario],
        "models": {MODEL: model},
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
