"""Overload: what there is no time for gets its fallback at once, changes nothing, and is seen in status and metrics."""

import contextlib
import json
import os
import signal
import socket
import time

import httpx
import pytest

from edgewise.edge.age import BELIEVED_MAX_S

CROWD = 800  # more than twenty milliseconds of work, also where the machine has nothing else to do
TRIES = 5
REPORTED_S = 1.5  # workers say of themselves once a second
DECISION = (
    *("decisionId", "action", "value", "reason", "scenario", "pathway", "segment", "arm"),
    *("inExperiment", "explanation"),
)


class Crowd:
    """Many callers, each on a connection of its own, all asking at one moment: the worker is held still meanwhile."""

    def __init__(self, node, size=CROWD):
        self._pid = node.status()["workers"][0]["pid"]
        self._address = (node.client.base_url.host, node.client.base_url.port)
        self._description = node.description
        self._sockets = [socket.create_connection(self._address, 20) for _ in range(size)]
        for one in self._sockets:
            self._send(one, "GET", "/livez", b"")
            self._read(one)

    def ask(self, path, bodies, headers=""):
        """Send everything at once and give every answer as `(status, headers, body)`."""
        os.kill(self._pid, signal.SIGSTOP)
        try:
            for one, body in zip(self._sockets, bodies, strict=True):
                self._send(one, "POST", path, body, headers)
        finally:
            os.kill(self._pid, signal.SIGCONT)
        answers = [self._read(one) for one in self._sockets]
        for status, found, body in [answers[0], answers[-1]]:
            answer = httpx.Response(status, headers=found, content=body)
            self._description.hold("POST", path, answer)
        return answers

    def close(self):
        for one in self._sockets:
            one.close()

    def _send(self, one, method, path, body, headers=""):
        head = f"{method} {path} HTTP/1.1\r\nhost: node\r\n{headers}content-length: {len(body)}\r\n\r\n"
        one.sendall(head.encode() + body)

    def _read(self, one):
        with one.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
            headers = dict(line.decode().strip().lower().split(": ", 1) for line in iter(answer.readline, b"\r\n"))
            return status, headers, answer.read(int(headers["content-length"]))


@pytest.fixture(scope="module")
def node(running_node, tmp_path_factory):
    node = running_node(tmp_path_factory.mktemp("busy") / "data", workers=1)
    yield node
    node.end()


@pytest.fixture(scope="module")
def crowd(node):
    crowd = Crowd(node)
    yield crowd
    crowd.close()


def requests(view, session, count=CROWD):
    one = {
        "decisionPoints": ["home.banner"],
        "signals": {"page.kind": "home"},
        "consent": {"purposes": {"personalize_content": True}},
    }
    ids = [(f"r-{session}-{number}", f"{session}-{number}") for number in range(count)]
    return [
        one | {"requestId": request, "identity": {"sessionId": key}, "events": [view()] if session else []}
        for request, key in ids
    ]


def shed(answers):
    """The answers by whether they were shed."""
    bodies = [json.loads(body) for _, _, body in answers]
    reasons = [body["decisions"]["home.banner"]["reason"] for body in bodies]
    return (
        [body for body, reason in zip(bodies, reasons, strict=True) if reason == "SHED"],
        [body for body, reason in zip(bodies, reasons, strict=True) if reason != "SHED"],
    )


def shed_and_full(crowd, make):
    """Ask until some of a crowd were shed and some not: on a machine that is busy otherwise all may be late."""
    for attempt in range(TRIES):
        asked = make(attempt)
        out, full = shed(crowd.ask("/v1/decide", encode(asked)))
        if out and full:
            return asked, out, full
    raise AssertionError("all of every crowd were answered alike")


def encode(documents):
    return [json.dumps(document).encode() for document in documents]


def test_a_crowd_is_answered_whole_part_of_it_with_fallbacks(node, crowd, view):
    before = node.metrics()
    asked = requests(view, "crowd")
    answers = crowd.ask("/v1/decide", encode(asked))
    assert {status for status, _, _ in answers} == {200}
    out, _ = shed(answers)
    assert out, "so many at once are more than twenty milliseconds of work"
    fallback = node.client.get("/v1/defaults").json()["decisionPoints"]["home.banner"]["fallback"]
    for answer in out:
        decision = answer["decisions"]["home.banner"]
        assert (answer["eventsAccepted"], answer["warnings"]) == (0, [])
        assert (decision["action"], decision["value"], decision["inExperiment"]) == ("render", fallback, False)
        assert {decision[name] for name in ("scenario", "pathway", "segment", "arm", "explanation")} == {None}
    assert [json.loads(body)["requestId"] for _, _, body in answers] == [one["requestId"] for one in asked]
    after = node.metrics()
    counted = [f'edgewise_shed_total{{cause="{cause}",route="decide"}}' for cause in ("gate", "age", "queue")]
    assert sum(after[name] - before[name] for name in counted) == len(out)
    assert after[counted[0]] > before[counted[0]]
    decided = 'edgewise_decisions_total{reason="SHED"}'
    assert after[decided] - before[decided] == len(out)
    answered = 'edgewise_requests_total{route="decide",status="2xx"}'
    assert after[answered] - before[answered] == CROWD


