"""Drills of a node: `make drills` runs them; pytest finds them only when it is told to.

Real processes and real faults: stores that hang, lie and lapse, full disks, kills at random moments.
"""

import http.server
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from tuf.api.metadata import Timestamp

from edgewise.bundle.slot import Slot
from edgewise.store import steps
from edgewise.store.metadata import sign
from edgewise.store.names import bundle_name, metadata_name

PROGRAM = Path(sys.executable).with_name("edgewise")
POINT = "home.banner"
KILLS = int(os.environ.get("EDGEWISE_DRILL_KILLS", "200"))
STARTS = int(os.environ.get("EDGEWISE_DRILL_STARTS", "100"))


@pytest.fixture
def shop(tmp_path, make_shop):
    return make_shop(tmp_path / "shop")


class Visitors:
    """Ask for decisions all the time and remember every failure and every duration."""

    def __init__(self, node):
        self.failures, self.durations = [], []
        self._client = node.new_client(connections=1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _ask(self):
        body = {"decisionPoints": [POINT], "identity": {"sessionId": "s"}, "signals": {"page.kind": "home"}}
        while not self._stop.wait(0.005):
            started = time.perf_counter()
            try:
                answer = self._client.post("/v1/decide", json=body)
            except httpx.HTTPError as error:
                self.failures.append(repr(error))
            else:
                if answer.status_code != 200 or "value" not in answer.json()["decisions"][POINT]:
                    self.failures.append(answer.text)
            self.durations.append((time.perf_counter() - started) * 1000)

    def p95_ms(self):
        return sorted(self.durations)[int(len(self.durations) * 0.95)]


def tell(text):
    """Say a figure; `make drills` shows it."""
    sys.stdout.write(f"\n{text}\n")


def at(generation):
    return lambda node: (status := node.status())["ready"] and status["generation"] == generation and status


def started(shop, follow, *options, **change):
    generation = shop.everywhere(shop.release("views", **change))
    node = follow(shop, *options)
    node.wait_until(at(generation))
    node.wait_until(lambda node: node.status()["source"] == "origin")
    return node, generation


class Web:
    """A store over HTTP that answers, hangs or refuses, as it is told."""

    def __init__(self, folder):
        self.mode = "answer"
        web = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if web.mode == "hang":
                    time.sleep(30)
                if web.mode == "refuse":
                    self.send_error(503)
                else:
                    super().do_GET()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_1_a_node_starts_from_the_last_good_while_the_store_is_down(shop, follow, tmp_path):
    node, generation = started(shop, follow)
    node.stop()
    shop.folder.rename(tmp_path / "away")
    took = []
    for _ in range(5):
        began = time.perf_counter()
        node = follow(shop)
        took.append(time.perf_counter() - began)
        status = node.status()
        assert (status["ready"], status["generation"], status["source"]) == (True, generation, "disk")
        assert node.decide("s")["generation"] == generation
        node.wait_until(lambda node: "store" in node.status()["degraded"])
        node.stop()
    tell(f"exec to ready, store down: best {min(took):.2f} s, worst {max(took):.2f} s of {len(took)}")


def test_3_a_store_that_dies_is_felt_by_no_request(shop, follow, tmp_path):
    node, _ = started(shop, follow)
    with Visitors(node) as quiet:
        time.sleep(3)
    with Visitors(node) as visitors:
        shop.folder.rename(tmp_path / "away")
        node.wait_until(lambda node: "store" in node.status()["degraded"])
        before = node.status()["ageSeconds"]
        time.sleep(3)
        assert node.status()["ageSeconds"] > before + 2
    assert visitors.failures == []
    tell(f"p95 quiet {quiet.p95_ms():.1f} ms, while the store dies {visitors.p95_ms():.1f} ms")
    (tmp_path / "away").rename(shop.folder)
    node.wait_until(lambda node: node.status()["degraded"] == [], timeout_s=40)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("mode", ["hang", "refuse"])
def test_4_a_store_that_hangs_or_refuses_is_given_up_and_asked_again(shop, follow, start_node, tmp_path, mode):
    web = Web(shop.folder)
    generation = shop.everywhere(shop.release("views"))
    command = [PROGRAM, "serve", "--store", web.url, "--root", shop.keys.root_file, "--poll", "100ms"]
    command += ["--node-id", "n-1", "--data-dir", tmp_path / "data", "--port", 0, "--workers", 1]
    node = start_node(command=command)
    node.wait_until(at(generation))
    web.mode = mode
    with Visitors(node) as visitors:
        node.wait_until(lambda node: "store" in node.status()["degraded"], timeout_s=60)
    assert visitors.failures == []
    newer = shop.everywhere(shop.release("views", timezone="Europe/Paris"))
    web.mode = "answer"
    node.wait_until(at(newer), timeout_s=60)


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: bytes([data[0] ^ 1]) + data[1:]])
def test_5_a_spoiled_bundle_is_refused(shop, follow, spoil):
    node, generation = started(shop, follow)
    digest = shop.release("views", timezone="Europe/Paris")
    path = shop.folder / bundle_name(digest)
    good = path.read_bytes()
    path.write_bytes(spoil(good))
    shop.everywhere(digest)
    nack = node.wait_until(lambda node: node.status()["nack"])
    assert (nack["stage"], nack["digest"]) == ("verify", digest)
    assert node.decide("s")["generation"] == generation
    path.write_bytes(good)
    shop.step(steps.retry, ())
    node.wait_until(lambda node: node.decide("s")["bundle"] == digest)


