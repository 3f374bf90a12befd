"""Workers of one node on one session store: killed, stopped, started again. Each runs the loop of the service."""

import itertools
import json
import multiprocessing
import os
import signal
import statistics
import sys
import time
from contextlib import contextmanager

import pytest

from edgewise._core import Counters, Engine, Node, Sessions, sum_counters

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals and /proc as Linux has them")

SPAWN = multiprocessing.get_context("spawn")
NOW_NS = 1_795_255_200_000_000_000
NOW = "2026-11-21T10:00:00Z"
KEYS = 100
VIEWS_MAX = 200  # of one key by one writer: then it goes on with fresh keys, so that pathways always tell them
PATHWAYS = 2_000
PAUSE_S = 0.001  # between single writes
PATIENCE_S = 120
# The service waits 50 ms for state; the rest is room for a busy machine. A stopped worker would make it wait for ever.
BOUND_S = 1.0
STALL_S = 10.0


def engine():
    """A bundle whose only use is to tell, by the pathway, how often a product was viewed."""
    declared = {
        "session.views": {"type": "int", "source": "session", "aggregate": {"kind": "count", "event": "Product Viewed"}}
    }
    pathways = [{"id": f"n{views}", "when": f"session.views == {views}"} for views in range(PATHWAYS)]
    scenario = {
        "id": "counting",
        "version": 1,
        "digest": "sha256:0",
        "priority": 1,
        "context": "session.views >= 0",
        "pathways": [*pathways, {"id": "more"}],
        "decisionPoints": [{"id": "home", "default": {}}],
    }
    document = {
        "format": "edgewise/bundle/1",
        "timezone": "UTC",
        "signals": declared,
        "state": {"session": {"ttlMs": 1_800_000}},
        "decisionPoints": {"home": {"surface": "web:/", "fallback": {}}},
        "scenarios": [scenario],
    }
    return Engine.from_bundle(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())


def node(folder, name):
    sessions = Sessions.open(folder / "sessions")
    return Node(engine(), node=name, generation=1, sessions=sessions, counters=Counters(folder / f"{name}.counters"))


def event(session, identifier):
    return {"id": identifier, "event": "Product Viewed", "timestamp": NOW, "sessionId": session}


def key(number):
    """The session a writer's event belongs to; all writers use the same ones."""
    return f"s-{number // (KEYS * VIEWS_MAX)}-{number % KEYS}"


def write_on(folder, name, batch):
    """Take in events without end; the counters tell how many were acknowledged."""
    writer = node(folder, name)
    number = 0
    while True:
        events = [event(key(at), f"{name}-{os.getpid()}-{at}") for at in range(number, number + batch)]
        writer.ingest(json.dumps(events).encode(), ndjson=False, now_ns=NOW_NS)
        number += batch
        if batch == 1:
            time.sleep(PAUSE_S)


@contextmanager
def worker(folder, name, batch=1):
    process = SPAWN.Process(target=write_on, args=(folder, name, batch), daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def acknowledged(folder, *names):
    families = sum_counters([folder / f"{name}.counters" for name in names])
    (events,) = [samples for name, _, _, samples in families if name == "edgewise_events_total"]
    (count,) = [count for labels, count in events if labels == {"result": "accepted"}]
    return count


def wait_until(condition):
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < PATIENCE_S, "waited in vain"
        time.sleep(0.01)


def goes_on(folder, name):
    before = acknowledged(folder, name)
    wait_until(lambda: acknowledged(folder, name) > before + 10)


def decide(reader, session, events=()):
    request = {"decisionPoints": ["home"], "identity": {"sessionId": session}, "events": list(events)}
    started = time.monotonic()
    answer = json.loads(reader.decide(json.dumps(request).encode(), now_ns=NOW_NS))
    return answer, time.monotonic() - started


def views(reader, session):
    answer, _ = decide(reader, session)
    pathway = answer["decisions"]["home"]["pathway"]
    return int(pathway.removeprefix("n"))


def written(reader, most):
    """All views there are; no writer has gone further than the most events that one could have written."""
    rounds = most // (KEYS * VIEWS_MAX) + 1
    return sum(views(reader, key(turn * KEYS * VIEWS_MAX + at)) for turn in range(rounds) for at in range(KEYS))


@pytest.fixture
def folder(tmp_path):
    Sessions.prepare(tmp_path / "sessions")
    return tmp_path


def test_killed_workers_lose_nothing_acknowledged_and_hinder_nobody(folder):
    kills = 4
    with worker(folder, "steady-1") as one, worker(folder, "steady-2") as two:
        for _ in range(kills):
            with worker(folder, "killed") as killed:
                goes_on(folder, "killed")
                os.kill(killed.pid, signal.SIGKILL)
                killed.join()
            goes_on(folder, "steady-1")
            goes_on(folder, "steady-2")
        assert one.is_alive()
        assert two.is_alive()
    reader = node(folder, "reader")
    taken = acknowledged(folder, "steady-1", "steady-2", "killed")
    assert taken <= written(reader, taken + kills + 2) <= taken + kills + 2, (
        "a kill may leave one event written and not yet acknowledged"
    )


def test_a_stopped_lock_holder_costs_no_more_than_the_deadline(folder):
    reader = node(folder, "reader")
    with worker(folder, "holder", batch=400) as holder:
        goes_on(folder, "holder")
        started = time.monotonic()
        for attempt in itertools.count():
            assert time.monotonic() - started < PATIENCE_S, "the worker was never stopped while it held a lock"
            os.kill(holder.pid, signal.SIGSTOP)
            answers = [decide(reader, "own", [event("own", f"e-{attempt}-{key}")]) for key in range(8)]
            os.kill(holder.pid, signal.SIGCONT)
            assert statistics.median(seconds for _, seconds in answers) < BOUND_S
            assert max(seconds for _, seconds in answers) < STALL_S
            assert all(answer["decisions"]["home"]["reason"] == "TARGETING_MATCH" for answer, _ in answers)
            if any(answer["eventsAccepted"] == 0 for answer, _ in answers):
                break
            time.sleep(0.003)
        codes = {warning["code"] for answer, _ in answers for warning in answer["warnings"]}
        assert codes == {"state_unavailable"}
        wait_until(lambda: decide(reader, "own", [event("own", f"after-{time.monotonic_ns()}")])[0]["eventsAccepted"])


def test_a_worker_killed_while_stopped_frees_its_locks(folder):
    reader = node(folder, "reader")
    for _ in range(5):
        with worker(folder, "holder", batch=400) as holder:
            goes_on(folder, "holder")
            os.kill(holder.pid, signal.SIGSTOP)
            os.kill(holder.pid, signal.SIGKILL)
            holder.join()
        wait_until(lambda: decide(reader, "own", [event("own", f"e-{time.monotonic_ns()}")])[0]["eventsAccepted"])


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_worker_decides_without_state(folder):
    parent = node(folder, "parent")
    assert views(parent, "s-1") == 0
    child = os.fork()
    if child == 0:
        answer, _ = decide(parent, "s-1")
        codes = [warning["code"] for warning in answer["warnings"]]
        os._exit(0 if codes == ["state_unavailable"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert views(parent, "s-1") == 0
