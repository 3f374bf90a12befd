"""Drills of a machine, run by `make drills`: its clock is set, processes stop or die, its disk is damaged or full."""

import itertools
import os
import signal
import statistics
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from drilling import HOUR_S, POINT, WallClock, at, fill, started, tell, visited

from edgewise.store import steps
from edgewise.store.generation import Disabled

BOUND_S = 1.0  # 50 ms for state, the rest is a busy machine's
PATIENCE_S = 90
SHARDS = 4


@pytest.fixture
def shop(tmp_path, make_shop):
    return make_shop(tmp_path / "shop")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("ahead_s", [2 * HOUR_S, -24 * HOUR_S], ids=["two hours ahead", "a day back"])
def test_10_a_clock_that_is_set_expires_no_session_and_is_shown(shop, follow, view, tmp_path, ahead_s):
    clock = WallClock(tmp_path)
    node, _ = started(shop, follow, "--workers", "2", env=clock.env)
    assert node.pathway("kept", events=[view(), view()]) == "views_2"
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    generation = shop.step(steps.switch_off, Disabled(scenario="views", point=POINT, reason="for an hour", until=until))
    node.wait_until(lambda node: node.decide("s")["decisions"][POINT]["reason"] == "DISABLED")

    with visited(node, f"10 clock set by {ahead_s / HOUR_S:+.0f} h"):
        clock.set(ahead_s)
        status = node.wait_until(lambda node: "clock" in (now := node.status())["degraded"] and now)
        assert status["ready"]
        assert node.metrics()['edgewise_degraded{part="clock"}'] == 1
        assert "this machine's clock was set by" in node.log.read_text()
        assert node.status()["ageSeconds"] < 60, "ages go by the time that has passed"
        # What the book says of the time of day, and an end of a switch, are by the clock on the wall.
        is_off = node.decide("s")["decisions"][POINT]["reason"] == "DISABLED"
        assert is_off is (ahead_s < 0)
        told = node.wait_until(lambda _: "clock" in (now := shop.nodes()["n-1"])["degraded"] and now)
        assert told["state"] == "serving", "the status is dated by the store's time"

    shop.step(steps.switch_on, "views", None)
    newer = shop.everywhere(shop.release("views", timezone="Europe/Paris"))
    node.wait_until(at(newer), timeout_s=30)
    assert newer > generation
    assert node.pathway("kept") == "views_2"
    assert node.pathway("kept", events=[view(timestamp=None)]) == "views_3"
    node.stop()
    again = follow(shop, workers=2, env=clock.env)
    again.wait_until(at(newer))
    assert again.pathway("kept") == "views_3", "nor does a restart under the wrong clock expire any"
    clock.set(0)
    assert again.pathway("kept") == "views_3"


def test_15_a_killed_worker_takes_only_its_own_requests_along(shop, follow):
    node, _ = started(shop, follow, "--workers", "2")
    first, second = node.status()["workers"]
    client = node.clients_of_each_worker()[second["worker"]]
    os.kill(first["pid"], signal.SIGKILL)
    began = time.monotonic()
    body = {"decisionPoints": [POINT]}
    while True:
        assert client.post("/v1/decide", json=body).status_code == 200
        status = client.get("/v1/status").json()
        if status["ready"] and first["pid"] not in [worker["pid"] for worker in status["workers"]]:
            break
        assert time.monotonic() - began < 30
    tell(f"a killed worker serves again after {time.monotonic() - began:.1f} s")


@pytest.mark.timeout(180)
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_18_on_a_full_disk_decisions_go_on_and_the_bundle_stays(shop, follow, view, tmp_path):
    disk = tmp_path / "n-1"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", disk], check=False).returncode != 0:
        pytest.skip("this machine mounts no tmpfs here")
    try:
        node, _ = started(shop, follow)
        many = (f"new-{number}" for number in itertools.count())
        with visited(node, "18 disk full", events=lambda: [view()]) as visitors:
            fill(disk / "ballast")
            until = time.monotonic() + 6
            while time.monotonic() < until:
                sent = [view(sessionId=next(many), properties={"category": "x" * 60}) for _ in range(500)]
                assert node.client.post("/v1/events", json=sent).status_code == 202
        assert node.status()["ready"]
        tell(f"disk full: {visitors.events_lost} of {len(visitors.durations)} decisions stateless, none failed")
        newer = shop.everywhere(shop.release("views", timezone="Europe/Rome", policy={"filler": "y" * 3_000_000}))
        told = node.wait_until(lambda _: (now := shop.nodes()["n-1"])["degraded"] and now, timeout_s=30)
        assert (told["state"], node.decide("s")["generation"] < newer) == ("behind", True)
        (disk / "ballast").unlink()
        node.wait_until(lambda node: node.decide("s")["generation"] == newer, timeout_s=40)
        node.wait_until(lambda node: node.decide("s", events=[view()])["eventsAccepted"] == 1)
        node.wait_until(lambda node: node.status()["degraded"] == [], timeout_s=40)
        node.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


