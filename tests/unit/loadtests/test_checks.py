"""Answers under load are read, not only timed: whatever a caller could be misled by is a failure."""

import json
from copy import deepcopy
from typing import Any

import pytest

import checks
from checks import Refused, Visitor, Wrong

HEADERS = {"cache-control": "private, no-store"}
ASKED = {
    "requestId": "r-1",
    "decisionPoints": ["product.help", "product.cart"],
    "events": [{"id": "e-1"}],
    "consent": {"purposes": {"serve_visit": True, "measure": False}, "gpc": False},
}
DECISION = {"decisionId": "d", "action": "render", "value": {"content": "a"}, "reason": "SPLIT", "scenario": "s"}
DECISION |= {"arm": "default", "inExperiment": True}
ANSWER = {
    "requestId": "r-1",
    "bundle": "sha256:1",
    "generation": 3,
    "node": "n-1",
    "eventsAccepted": 1,
    "warnings": [{"code": "unknown_signal"}],
    "decisions": {
        "product.help": DECISION,
        "product.cart": DECISION | {"action": "omit", "value": None, "limitedBy": ["measure"]},
    },
}


def changed(*path: str, to: object) -> dict[str, Any]:
    answer: Any = deepcopy(ANSWER)
    place = answer
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return dict(answer)


def check(
    answer: object, *, status: int = 200, headers: dict[str, str] = HEADERS, visitor: Visitor | None = None
) -> None:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return checks.decisions(status, headers, body, ASKED, visitor or Visitor())


def test_a_right_answer_gives_its_decisions() -> None:
    visitor = Visitor()

    check(ANSWER, visitor=visitor)
    check(ANSWER, visitor=visitor)

    assert visitor.generations == {"n-1": 3}


FIRST = ("decisions", "product.help")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<html>", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "no JSON object"),
        (changed("requestId", to="r-2"), "the request's id is not given back"),
        (changed("eventsAccepted", to=0), "not all events were accepted"),
        (changed("warnings", to=[{"code": "event_rejected"}]), "warned of event_rejected"),
        (changed("generation", to=None), "no bundle is named"),
        (changed("decisions", to={"product.help": DECISION}), "not exactly the decision points that were asked for"),
        (changed("decisions", "extra", to=DECISION), "not exactly the decision points that were asked for"),
        (changed(*FIRST, to=[]), "a decision is no object"),
        (changed(*FIRST, "action", to="show"), "an action that is not known"),
        (changed(*FIRST, "reason", to="ERROR"), "a decision is an ERROR"),
        (changed(*FIRST, "reason", to="BECAUSE"), "a reason that is not known"),
        (changed(*FIRST, "decisionId", to=""), "a decision has no id"),
        (changed(*FIRST, "value", to=None), "a value does not fit its action"),
        (changed("decisions", "product.cart", "value", to={}), "a value does not fit its action"),
        (changed(*FIRST, "limitedBy", to=["serve_visit"]), "limited by a purpose that was granted"),
    ],
)
def test_an_answer_that_could_mislead_is_wrong(answer: object, message: str) -> None:
    with pytest.raises(Wrong, match=f"^{message}$"):
        check(answer)


@pytest.mark.parametrize(("status", "message"), [(503, "status 503, not 200"), (0, "no answer")])
def test_another_status_is_wrong(status: int, message: str) -> None:
    with pytest.raises(Wrong, match=message):
        check(ANSWER, status=status)


@pytest.mark.parametrize("headers", [{}, {"cache-control": "private"}, {"cache-control": "public, no-store"}])
def test_an_answer_that_a_cache_may_keep_is_wrong(headers: dict[str, str]) -> None:
    with pytest.raises(Wrong, match="Cache-Control"):
        check(ANSWER, headers=headers)


def test_bundles_only_go_forward_at_each_node() -> None:
    visitor = Visitor()
    check(ANSWER, visitor=visitor)
    check(changed("node", to="n-2") | {"generation": 1}, visitor=visitor)

    with pytest.raises(Wrong, match="one generation has two bundles"):
        check(changed("bundle", to="sha256:2"), visitor=visitor)
    with pytest.raises(Wrong, match="the generation went back"):
        check(changed("generation", to=2), visitor=visitor)
    check(changed("generation", to=4) | {"bundle": "sha256:2"}, visitor=visitor)
    visitor.begin()
    check(ANSWER, visitor=visitor)  # a bundle on trial is not everybody's