@pytest.mark.parametrize(
    ("change", "stage"),
    [({"format": "edgewise/bundle/9"}, "decode"), ({"scenarios": [{"id": "x"}]}, "compile"), ({"golden": None}, None)],
)
def test_6_a_signed_bundle_that_is_no_good_is_not_swapped_in(shop, follow, change, stage):
    node, generation = started(shop, follow)
    shop.everywhere(shop.release("views", timezone="Europe/Paris", **change))
    nack = node.wait_until(lambda node: node.status()["nack"])
    assert stage is None or nack["stage"] == stage, nack
    assert node.decide("s")["generation"] == generation


def test_7_an_older_copy_of_the_store_changes_nothing(shop, follow, tmp_path):
    node, generation = started(shop, follow)
    shutil.copytree(shop.folder, tmp_path / "older")
    newer = shop.everywhere(shop.release("views", timezone="Europe/Paris"))
    node.wait_until(at(newer))
    shop.folder.rename(tmp_path / "newest")
    shutil.copytree(tmp_path / "older", shop.folder, dirs_exist_ok=True)
    node.wait_until(lambda node: "older than" in (node.status()["problem"] or ""))
    node.stop()
    again = follow(shop)
    again.wait_until(lambda node: "older than" in (node.status()["problem"] or ""))
    assert (again.status()["generation"], newer > generation) == (newer, True)


def test_8_expiry_stops_updates_never_serving(shop, follow):
    node, generation = started(shop, follow)
    view = shop.writer.read()
    lapsed = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    number = view.timestamp.version + 1
    payload = Timestamp(version=number, expires=lapsed, snapshot_meta=view.timestamp.snapshot_meta)
    (shop.folder / metadata_name("timestamp", number)).write_bytes(sign(payload, shop.keys.of_role("timestamp")))
    status = node.wait_until(lambda node: "store" in (now := node.status())["degraded"] and now)
    assert status["problem"].startswith("expired")
    assert (status["ready"], node.decide("s")["generation"]) == (True, generation)
    newer = shop.everywhere(shop.release("views", timezone="Europe/Paris"))
    node.wait_until(at(newer))


