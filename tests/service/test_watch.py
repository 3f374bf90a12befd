"""Two real watchers beside a fleet that reports: a good candidate is promoted, each step made once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgewise.store import NodeStatus, NodeStore
from edgewise.store.desk import Desk
from edgewise.store.documents import history

PROGRAM = Path(sys.executable).with_name("edgewise")
NODES = ("n-1", "n-2", "n-3")
PLAN = """
name: quick
stages:
  - {name: one, nodePercent: 1, subjectPercent: 50}
  - {name: all, nodePercent: 100}
"""
PROMOTED_S = 45.0


@pytest.fixture
def edgewise(tmp_path):
    """The program with a store and keys of its own."""
    environment = {**os.environ, "EDGEWISE_STORE": str(tmp_path / "store"), "EDGEWISE_KEYS": str(tmp_path / "keys")}
    running = []

    def start(*arguments):
        process = subprocess.Popen(
            [PROGRAM, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def answer(process):
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    return json.loads(out)


def test_two_watchers_promote_a_good_candidate_once(edgewise, root, tmp_path):
    keys = tmp_path / "keys" / answer(edgewise("store", "init", tmp_path / "store", "--json"))["id"]
    digests = [
        answer(edgewise("publish", book, "--json"))["digest"]
        for book in (root / "examples/book", root / "tests/service/books/views")
    ]
    answer(edgewise("rollout", "start", digests[0], "--all", "--json"))
    store = NodeStore.open(str(tmp_path / "store"), tmp_path / "cache", root=keys / "root.json")
    reporters = {node: store.reporter(node, keys=keys) for node in NODES}
    report(store, reporters)
    (tmp_path / "plan.yaml").write_text(PLAN)
    answer(edgewise("rollout", "start", digests[1], "--plan", tmp_path / "plan.yaml", "--json"))

    watchers = [edgewise("rollout", "watch", "--every", "1") for _ in range(2)]
    until = time.monotonic() + PROMOTED_S
    while report(store, reporters).candidate is not None and time.monotonic() < until:
        time.sleep(0.2)
    for watcher in watchers:
        watcher.send_signal(signal.SIGINT)

    assert [watcher.wait(timeout=20) for watcher in watchers] == [0, 0]
    now = store.refresh().generation
    assert (now.stable, now.candidate) == (digests[1], None)
    desk = Desk.open(str(tmp_path / "store"), keys)
    actions = [each.action for each in history(desk.objects, desk.writer.read(), 10)]
    assert actions == ["promote", "advance", "start", "start"]


def report(store, reporters):
    """Every node does what the present generation says of it."""
    now = store.refresh().generation
    for node, reporter in reporters.items():
        holds = now.candidate if now.takes_candidate(node, {}) else None
        reporter.write(NodeStatus(generation=now.generation, digest=now.stable, candidate=holds))
    return now
