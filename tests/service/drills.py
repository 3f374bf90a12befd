"""Drills of a node: `make drills` runs them; pytest finds them only when it is told to.

Real processes and real faults: stores that hang, lie and lapse, full disks, kills at random moments.
"""

import http.server
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from drilling import POINT, PROGRAM, at, started, tell, visited
from tuf.api.metadata import Timestamp

from edgewise.agent.refusals import ATTEMPTS_MAX
from edgewise.bundle.slot import Slot
from edgewise.store.metadata import sign
from edgewise.store.names import bundle_name, metadata_name

KILLS = int(os.environ.get("EDGEWISE_DRILL_KILLS", "200"))
STARTS = int(os.environ.get("EDGEWISE_DRILL_STARTS", "100"))


@pytest.fixture
def shop(tmp_path, make_shop):
    return make_shop(tmp_path / "shop")


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
    with visited(node, "3 store dies"):
        shop.folder.rename(tmp_path / "away")
        node.wait_until(lambda node: "store" in node.status()["degraded"])
        before = node.status()["ageSeconds"]
        time.sleep(3)
        assert node.status()["ageSeconds"] > before + 2
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
    with visited(node, f"4 store answers nothing: {mode}"):
        node.wait_until(lambda node: "store" in node.status()["degraded"], timeout_s=60)
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
    assert (nack["stage"], nack["digest"]) == ("fetch", digest)
    assert nack["code"] in ("hash", "length")
    assert node.decide("s")["generation"] == generation
    node.wait_until(lambda node: node.log.read_text().count('"bundle_refused"') > ATTEMPTS_MAX, timeout_s=30)
    assert node.status()["quarantined"] == [], "the release is sound, only this copy of it is not"
    path.write_bytes(good)
    node.wait_until(lambda node: node.decide("s")["bundle"] == digest, timeout_s=40)


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
    with visited(node, f"{KILLS} kills during activation") as visitors:
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