def test_a_visitor_stays_in_one_arm_and_the_next_one_may_get_another() -> None:
    visitor = Visitor()
    other = changed(*FIRST, "arm", to="personalized")
    other["decisions"]["product.cart"]["arm"] = "personalized"
    check(ANSWER, visitor=visitor)

    with pytest.raises(Wrong, match="changed arms"):
        check(other, visitor=visitor)
    visitor.begin()
    check(other, visitor=visitor)


def test_a_fallback_is_the_one_that_the_defaults_name() -> None:
    visitor = Visitor()
    visitor.learn({"bundle": "sha256:1", "decisionPoints": {"product.help": {"fallback": {"content": "a"}}}})
    fallback = changed(*FIRST, "reason", to="FALLBACK")
    check(fallback, visitor=visitor)

    fallback["decisions"]["product.help"]["value"] = {"content": "b"}
    with pytest.raises(Wrong, match="not the one of /v1/defaults"):
        check(fallback, visitor=visitor)


def test_a_node_that_sheds_takes_no_events_and_serves_fallbacks() -> None:
    visitor = Visitor()
    points = {point: {"fallback": {"content": "plain"}} for point in ANSWER["decisions"]}
    visitor.learn({"bundle": "sha256:1", "decisionPoints": points})
    shed = DECISION | {"reason": "SHED", "inExperiment": False, "value": {"content": "plain"}}
    answer = ANSWER | {"eventsAccepted": 0, "decisions": dict.fromkeys(ANSWER["decisions"], shed)}

    assert check(answer, visitor=visitor).is_degraded

    half = answer | {"decisions": answer["decisions"] | {"product.cart": DECISION}}
    for wrong in (answer | {"eventsAccepted": 1}, half):
        with pytest.raises(Wrong, match="not all events were accepted"):
            check(wrong, visitor=visitor)
    with pytest.raises(Wrong, match="not the one of /v1/defaults"):
        check(answer | {"decisions": dict.fromkeys(points, shed | {"value": {}})}, visitor=visitor)


def test_an_answer_made_without_state_is_degraded_and_its_events_may_be_lost() -> None:
    without_state = changed("warnings", to=[{"code": "state_unavailable"}])

    assert not check(ANSWER).is_degraded
    assert check(without_state).is_degraded
    assert check(without_state | {"eventsAccepted": 0}).is_degraded


def test_events_refused_for_now_are_no_mistake() -> None:
    out_of_reach = {"accepted": 1, "rejected": 1, "errors": [{"index": 1, "code": "state_unavailable"}]}
    with pytest.raises(Refused):
        checks.events(202, HEADERS, json.dumps(out_of_reach).encode(), 2)
    with pytest.raises(Refused):
        checks.events(503, HEADERS | {"retry-after": "1"}, b"", 2)
    with pytest.raises(Wrong, match="status 503"):
        checks.events(503, HEADERS, b"", 2)


def test_events_are_all_to_be_accepted() -> None:
    right = json.dumps({"accepted": 2, "rejected": 0, "errors": []}).encode()
    checks.events(202, HEADERS, right, 2)

    for status, body, sent in ((200, right, 2), (202, right, 3), (202, right.replace(b"0", b"1"), 2)):
        with pytest.raises(Wrong):
            checks.events(status, HEADERS, body, sent)


def test_defaults_have_points_and_a_tag() -> None:
    right = json.dumps({"bundle": "sha256:1", "decisionPoints": {"a": {}}}).encode()
    assert checks.defaults(200, {"etag": '"1"'}, right)["bundle"] == "sha256:1"

    for headers, body in (({}, right), ({"etag": '"1"'}, b'{"bundle": "sha256:1", "decisionPoints": {}}')):
        with pytest.raises(Wrong):
            checks.defaults(200, headers, body)
