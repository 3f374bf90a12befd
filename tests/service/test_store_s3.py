"""The store on a real S3 server: what folders promise holds there too. `make s3` installs the server and runs this."""

import os
import socket
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from edgewise.store import NodeStatus, Objects, Patience, RolloutError, StoreError, steps
from edgewise.store.checkup import check_up
from edgewise.store.desk import Desk
from edgewise.store.fleet import Enrolled, Fleet, change_fleet
from edgewise.store.generation import Plan, Stage
from edgewise.store.keys import NODE, ROLES, KeyFolder
from edgewise.store.node import NodeStore
from edgewise.store.probing import probe
from edgewise.store.pruning import prune
from edgewise.store.releases import publish, releases, right_now
from edgewise.store.rollout import take_step
from edgewise.store.setup import init_store, new_id, read_store_file
from edgewise.store.status import Reporter, public_of
from edgewise.store.steps import Signature
from edgewise.store.view import look

SERVER = Path(__file__).parents[2] / ".make/bin/versitygw"
BUCKET = "edgewise"
START_S = 20.0
PLAN = Plan(name="p", stages=(Stage(name="all", node_percent=100),))


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A bucket on a server of our own, whose files lie in a temporary folder."""
    if not SERVER.is_file():
        pytest.skip("no S3 server: `make s3` installs one, with go")
    folder = tmp_path_factory.mktemp("s3")
    (folder / "data" / BUCKET).mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    credentials = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "only-for-tests"}
    command = [
        SERVER,
        "--access",
        "tester",
        "--secret",
        "only-for-tests",
        "--port",
        address,
        "--quiet",
        "posix",
        folder / "data",
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
    settings = {
        **credentials,
        "AWS_ENDPOINT_URL": f"http://{address}",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        _wait_for(address, server)
        yield server
    finally:
        server.kill()
        server.wait()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _wait_for(address, server):
    host, port = address.split(":")
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert server.poll() is None, "the S3 server has stopped"
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the S3 server does not listen")


@pytest.fixture
def desk(bucket, tmp_path):
    """A production store of its own prefix in the bucket."""
    keys = KeyFolder(tmp_path / "keys")
    for role in [*ROLES, NODE]:
        keys.make(role)
    objects = Objects.open(f"s3://{BUCKET}/{uuid.uuid4().hex}")
    root = init_store(objects, new_id(), keys, {}, development=False)
    return Desk(objects, read_store_file(objects), keys, root)


def sign():
    return Signature(by="tester", at=right_now(), why="because")


def everywhere(desk, data):
    digest, _ = publish(desk.writer, data, {})
    take_step(desk.writer, lambda before: steps.start_everywhere(before, digest, sign()))
    return digest


def node_at(desk, folder):
    return NodeStore.open(desk.objects.url, folder, root=desk.keys.root_file)


def test_it_keeps_its_word(desk):
    assert [finding for finding in probe(desk.objects) if not finding.holds] == []


def test_a_release_goes_to_a_node_and_back(desk, tmp_path):
    first = everywhere(desk, b"first")
    node = node_at(desk, tmp_path / "cache")
    assert node.refresh().generation.stable == first
    assert node.fetch(first).bundle == b"first"

    everywhere(desk, b"second")
    take_step(desk.writer, lambda before: steps.rollback(before, None, sign()))

    seen = node.refresh()
    assert (seen.generation.generation, seen.generation.stable, seen.problems) == (3, first, ())
    assert [each for each in check_up(desk) if not each.holds] == []


def test_racing_publishers_all_get_in_and_racing_steps_are_made_once(desk):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: publish(desk.writer, b"%d" % number, {}), range(4)))
    first, second, *_ = releases(desk.writer.read())
    assert len(releases(desk.writer.read())) == 4

    take_step(desk.writer, lambda before: steps.start_everywhere(before, first, sign()))
    started = take_step(desk.writer, lambda before: steps.start(before, second, PLAN, sign()))

    def advance(_):
        try:
            return take_step(desk.writer, lambda before: steps.advance(before, sign()), on=started.generation).action
        except RolloutError:
            return None

    with ThreadPoolExecutor(4) as pool:
        assert [action for action in pool.map(advance, range(4)) if action] == ["promote"]


def test_a_status_is_dated_by_the_store(desk, tmp_path):
    digest = everywhere(desk, b"first")
    key = KeyFolder(tmp_path / "node").of_node("n-1")
    change_fleet(
        desk.writer, lambda fleet: Fleet(nodes={**fleet.nodes, "n-1": Enrolled(key=public_of(key), by="t", at="")})
    )
    Reporter(desk.objects, "n-1", key, tmp_path / "sequence").write(NodeStatus(generation=1, digest=digest))

    [node] = look(desk).document()["nodes"]

    assert (node["id"], node["state"], node["digest"]) == ("n-1", "serving", digest)
    assert 0 <= node["ageSeconds"] < 60


def test_pruning_leaves_what_is_needed(desk, tmp_path):
    for number in range(4):
        digest = everywhere(desk, b"%d" % number)

    assert prune(desk, dry_run=False, young=timedelta(seconds=-5))  # its times are whole seconds
    assert node_at(desk, tmp_path / "cache").refresh().generation.stable == digest


def test_other_credentials_are_told_apart_from_silence(desk, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")

    with pytest.raises(StoreError) as caught:
        Objects.open(desk.objects.url, Patience(retries=0)).read("store.json", 4096)
    assert "wrong" not in str(caught.value)