def test_9_a_damaged_disk_falls_back_and_heals(shop, follow):
    node, _ = started(shop, follow)
    newer = shop.everywhere(shop.release("views", timezone="Europe/Paris"))
    digest = node.wait_until(at(newer))["digest"]
    node.stop()
    path = Slot(node.data_dir).path_of(digest)
    path.write_bytes(path.read_bytes()[:-1])
    (path.parent / f".{path.name}.77.tmp").write_bytes(b"half")
    again = follow(shop)
    again.wait_until(lambda node: node.status()["digest"] == digest and node.status()["degraded"] == [])
    assert again.decide("s")["bundle"] == digest


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


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_18_on_a_full_disk_decisions_go_on_and_the_bundle_stays(shop, follow, start_node, tmp_path):
    disk = tmp_path / "n-1"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", disk], check=False).returncode != 0:
        pytest.skip("this machine mounts no tmpfs here")
    try:
        node, generation = started(shop, follow)
        with (disk / "ballast").open("wb") as ballast:
            try:
                while True:
                    ballast.write(b"x" * 65536)
                    ballast.flush()
            except OSError:
                pass
        shop.everywhere(shop.release("views", timezone="Europe/Paris", policy={"filler": "y" * 3_000_000}))
        with Visitors(node) as visitors:
            time.sleep(4)
        assert visitors.failures == []
        assert node.decide("s")["generation"] == generation
        (disk / "ballast").unlink()
        node.wait_until(lambda node: node.decide("s")["generation"] > generation, timeout_s=40)
        node.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


def apart(shop, start_node, folder, **how):
    """Workers alone on a folder, and the command of an agent for them."""
    node = start_node(command=[PROGRAM, "serve", "--slot", "--data-dir", folder, "--port", 0, "--workers", 1], **how)
    agent = [PROGRAM, "agent", "--store", shop.folder, "--keys", shop.all_keys, "--poll", "100ms"]
    return node, [str(word) for word in (*agent, "--node-id", "n-1", "--data-dir", folder)]


@pytest.mark.timeout(900)
def test_kills_during_activation_leave_a_slot_that_can_be_served(shop, start_node, tmp_path):
    zones = ["Europe/Paris", "Europe/Rome", "Europe/Oslo", "Europe/Vienna"]
    digests = [shop.release("views", timezone=zone, policy={"n": n}) for n, zone in enumerate(zones)]
    generation = shop.everywhere(digests[-1])
    node, command = apart(shop, start_node, tmp_path / "data")
    slot, draw, manifest = Slot(tmp_path / "data"), random.Random(7), None
    agent = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    node.wait_until(at(generation))
    with Visitors(node) as visitors:
        for turn in range(KILLS):
            generation = shop.everywhere(digests[turn % len(digests)])
            time.sleep(draw.uniform(0.3, 2.5))
            agent.kill()
            agent.wait()
            manifest = slot.manifest()
            assert all(slot.bundle(digest) for digest in manifest.digests), turn
            agent = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        node.wait_until(at(generation), timeout_s=30)
    agent.terminate()
    agent.wait()
    assert visitors.failures == []
    tell(f"{KILLS} kills, {manifest.revision} writes of the slot, {len(visitors.durations)} decisions, none failed")


@pytest.mark.parametrize(
    ("policy", "reason"), [("serve", "TARGETING_MATCH"), ("fallback", "DISABLED"), ("refuse", None)]
)
def test_a_store_that_is_silent_for_too_long_is_met_as_the_operator_says(shop, follow, tmp_path, policy, reason):
    node, _ = started(shop, follow, "--stale", policy, "--stale-after", "2s")
    before = node.decide("s")["decisions"][POINT]["reason"]
    shop.folder.rename(tmp_path / "away")
    node.wait_until(lambda node: "stale" in node.status()["degraded"])
    if reason is None:
        node.wait_until(lambda node: node.client.get("/readyz").status_code == 503)
        assert node.client.post("/v1/decide", json={"decisionPoints": [POINT]}).status_code == 503
    else:
        expected = before if policy == "serve" else reason
        node.wait_until(lambda node: node.decide("s")["decisions"][POINT]["reason"] == expected)
    (tmp_path / "away").rename(shop.folder)
    node.wait_until(lambda node: node.client.get("/readyz").status_code == 200, timeout_s=40)
    node.wait_until(lambda node: node.decide("s")["decisions"][POINT]["reason"] == before)


@pytest.mark.timeout(900)
def test_ready_means_that_the_next_decision_succeeds(shop, follow, tmp_path):
    node, _ = started(shop, follow)
    node.stop()
    for _ in range(STARTS):
        node = follow(shop)
        while node.client.get("/readyz").status_code != 200:
            time.sleep(0.002)
        assert node.decide("s")["decisions"][POINT]["reason"] != "ERROR"
        node.stop(signal.SIGKILL)
    tell(f"{STARTS} starts: ready meant ready each time")