def test_a_shed_request_commits_nothing(node, crowd, view):
    asked, out, full = shed_and_full(crowd, lambda attempt: requests(view, f"commits-{attempt}"))
    sessions = {one["requestId"]: one["identity"]["sessionId"] for one in asked}
    pathway = {one["eventsAccepted"]: node.pathway(sessions[one["requestId"]]) for one in (out[0], full[0])}
    assert pathway[1] != pathway[0] == node.pathway("never-seen"), "the session of the one that was shed is new"


def test_shed_answers_look_like_all_others(node, crowd, view):
    _, out, full = shed_and_full(crowd, lambda _: requests(view, ""))
    assert {tuple(answer) for answer in out} == {tuple(answer) for answer in full}
    assert {tuple(answer["decisions"]["home.banner"]) for answer in (*out, *full)} == {DECISION}
    for _, headers, _ in crowd.ask("/v1/decide", encode(requests(view, ""))):
        assert (headers["cache-control"], headers["content-type"]) == ("private, no-store", "application/json")
        assert headers["server-timing"].startswith("total;dur=")


def test_an_asked_point_that_is_unknown_is_an_error_in_a_shed_answer_too(node, crowd):
    body = json.dumps({"decisionPoints": ["no.such", "home.banner"]}).encode()
    out, _ = shed(crowd.ask("/v1/decide", [body] * CROWD))
    assert out[0]["decisions"]["no.such"]["error"]["code"] == "unknown_decision_point"


def test_what_is_malformed_is_refused_in_a_crowd_too(crowd):
    answers = crowd.ask("/v1/decide", [b'{"decisionPoints": ['] * CROWD)
    assert {status for status, _, _ in answers} == {400}


def test_batches_are_shed_item_by_item(node, crowd, view):
    batch = json.dumps({"requests": requests(view, "batch", 100)}).encode()
    reasons = []
    answers = crowd.ask("/v1/decide/batch", [batch] * CROWD)
    assert {status for status, _, _ in answers} == {200}
    for _, _, body in answers:
        items = json.loads(body)["responses"]
        assert [item["requestId"] for item in items] == [f"r-batch-{number}" for number in range(100)]
        reasons.append({item["decisions"]["home.banner"]["reason"] for item in items})
    assert {"SHED"} in reasons
    assert not [one for one in reasons if "SHED" in one and len(one) > 1], "a batch is shed whole or not at all"


def test_whatever_is_offered_everything_is_answered_and_the_node_goes_on_deciding(node, crowd, view):
    batch = json.dumps({"requests": requests(view, "", 60)}).encode()
    full = 0
    for _ in range(4):
        answers = crowd.ask("/v1/decide/batch", [batch] * CROWD)
        assert {status for status, _, _ in answers} == {200}
        reasons = [json.loads(body)["responses"][0]["decisions"]["home.banner"]["reason"] for _, _, body in answers]
        assert "SHED" in reasons
        full += len(reasons) - reasons.count("SHED")
    assert full >= 4, "of every round at least the first in line is decided"
    costs = node.wait_until(lambda node: node.status()["workers"][0]["admission"]["costsUs"])
    assert costs["decide_batch_shed"] < costs["decide_batch"]
    assert "SHED" not in {node.decide()["decisions"]["home.banner"]["reason"] for _ in range(20)}


def test_events_that_there_is_no_time_for_are_to_be_sent_again(node, crowd, view):
    event = json.dumps([view(sessionId="again")]).encode()
    answers = crowd.ask("/v1/events", [event] * CROWD)
    refused = [headers for status, headers, _ in answers if status == 503]
    assert {status for status, _, _ in answers} == {202, 503}
    assert {headers["retry-after"] for headers in refused} == {"1"}


