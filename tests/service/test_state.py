"""Events and state through the service: visible to the next decision of any worker, idempotent, erasable."""

import json

import pytest


def post_events(node, events, **how):
    answer = node.client.post("/v1/events", **(how or {"json": events}))
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_events_of_a_request_count_for_its_own_decision_and_the_next_one_of_any_worker(shared_node, view):
    first, second = shared_node.clients_of_each_worker()
    answer = shared_node.decide("across", events=[view(), view()], client=first)
    assert answer["eventsAccepted"] == 2
    assert answer["decisions"]["home.banner"]["pathway"] == "views_2"
    assert shared_node.pathway("across", client=second) == "views_2"
    assert shared_node.pathway("across", events=[view()], client=second) == "views_3"
    assert shared_node.pathway("across", client=first) == "views_3"


def test_the_events_route_takes_an_array(shared_node, view):
    answer = post_events(shared_node, [view(sessionId="array"), view(sessionId="array")])
    assert answer == {"accepted": 2, "rejected": 0, "errors": []}
    assert shared_node.pathway("array") == "views_2"


def test_the_events_route_takes_lines_under_any_name(shared_node, view):
    lines = "\n".join(json.dumps(view(sessionId="lines")) for _ in range(3)).encode()
    for content_type in ("application/x-ndjson", "application/json", "text/plain"):
        answer = post_events(shared_node, None, content=lines, headers={"content-type": content_type})
        assert (answer["accepted"], answer["rejected"]) == (3, 0)
    assert shared_node.pathway("lines") == "views_3"


@pytest.mark.parametrize(
    "body", [b"{", b"not json", b"7", b'[{"id": "e-1"}', b'{"id": "e-1",\n "event": "Product Viewed"}']
)
def test_what_is_neither_an_array_nor_lines_is_refused_as_a_whole(shared_node, body):
    answer = shared_node.client.post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_sending_again_is_harmless(shared_node, view):
    event = view(sessionId="again")
    for _ in range(3):
        assert post_events(shared_node, [event])["accepted"] == 1
    assert shared_node.pathway("again", events=[event]) == "views_1"


def test_a_bad_event_is_rejected_by_its_index_and_the_rest_are_taken(shared_node, view):
    good = view(sessionId="bad")
    late = view(sessionId="bad", timestamp="2999-01-01T00:00:00Z")
    answer = post_events(shared_node, [good, {"event": "No Id"}, late, 7, view(sessionId="bad")])
    assert (answer["accepted"], answer["rejected"]) == (2, 3)
    assert [error["index"] for error in answer["errors"]] == [1, 2, 3]
    assert all(error["code"] and error["detail"] for error in answer["errors"])
    assert shared_node.pathway("bad") == "views_2"


def test_a_journey_is_a_record_of_its_own(shared_node, view):
    post_events(shared_node, [view("Help Asked", sessionId="with-j", journeyId="j-1"), view(sessionId="with-j")])
    request = {"identity": {"sessionId": "other", "journeyId": "j-1", "userId": "u-1"}, "options": {"explain": "full"}}
    assert shared_node.pathway("with-j") == "views_1"
    assert "asker" in json.dumps(shared_node.decide(**request)["decisions"]["home.banner"])


def test_erasing_forgets_one_key(shared_node, view):
    for session in ("erase/me 1", "erase"):
        shared_node.decide(session, events=[view()])
    assert shared_node.client.delete("/v1/state/session/erase%2Fme%201").status_code == 204
    assert shared_node.pathway("erase/me 1") == "views_0"
    assert shared_node.pathway("erase") == "views_1"
    assert shared_node.client.delete("/v1/state/session/never-seen").status_code == 204


def test_an_id_as_long_as_one_may_be_is_kept_and_can_be_erased(shared_node, view):
    longest = "ü" * 256  # 512 bytes
    shared_node.decide(longest, events=[view()])
    assert shared_node.pathway(longest) == "views_1"
    assert shared_node.client.delete(f"/v1/state/session/{longest}").status_code == 204
    assert shared_node.pathway(longest) == "views_0"
    too_long = {"decisionPoints": ["home.banner"], "identity": {"sessionId": longest + "x"}}
    assert shared_node.client.post("/v1/decide", json=too_long).status_code == 400


@pytest.mark.parametrize("path", [b"/v1/state/%73ession/spelled", b"/v1//state/session/spelled"])
def test_a_path_spelled_otherwise_erases_nothing_and_says_so(shared_node, view, path):
    shared_node.decide("spelled", events=[view(id="spelled-once")])
    url = shared_node.client.base_url.copy_with(raw_path=path)
    assert shared_node.client.delete(url).status_code == 404
    assert shared_node.pathway("spelled") == "views_1"


def test_erasing_an_unknown_scope_is_404(shared_node):
    answer = shared_node.client.delete("/v1/state/planet/x")
    assert (answer.status_code, answer.json()["field"]) == (404, "scope")


def test_a_large_batch_of_events_is_taken(shared_node, view):
    events = [view(sessionId=f"crowd-{number % 100}") for number in range(2000)]
    assert post_events(shared_node, events)["accepted"] == 2000
    assert shared_node.pathway("crowd-0") == "views_9"
