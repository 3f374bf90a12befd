"""Decisions that wait for a model: what it sees, what its outputs change, and that it is asked once."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewise._core import Engine, Node, Pending

SPEC = {
    "version": 1,
    "hash": "murmur3_x86_32",
    "seed": 0,
    "index": "abs_mod",
    "bits": 10,
    "slots": 4,
    "missing": "?",
    "overflow": "drop",
    "scope": "session",
    "state": {"views": {"kind": "count", "event": "Product Viewed"}},
    "inputs": {},
    "features": [{"name": "n", "of": "views", "as": "category"}],
    "crosses": [],
}

BUNDLE = json.loads((Path(__file__).parent / "vectors" / "bundle.json").read_text())
NOW_NS = 1_795_255_200_000_000_000
Body = dict[str, Any]


@pytest.fixture
def node() -> Node:
    """Serve the contract's bundle, whose shop banner asks how likely the visitor is to leave."""
    model = {"digest": "sha256:00", "spec": json.dumps(SPEC), "outputs": ["engaged", "exit_now"]}
    segments = {**BUNDLE["segments"], "looker": "visit.exit_risk > 0.5"}
    bundle = {**BUNDLE, "segments": segments, "models": {"journey_intent": model}}
    return Node(Engine.from_bundle(json.dumps(bundle).encode()), node="n-1", generation=1)


def request(intent: str = "browse", session: str = "s-1") -> Body:
    return {
        "requestId": "r-1",
        "decisionPoints": ["shop.banner"],
        "identity": {"sessionId": session},
        "signals": {"visit.intent": intent},
        "consent": {"purposes": {"personalize_content": True}},
    }


def begin(node: Node, body: Body, *, debug: bool = False) -> bytes | Pending:
    return node.begin(json.dumps(body).encode(), now_ns=NOW_NS, debug=debug)


def content(answer: bytes | Pending) -> str:
    assert isinstance(answer, bytes)
    value: str = json.loads(answer)["decisions"]["shop.banner"]["value"]["content"]
    return value


def test_a_request_that_no_model_can_change_is_answered_at_once(node: Node) -> None:
    assert content(begin(node, request("buy"))) == "shop/plain"


@pytest.mark.parametrize(("exit_now", "expected"), [(0.9, "shop/compare"), (0.1, "shop/hello")])
def test_a_model_sets_a_signal_and_rules_choose(node: Node, exit_now: float, expected: str) -> None:
    pending = begin(node, request())
    assert isinstance(pending, Pending)
    [(name, ids, vals)] = pending.runs

    assert ("journey_intent", (1, 4), np.int32, np.float32) == (name, ids.shape, ids.dtype, vals.dtype)
    assert expected == content(node.resume(pending, {name: [(0.5, exit_now)]}))


@pytest.mark.parametrize("outputs", [{}, {"journey_intent": [None]}, {"journey_intent": []}, {"other": [(0.9, 0.9)]}])
def test_a_model_that_is_given_up_leaves_its_signal_missing(node: Node, outputs: dict[str, Any]) -> None:
    pending = begin(node, request())
    assert isinstance(pending, Pending)

    answer = node.resume(pending, outputs)

    assert content(answer) == content(node.decide(json.dumps(request()).encode(), now_ns=NOW_NS)) == "shop/hello"


def test_a_batch_asks_a_model_once_for_all_its_requests(node: Node) -> None:
    body = {"requests": [request(), {"decisionPoints": 7}, request("buy"), request(session="s-2")]}
    pending = node.begin_batch(json.dumps(body).encode(), now_ns=NOW_NS)
    assert isinstance(pending, Pending)
    [(name, ids, _)] = pending.runs
    answer = node.resume(pending, {name: [(0.0, 0.9), None]})
    assert isinstance(answer, bytes)

    responses = json.loads(answer)["responses"]

    assert ids.shape == (2, 4)
    contents = [response.get("decisions", {}).get("shop.banner", {}).get("value") for response in responses]
    assert contents == [{"content": "shop/compare"}, None, {"content": "shop/plain"}, {"content": "shop/hello"}]
    assert responses[1]["status"] == 400


def test_requests_of_one_session_in_a_batch_come_one_after_another(node: Node) -> None:
    body = {"requests": [request(), request(session="s-2"), request("buy"), request()]}
    first = node.begin_batch(json.dumps(body).encode(), now_ns=NOW_NS)
    assert isinstance(first, Pending)
    second = node.resume(first, {"journey_intent": [(0.0, 0.9), (0.0, 0.9)]})
    assert isinstance(second, Pending)
    assert [ids.shape[0] for pending in (first, second) for _, ids, _ in pending.runs] == [2, 1]

    answer = node.resume(second, {"journey_intent": [(0.0, 0.1)]})

    assert isinstance(answer, bytes)
    contents = [
        response["decisions"]["shop.banner"]["value"]["content"] for response in json.loads(answer)["responses"]
    ]
    assert contents == ["shop/compare", "shop/compare", "shop/plain", "shop/hello"]


@pytest.mark.parametrize("reason", ["absent", "budget", "resting", "late", "failed", None])
def test_why_there_is_no_answer_may_be_said(node: Node, reason: str | None) -> None:
    pending = begin(node, request() | {"options": {"explain": "full"}}, debug=True)
    assert isinstance(pending, Pending)

    answer = node.resume(pending, {"journey_intent": [reason]})

    assert isinstance(answer, bytes)
    record = json.loads(answer)["decisions"]["shop.banner"]["explanation"]["record"]
    assert record["models"]["journey_intent"]["reason"] == (reason or "failed")


def test_only_in_words_that_are_known(node: Node) -> None:
    pending = begin(node, request())
    assert isinstance(pending, Pending)
    with pytest.raises(ValueError, match="`tired` is no reason to give a model up"):
        node.resume(pending, {"journey_intent": ["tired"]})

    assert content(node.resume(pending, {})) == "shop/hello"


def test_decisions_are_resumed_once(node: Node) -> None:
    pending = begin(node, request())
    assert isinstance(pending, Pending)
    node.resume(pending, {})

    with pytest.raises(ValueError, match="resumed before"):
        node.resume(pending, {})