def test_status_and_metrics_show_what_requests_cost(node):
    worker = node.wait_until(lambda node: node.status()["workers"][0])
    admission = worker["admission"]
    assert (admission["on"], admission["budgetMs"]) == (True, 20.0)
    assert 0 <= admission["level"] <= 1
    assert set(admission["costsUs"]) == {
        *("decide", "decide_batch", "decide_shed", "decide_batch_shed"),
        *("aside", "server"),
    }
    assert all(0 < cost < 5_000 for cost in admission["costsUs"].values())
    metrics = node.metrics()
    assert 0 <= metrics['edgewise_admission_level{worker="0"}'] <= 1
    assert metrics['edgewise_admission_cost_seconds{of="server",worker="0"}'] > 0
    assert metrics["edgewise_gc_pause_seconds_count"] > 0


def test_refused_batches_teach_nothing_of_what_batches_cost(node, view):
    def cost_us():
        time.sleep(REPORTED_S)
        return node.status()["workers"][0]["admission"]["costsUs"]["decide_batch"]

    whole = encode([{"requests": requests(view, "known", 50)}])[0]
    for _ in range(100):
        assert node.client.post("/v1/decide/batch", content=whole).status_code == 200
    known_us = cost_us()
    for _ in range(100):
        assert node.client.post("/v1/decide/batch", content=whole[:-1]).status_code == 400
        late = {"x-request-start": f"t={time.time() - 5:.3f}"}
        assert b"SHED" in node.client.post("/v1/decide/batch", content=whole, headers=late).content
    assert cost_us() == pytest.approx(known_us, rel=0.01)


def test_one_caller_alone_is_never_shed(node):
    reasons = {node.decide()["decisions"]["home.banner"]["reason"] for _ in range(300)}
    assert "SHED" not in reasons


def test_without_admission_everything_waits_its_turn(start_node, view):
    node = start_node("--no-admission", workers=1)
    crowd = Crowd(node)
    out, full = shed(crowd.ask("/v1/decide", encode(requests(view, "off"))))
    crowd.close()
    assert (out, len(full)) == ([], CROWD)
    assert node.status()["workers"][0]["admission"]["on"] is False
    assert reason(node, f"t={time.time() * 1e3 - 5_000:.0f}") != "SHED"


def reason(node, started, client=None):
    body = {"decisionPoints": ["home.banner"], "signals": {"page.kind": "home"}}
    answer = (client or node.client).post("/v1/decide", json=body, headers={"x-request-start": started})
    assert answer.status_code == 200
    return answer.json()["decisions"]["home.banner"]["reason"]


@pytest.mark.parametrize("form", ["t={ms:.0f}", "t={s:.3f}", "{ms:.0f}", "{s:.6f}"])
def test_a_request_that_a_proxy_kept_too_long_is_shed(node, form):
    before = node.metrics()
    at = time.time()
    assert reason(node, form.format(s=at - 5, ms=(at - 5) * 1e3)) == "SHED"
    assert reason(node, form.format(s=at + 5, ms=(at + 5) * 1e3)) != "SHED"
    below, above = at - BELIEVED_MAX_S + 30, at - BELIEVED_MAX_S
    assert reason(node, form.format(s=below, ms=below * 1e3)) == "SHED"
    assert reason(node, form.format(s=above, ms=above * 1e3)) != "SHED", "one of two clocks was set"
    counted = 'edgewise_shed_total{cause="age",route="decide"}'
    assert node.metrics()[counted] - before[counted] == 2


@pytest.mark.parametrize("word", ["yesterday", "", "t=", "t=-5", "t=1e3", "t=1.2.3", "t=" + "9" * 40])
def test_a_start_that_is_not_plain_is_no_start(node, word):
    assert reason(node, word) != "SHED"


def test_only_trusted_proxies_are_believed(start_node):
    node = start_node("--trusted-proxy", "192.0.2.0/24", workers=1)
    assert reason(node, "t=1000") != "SHED"


def test_a_unix_socket_serves_besides_and_is_trusted(start_node, tmp_path):
    path = tmp_path / "edgewise.sock"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as left_over:
        left_over.bind(str(path))
    node = start_node("--uds", path, "--trusted-proxy", "unix", workers=1)
    assert path.stat().st_mode & 0o777 == 0o660
    transport = httpx.HTTPTransport(uds=str(path))
    with httpx.Client(transport=transport, base_url="http://node") as client:
        assert client.get("/readyz").json()["ready"] is True
        late = f"t={(time.time() - 1) * 1e3:.0f}"
        assert reason(node, late, client) == "SHED"
    assert reason(node, late) != "SHED", "callers over TCP are not trusted here"
    assert node.stop() == 0
    assert not path.exists()
