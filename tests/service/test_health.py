"""Health, status, metrics, defaults: what whoever runs the node and whoever builds on it can see."""

from collections import Counter

import pytest


def test_a_node_is_live_and_ready(shared_node):
    assert shared_node.client.get("/livez").json() == {"live": True}
    ready = shared_node.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "generation": 1, "workers": 2})


def test_status_shows_the_fast_loop_and_parser_in_every_worker(shared_node):
    status = shared_node.status()
    assert [worker["worker"] for worker in status["workers"]] == [0, 1]
    assert {worker["loop"] for worker in status["workers"]} == {"uvloop"}
    assert {worker["http"] for worker in status["workers"]} == {"httptools"}
    assert len({worker["pid"] for worker in status["workers"]}) == 2


def test_status_names_what_is_served(shared_node):
    status = shared_node.status()
    digest = shared_node.decide()["bundle"]
    assert (status["node"], status["generation"], status["digest"]) == ("n-1", 1, digest)
    assert (status["source"], status["ready"], status["degraded"]) == ("book", True, [])
    assert {worker["digest"] for worker in status["workers"]} == {digest}
    assert status["ageSeconds"] >= 0


def test_metrics_are_summed_over_the_workers_whoever_answers(shared_node, view):
    before = shared_node.metrics()
    clients = shared_node.clients_of_each_worker()
    for client in clients:
        for _ in range(3):
            shared_node.decide("metrics", events=[view()], client=client)
    for client in clients:
        after = shared_node.metrics(client)
        decided = {name: after[name] - before[name] for name in after if name.startswith("edgewise_decisions_total")}
        assert sum(decided.values()) == 6
        accepted = 'edgewise_events_total{result="accepted"}'
        assert after[accepted] - before[accepted] == 6
        assert (after["edgewise_ready"], after["edgewise_workers"]) == (1, 2)
        assert after["edgewise_bundle_generation"] == 1


def test_every_answer_is_counted_by_route_and_class(shared_node):
    client = shared_node.client
    before = shared_node.metrics()
    asked = [
        *[("decide", client.post("/v1/decide", json={"decisionPoints": ["home.banner"]})) for _ in range(2)],
        ("decide", client.post("/v1/decide", content=b"{")),
        ("decide_batch", client.post("/v1/decide/batch", json={"requests": []})),
        ("events", client.get("/v1/events")),
        ("defaults", client.get("/v1/defaults")),
        ("state", client.delete("/v1/state/session/x")),
        ("state", client.delete("/v1/state/planet/x")),
        ("other", client.get("/v1/nothing")),
    ]
    after = shared_node.metrics()
    expected = Counter((route, f"{answer.status_code // 100}xx") for route, answer in asked)
    expected["other", "2xx"] = 1  # the first look at the metrics
    names = {key: f'edgewise_requests_total{{route="{key[0]}",status="{key[1]}"}}' for key in expected}
    assert {key: after[name] - before[name] for key, name in names.items()} == expected
    timed = 'edgewise_request_duration_seconds_count{route="decide"}'
    assert after[timed] - before[timed] == 3


def test_metrics_name_no_visitor(shared_node, view):
    shared_node.decide("secret-session", events=[view()])
    assert "secret-session" not in shared_node.client.get("/metrics").text


def test_defaults_carry_a_tag_and_are_not_sent_twice(shared_node):
    answer = shared_node.client.get("/v1/defaults")
    assert answer.json() == {
        "bundle": shared_node.status()["digest"],
        "decisionPoints": {
            "home.banner": {
                "fallback": {"content": "home/plain"},
                "reads": answer.json()["decisionPoints"]["home.banner"]["reads"],
            }
        },
    }
    reads = {read["signal"]: read for read in answer.json()["decisionPoints"]["home.banner"]["reads"]}
    assert reads["visitor.tier"]["purposes"] == ["personalize_content"]
    for tags in (answer.headers["etag"], f'"x", W/{answer.headers["etag"]}', "*"):
        again = shared_node.client.get("/v1/defaults", headers={"if-none-match": tags})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    assert shared_node.client.get("/v1/defaults", headers={"if-none-match": '"x"'}).status_code == 200


@pytest.mark.parametrize("path", ["/schema", "/schema/openapi.json", "/docs"])
def test_no_pages_but_ours(shared_node, path):
    assert shared_node.client.get(path).status_code == 404
