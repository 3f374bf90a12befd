"""`POST /v1/decide` over real HTTP: the contract's own example, headers, consent, content types, methods."""

import re
import time
from pathlib import Path

import pytest

EXAMPLE_BOOK = Path(__file__).parents[2] / "examples" / "book"

REQUEST = {
    "requestId": "r-1",
    "decisionPoints": ["returns.header", "returns.next_step"],
    "identity": {"userId": "u-1", "anonymousId": "a-1", "sessionId": "s-1", "journeyId": None, "accountId": None},
    "signals": {
        "order.channel": "online",
        "order.days_since_delivery": 45,
        "order.final_sale": False,
        "visit.intent": "return_item",
        "customer.returns_12m": 0,
        "customer.support_contacts_90d": {"value": 2, "observedAt": "2026-11-21T09:00:00Z"},
    },
    "events": [
        {
            "id": "e1",
            "event": "Product Viewed",
            "timestamp": "2026-11-21T09:59:00Z",
            "properties": {"category": "shoes"},
        }
    ],
    "consent": {
        "purposes": {"personalize_content": True, "measure": True},
        "gpc": False,
        "tcf": None,
        "gpp": None,
        "gppSid": [],
    },
    "context": {"timezone": "Europe/Berlin", "country": "DE"},
    "options": {"explain": "short", "dryRun": False, "at": "2026-11-21T10:00:00Z"},
}
HEADER = {
    "action": "render",
    "value": {"content": "returns/closed-window", "tone": "reassuring", "call_back": True},
    "reason": "SPLIT",
    "scenario": "in-store-return",
    "pathway": "after_window",
    "segment": "needs_help",
    "arm": "personalized",
    "inExperiment": True,
    "explanation": {
        "text": "You contacted us recently, so a call-back is one tap away.",
        "signals": ["your contacts with us"],
    },
}


@pytest.fixture(scope="module")
def example_node(tmp_path_factory, running_node):
    node = running_node(tmp_path_factory.mktemp("example") / "data", book=EXAMPLE_BOOK)
    yield node
    node.end()


def test_the_contracts_request_gets_the_contracts_answer(example_node):
    answer = example_node.client.post("/v1/decide", json=REQUEST).json()
    decisions = answer.pop("decisions")
    assert decisions["returns.header"] == HEADER | {"decisionId": decisions["returns.header"]["decisionId"]}
    assert set(decisions) == {"returns.header", "returns.next_step"}
    assert re.fullmatch("sha256:[0-9a-f]{64}", answer.pop("bundle"))
    assert answer.pop("cacheKey")
    assert answer == {"requestId": "r-1", "generation": 1, "node": "n-1", "eventsAccepted": 1, "warnings": []}


@pytest.mark.parametrize(
    ("user", "arm", "segment", "value"),
    [
        ("u-2", "default", None, {"content": "returns/closed-window", "tone": "reassuring"}),
        ("u-17", "as_is", None, None),
        ("u-24", None, None, None),
    ],
)
def test_the_arm_follows_the_user(example_node, user, arm, segment, value):
    request = REQUEST | {"identity": {"userId": user}}
    decision = example_node.client.post("/v1/decide", json=request).json()["decisions"]["returns.header"]
    assert (decision["arm"], decision["segment"], decision["value"]) == (arm, segment, value)
    assert (decision["scenario"], decision["pathway"]) == ("in-store-return", "after_window")


def test_every_hot_answer_is_private_and_timed(shared_node):
    answer = shared_node.client.post("/v1/decide", json={"decisionPoints": ["home.banner"]})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "private, no-store"
    assert re.fullmatch(r"total;dur=\d+\.\d{3}", answer.headers["server-timing"])
    assert "server" not in answer.headers


def test_a_point_that_does_not_exist_fails_alone(shared_node):
    answer = shared_node.decide(decisionPoints=["home.banner", "home.typo"])["decisions"]
    assert answer["home.typo"]["reason"] == "ERROR"
    assert answer["home.typo"]["action"] == "own"
    assert answer["home.banner"]["scenario"] == "views"


def test_the_gpc_header_refuses_what_the_book_marks(shared_node):
    request = {
        "decisionPoints": ["home.banner"],
        "signals": {"page.kind": "home", "visitor.tier": "gold"},
        "consent": {"purposes": {"personalize_content": True}},
    }

    def limited_by(headers):
        answer = shared_node.client.post("/v1/decide", json=request, headers=headers).json()
        return answer["decisions"]["home.banner"].get("limitedBy")

    assert limited_by({}) is None
    assert limited_by({"sec-gpc": "0"}) is None
    assert limited_by({"sec-gpc": "1"}) == ["personalize_content"]


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"]
)
def test_json_is_read_whatever_it_is_called(shared_node, content_type):
    headers = {"content-type": content_type} if content_type else {}
    answer = shared_node.client.post("/v1/decide", content=b'{"decisionPoints":["home.banner"]}', headers=headers)
    assert answer.status_code == 200


def test_a_dry_run_keeps_nothing(shared_node, view):
    assert shared_node.pathway("dry", events=[view()], options={"dryRun": True}) == "views_1"
    assert shared_node.pathway("dry") == "views_0"


def test_a_batch_answers_in_order_with_a_problem_in_the_place_of_a_bad_item(shared_node):
    good = {"requestId": "b-0", "decisionPoints": ["home.banner"]}
    bad = {"requestId": "b-1", "decisionPoints": "home.banner"}
    answer = shared_node.client.post("/v1/decide/batch", json={"requests": [good, bad, good | {"requestId": "b-2"}]})
    assert answer.status_code == 200
    first, problem, last = answer.json()["responses"]
    assert (first["requestId"], last["requestId"]) == ("b-0", "b-2")
    assert (problem["status"], problem["field"]) == (400, "decisionPoints")


def test_the_same_request_gets_the_same_decisions_from_every_worker(shared_node):
    request = {"requestId": "same", "identity": {"userId": "u-1"}, "options": {"at": "2026-11-21T10:00:00Z"}}
    answers = [shared_node.decide(client=client, **request) for client in shared_node.clients_of_each_worker()]
    assert len(answers) == 2
    assert answers[0] == answers[1]


def test_a_slow_upload_is_not_counted_as_our_time(shared_node):
    def slowly():
        yield b'{"decisionPoints": '
        time.sleep(0.6)
        yield b'["home.banner"]}'

    answer = shared_node.client.post("/v1/decide", content=slowly())
    assert answer.status_code == 200
    assert float(answer.headers["server-timing"].removeprefix("total;dur=")) < 500
