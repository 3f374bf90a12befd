"""Workers and the slot, without the command that fills it: what they serve follows what lies there."""

import os
import signal
import sys
from pathlib import Path

import pytest

from edgewise import book
from edgewise._core import Sessions
from edgewise.bundle.contact import ContactFile
from edgewise.bundle.locks import try_to_hold
from edgewise.bundle.slot import SlotWriter

BOOKS = Path(__file__).parent / "books"
WORKERS = """
import sys
from edgewise.edge.listener import listen, url_of
from edgewise.edge.settings import Settings
from edgewise.edge.supervisor import Supervisor
settings = Settings(node="n-1", data_dir=sys.argv[1], workers=int(sys.argv[2]), allow_at=False)
with listen("127.0.0.1", 0, anywhere=False) as listener:
    print(url_of(listener), flush=True)
    Supervisor(settings, [listener], on_ready=lambda: None, renew=lambda: settings).run()
"""
POINT = {"decisionPoints": ["home.banner"]}


@pytest.fixture
def writer(tmp_path):
    with SlotWriter.open(tmp_path / "data") as writer:
        (tmp_path / "data" / "run").mkdir()
        agent = try_to_hold(ContactFile(tmp_path / "data").lock)
        Sessions.prepare(tmp_path / "data" / "sessions")
        yield writer
        os.close(agent)


@pytest.fixture
def waiting_node(request, start_node, tmp_path, writer):
    return start_node(command=[sys.executable, "-c", WORKERS, tmp_path / "data", getattr(request, "param", 1)])


def serving(generation):
    return lambda node: node.client.get("/readyz").json()["generation"] == generation


def test_without_a_bundle_a_node_is_live_but_neither_ready_nor_deciding(waiting_node):
    client = waiting_node.client
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json() == {"ready": False, "generation": None, "workers": 0}
    for answer in (
        client.post("/v1/decide", json=POINT),
        client.post("/v1/decide/batch", json={"requests": [POINT]}),
        client.post("/v1/events", json=[]),
        client.get("/v1/defaults"),
        client.delete("/v1/state/session/s"),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    status = waiting_node.status()
    assert (status["digest"], status["degraded"]) == (None, ["bundle"])


@pytest.mark.parametrize("waiting_node", [2], indirect=True)
def test_bundles_are_taken_up_as_they_come(waiting_node, writer, view):
    for generation, name in enumerate(("views", "carts", "views"), start=1):
        bundle = book.build(BOOKS / name)
        writer.write(bundle, "store")
        waiting_node.wait_until(serving(generation))
        answer = waiting_node.decide("s", events=[view()])
        assert (answer["bundle"], answer["generation"]) == (bundle.digest, generation)
        assert answer["decisions"]["home.banner"]["scenario"] == name
        assert waiting_node.client.get("/v1/defaults").json()["bundle"] == bundle.digest
    assert waiting_node.pathway("s") == "views_2"
    assert waiting_node.status()["source"] == "disk"


def test_a_bundle_that_decides_otherwise_than_its_golden_decisions_is_refused(waiting_node, writer):
    good = book.build(BOOKS / "views")
    writer.write(good, "store")
    waiting_node.wait_until(serving(1))
    document = good.document()
    document["golden"][0]["decisions"]["home.banner"]["pathway"] = "views_9"
    writer.write(type(good).of_document(document), "store")
    waiting_node.wait_until(lambda node: all(worker.get("error") for worker in node.status()["workers"]))
    assert waiting_node.status()["degraded"] == ["bundle"]
    assert waiting_node.decide()["bundle"] == good.digest
    assert waiting_node.client.get("/readyz").status_code == 200
    writer.write(good, "store")
    waiting_node.wait_until(serving(3))
    assert waiting_node.status()["degraded"] == []


def test_only_a_node_on_a_book_lets_the_clock_be_moved(waiting_node, writer):
    writer.write(book.build(BOOKS / "views"), "store")
    waiting_node.wait_until(serving(1))
    moved = POINT | {"options": {"at": "2026-01-01T00:00:00Z"}}
    answer = waiting_node.client.post("/v1/decide", json=moved)
    assert (answer.status_code, answer.json()["field"]) == (400, "options.at")
    moved["options"]["dryRun"] = True
    assert waiting_node.client.post("/v1/decide", json=moved).status_code == 200


IMPATIENT = WORKERS.replace(
    "settings = Settings(",
    """from edgewise.edge import supervisor
supervisor.RESTART_READY_S, supervisor.RESTART_RETRY_S = 15, 1
settings = Settings(""",
)


def pids(node):
    return [worker["pid"] for worker in node.status()["workers"]]


@pytest.mark.slow
def test_successors_that_serve_nothing_replace_nobody_and_are_tried_again(start_node, tmp_path, writer):
    node = start_node(command=[sys.executable, "-c", IMPATIENT, tmp_path / "data", 1])
    good = book.build(BOOKS / "views")
    writer.write(good, "store")
    node.wait_until(serving(1))
    before = pids(node)
    writer.slot.path_of(good.digest).write_bytes(b"{}")
    node.hang_up()
    node.wait_until(lambda node: "restart_given_up" in node.log.read_text(), timeout_s=40)
    node.wait_until(lambda node: pids(node) == before and node.status()["degraded"] == ["tokens"], timeout_s=40)
    assert node.client.get("/readyz").status_code == 200
    writer.slot.path_of(good.digest).write_bytes(good.data)
    node.wait_until(lambda node: node.status()["degraded"] == [] and not set(pids(node)) & set(before), timeout_s=60)


def test_a_worker_that_starts_when_the_slot_is_bad_serves_the_last_good(waiting_node, writer):
    good = book.build(BOOKS / "views")
    writer.write(good, "store")
    waiting_node.wait_until(serving(1))
    document = good.document()
    document["golden"][0]["decisions"]["home.banner"]["pathway"] = "views_9"
    for timezone in ("Europe/Berlin", "Europe/Paris"):
        writer.write(type(good).of_document(document | {"timezone": timezone}), "store")
    waiting_node.wait_until(lambda node: node.status()["degraded"] == ["bundle"])
    [killed] = pids(waiting_node)
    os.kill(killed, signal.SIGKILL)
    waiting_node.wait_until(lambda node: killed not in pids(node))
    assert waiting_node.decide()["bundle"] == good.digest
    assert waiting_node.status()["degraded"] == ["bundle"]
    writer.write(good, "store")
    waiting_node.wait_until(serving(4))
    assert waiting_node.status()["degraded"] == []
