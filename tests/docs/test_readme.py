"""The README's first screen and the events of docs/http.md, sent to a real node on the example book."""

import ast
import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server import free_port, serving

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
REQUEST = json.loads(re.search(r"curl .*? -d '(\{.*?\n\})'", README, re.DOTALL)[1])
ANSWER = json.loads(re.search(r"```json\n(.*?)```", README, re.DOTALL)[1])
POINT = "returns.header"
EVENTS = re.search(r"/v1/events .*? -d '(\[.*?\n\])'", (ROOT / "docs/http.md").read_text(), re.DOTALL)[1]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    with serving(ROOT / "examples/book", port, tmp_path_factory.mktemp("readme"), workers=1):
        yield port


def post(port: int, path: str, body: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def ask(port: int, request: dict[str, Any]) -> dict[str, Any]:
    status, answer = post(port, "/v1/decide", json.dumps(request))
    assert status == 200, answer
    return answer


def test_the_events_shown_are_taken(port: int) -> None:
    status, answer = post(port, "/v1/events", EVENTS)

    assert (status, answer["errors"]) == (202, [])
    assert answer["accepted"] == len(json.loads(EVENTS))


def test_the_request_gets_the_answer_shown(port: int) -> None:
    answer = ask(port, REQUEST)

    shown = ANSWER["decisions"][POINT]
    assert {key: answer["decisions"][POINT][key] for key in shown} == shown
    assert list(answer["decisions"][POINT]["value"]) == list(shown["value"])
    assert answer["warnings"] == []


def test_without_consent_the_segment_is_not_served(port: int) -> None:
    refused = REQUEST | {"consent": {"purposes": {"personalize_content": False}}}
    decision = ask(port, refused)["decisions"][POINT]

    assert (decision["reason"], decision["segment"]) == ("TARGETING_MATCH", None)
    assert decision["limitedBy"] == ["personalize_content"]


@pytest.mark.parametrize(("user", "arm", "action"), [("u-2", "default", "render"), ("u-17", "as_is", "own")])
def test_other_users_fall_in_the_arms_named(port: int, user: str, arm: str, action: str) -> None:
    identity = {"userId": user, "sessionId": f"s-{user}"}
    decision = ask(port, REQUEST | {"identity": identity})["decisions"][POINT]

    assert (decision["arm"], decision["action"], decision["inExperiment"]) == (arm, action, True)


def test_the_conformance_figures_are_those_the_tests_hold() -> None:
    source = (ROOT / "tests/contract/test_cel_conformance.py").read_text()
    counts = ast.literal_eval(re.search(r"^COUNTS = (\{.*\})$", source, re.MULTILINE)[1])
    agree, refused = (sum(pair[side] for pair in counts.values()) for side in (0, 1))

    assert f"of {agree + refused} cases {agree} are inside our subset" in README
    assert f"other {refused} are refused" in README