class Flood:
    """Has one worker write all the time, so that it mostly holds the lock of some session file."""

    def __init__(self, client):
        self._client = client
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _write(self):
        for turn in itertools.count():
            if self._stop.is_set():
                return
            names = [f"{turn}-{number}" for number in range(2000)]
            events = [{"id": name, "event": "Product Viewed", "sessionId": name} for name in names]
            try:
                self._client.post("/v1/events", json=events)
            except httpx.HTTPError:
                time.sleep(0.05)


@pytest.mark.timeout(240)
def test_16_a_stopped_lock_holder_costs_a_bounded_wait_and_no_decision(shop, follow, view):
    node, _ = started(shop, follow, "--workers", "2")
    first, second = node.clients_of_each_worker()
    holder = next(worker["pid"] for worker in node.status()["workers"] if worker["worker"] == 0)
    began, lost, waits = time.monotonic(), [], []
    before = failures(node.metrics(second))
    with Flood(first):
        for attempt in itertools.count():
            assert time.monotonic() - began < PATIENCE_S, "the worker was never stopped while it held a lock"
            os.kill(holder, signal.SIGSTOP)
            try:
                answers = [timed(node, second, f"own-{key}", view) for key in range(8)]
            finally:
                os.kill(holder, signal.SIGCONT)
            lost = [answer for answer, _ in answers if answer["eventsAccepted"] == 0]
            assert all(answer["decisions"][POINT]["reason"] != "ERROR" for answer, _ in answers)
            if lost:
                waits = [seconds for _, seconds in answers]
                break
            time.sleep(0.002 * (attempt % 5))
    assert statistics.median(waits) < BOUND_S
    assert {warning["code"] for answer in lost for warning in answer["warnings"]} == {"state_unavailable"}
    assert failures(node.metrics(second)) - before >= len(lost)
    node.wait_until(lambda node: "state" in node.status()["degraded"])
    node.wait_until(lambda node: timed(node, second, "after", view)[0]["eventsAccepted"] == 1)
    node.wait_until(lambda node: node.status()["degraded"] == [], timeout_s=60)
    tell(f"lock holder stopped: {len(lost)} of {len(waits)} decisions stateless, slowest {max(waits) * 1000:.0f} ms")


def timed(node, client, session, view):
    began = time.monotonic()
    return node.decide(session, events=[view()], client=client), time.monotonic() - began


def failures(metrics):
    return sum(value for name, value in metrics.items() if name.startswith("edgewise_state_failures_total"))


def session_files(node):
    files = [node.data_dir / "sessions" / f"shard-{number}" / "data.mdb" for number in range(SHARDS)]
    assert all(file.exists() for file in files)
    return files


def remembers(node, names):
    return sum(node.pathway(name) == "views_1" for name in names)


def test_17_a_truncated_session_file_is_found_at_the_start_and_the_others_are_kept(shop, follow, view):
    node, _ = started(shop, follow, "--workers", "2")
    names = [f"v-{number}" for number in range(40)]
    node.client.post("/v1/events", json=[view(sessionId=name) for name in names])
    assert remembers(node, names) == len(names)
    node.stop()
    with session_files(node)[0].open("r+b") as file:
        file.truncate(10_000)
    again = follow(shop, workers=2)
    again.wait_until(lambda node: node.status()["ready"])
    kept = remembers(again, names)
    assert 0 < kept < len(names), "one file of four was lost"
    again.wait_until(lambda node: node.status()["degraded"] == [])
    lost = next(name for name in names if again.pathway(name) == "views_0")
    assert again.pathway(lost, events=[view()]) == "views_1"
    tell(f"one session file of {SHARDS} truncated: {kept} of {len(names)} visits kept")


@pytest.mark.timeout(120)
def test_17_a_session_file_that_is_truncated_while_in_use_is_replaced(shop, follow, view):
    """Whoever touches what is gone dies of it; the workers come back, and start that file anew."""
    node, _ = started(shop, follow, "--workers", "2")
    node.client.post("/v1/events", json=[view(sessionId=f"v-{number}") for number in range(400)])
    for file in session_files(node):
        with file.open("r+b") as opened:
            opened.truncate(4096)
    began = time.monotonic()
    node.wait_until(lambda node: tried(node, view), timeout_s=60)
    tell(f"session files truncated under two workers: state works again after {time.monotonic() - began:.1f} s")


def tried(node, view):
    with node.new_client(connections=1) as client:
        answers = [node.decide(f"t-{number}", events=[view()], client=client) for number in range(20)]
    return node.status()["ready"] and all(answer["eventsAccepted"] == 1 for answer in answers)
