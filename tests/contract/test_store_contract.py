"""The commands at a store, as machines call them: every key and type, and what is said when it is not to be done."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "examples/book"
PROGRAM = Path(sys.executable).with_name("edgewise")
UNKNOWN = f"sha256:{'0' * 64}"
NOTHING = type(None)
STATUS = {
    "generation": int,
    "stable": (str, NOTHING),
    "candidate": (str, NOTHING),
    "stage": (str, NOTHING),
    "verdict": (str, NOTHING),
    "disabled": list,
    "nodes": list,
}
NODE = {
    "id": str,
    "generation": (int, NOTHING),
    "digest": (str, NOTHING),
    "state": str,
    "ageSeconds": (int, float, NOTHING),
    "nack": (dict, NOTHING),
}
NACK = {"generation": int, "digest": str, "stage": str, "code": str, "detail": str}


@pytest.fixture(scope="module")
def edgewise(tmp_path_factory):
    """Runs the program in a folder of its own."""
    folder = tmp_path_factory.mktemp("store")
    environment = {**os.environ, "EDGEWISE_KEYS": str(folder / "keys"), "EDGEWISE_BY": "ada"}

    def run(*arguments):
        return subprocess.run(
            [PROGRAM, *map(str, arguments)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def ask(edgewise):
    """Runs a command that must do; its JSON."""

    def run(*arguments):
        done = edgewise(*arguments, "--json")
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def other_book(edgewise):
    """The example book, in Lisbon."""
    book = edgewise.folder / "other"
    for path in BOOK.rglob("*"):
        if path.is_file():
            copy = book / path.relative_to(BOOK)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes().replace(b"timezone: Europe/Berlin", b"timezone: Europe/Lisbon"))
    return book


@pytest.fixture(scope="module")
def digests(edgewise, ask, other_book):
    """Two releases in a store in which nothing is rolled out yet."""
    assert edgewise("store", "init", "s").returncode == 0
    return [ask("publish", book, "--store", "s")["digest"] for book in (BOOK, other_book)]


def hold(value, form):
    """Fail unless a document has every key of a form, each of its type."""
    assert [name for name in form if name not in value] == []
    wrong = {name: value[name] for name, kinds in form.items() if not isinstance(value[name], kinds)}
    assert wrong == {}


def refused(done, *words, code=2):
    """Fail unless a command did nothing and said why, in lines that can be read, and nothing on stdout."""
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    assert [word for word in words if word not in done.stderr] == [], done.stderr


def test_1_what_is_published(ask, digests):
    again = ask("publish", BOOK, "--store", "s")
    hold(again, {"digest": str, "isNew": bool, "bytes": int, "models": list, "scenarios": int, "waits": NOTHING})
    assert (again["digest"], again["isNew"], again["scenarios"]) == (digests[0], False, 3)


def test_2_a_built_file_is_published_as_its_book_is(edgewise, ask, digests):
    assert edgewise("build", BOOK, "-o", "b.bundle").returncode == 0
    assert ask("publish", "b.bundle", "--store", "s")["digest"] == digests[0]


def test_3_before_anything_is_rolled_out(edgewise, ask, digests):
    status = ask("rollout", "status", "--store", "s")
    hold(status, STATUS)
    assert {name: status[name] for name in STATUS} == {
        "generation": 0,
        "stable": None,
        "candidate": None,
        "stage": None,
        "verdict": None,
        "disabled": [],
        "nodes": [],
    }
    refused(edgewise("rollback", "--store", "s"), "nothing else was stable before")
    refused(edgewise("rollout", "advance", "--store", "s"), "nothing is being rolled out")


def test_4_a_rollout_and_its_status(edgewise, ask, digests):
    assert ask("rollout", "start", digests[0][7:15], "--store", "s", "--all")["stable"] == digests[0]
    refused(edgewise("rollout", "start", digests[0], "--store", "s"), "is stable everywhere already")
    refused(edgewise("rollback", "--store", "s"), "nothing else was stable before; name a release with --to")

    hold(ask("rollout", "start", digests[1], "--store", "s"), {"generation": int, "stage": str})
    refused(edgewise("rollout", "start", digests[1], "--store", "s"), "is being rolled out", "rollout abort")
    refused(edgewise("rollout", "start", digests[1], "--store", "s", "--all", "--plan", "p"), "exclude each other")
    status = ask("rollout", "status", "--store", "s")
    hold(status, STATUS)
    assert (status["stable"], status["candidate"], status["stage"]) == (*digests, "canary")
    assert status["verdict"] == "inconclusive"


def test_5_nodes_with_and_without_a_nack(edgewise, ask, digests):
    from edgewise.store import Nack, NodeStatus, NodeStore

    os.environ["EDGEWISE_KEYS"] = str(edgewise.folder / "keys")
    store = NodeStore.open(str(edgewise.folder / "s"), edgewise.folder / "cache")
    nack = Nack(generation=2, digest=digests[1], stage="selftest", code="golden", detail="differs")
    for name, told in (("n-1", None), ("n-2", nack)):
        store.reporter(name).write(NodeStatus(generation=2, digest=digests[0], nack=told))
    del os.environ["EDGEWISE_KEYS"]
    (edgewise.folder / "s/nodes/n-3.json").write_text("{}")

    status = ask("rollout", "status", "--store", "s")
    for node in status["nodes"]:
        hold(node, NODE)
    assert [(node["id"], node["state"]) for node in status["nodes"]] == [
        ("n-1", "serving"),
        ("n-2", "nacked"),
        ("n-3", "unverified"),
    ]
    hold(status["nodes"][1]["nack"], NACK)
    assert status["nodes"][0]["nack"] is None
    assert (status["verdict"], status["nodes"][2]["generation"]) == ("failure", None)
    assert [node["id"] for node in ask("nodes", "--store", "s")["nodes"]] == ["n-1", "n-2", "n-3"]
    assert "nodes      1 nacked, 1 unverified, 1 serving" in edgewise("rollout", "status", "--store", "s").stdout


def test_6_the_kill_switch(edgewise, ask, digests):
    refused(edgewise("off", "nope", "--store", "s", "--reason", "r"), "nothing that runs has a scenario `nope`")
    refused(edgewise("off", "in-store-return", "--store", "s"), "Missing option '--reason'")
    refused(edgewise("on", "in-store-return", "--store", "s"), "is not switched off")
    off = ask("off", "in-store-return", "--store", "s", "--reason", "wrong shops")
    assert off["disabled"] == [{"scenario": "in-store-return", "point": None}]
    [entry] = ask("rollout", "status", "--store", "s")["disabled"]
    hold(entry, {"scenario": str, "point": NOTHING, "reason": str, "until": NOTHING, "by": str, "at": str})
    assert ask("on", "in-store-return", "--store", "s")["disabled"] == []


def test_7_rolling_back(edgewise, ask, digests):
    refused(edgewise("rollback", "--store", "s", "--to", UNKNOWN), f"`{UNKNOWN}` is no release of this store")
    refused(edgewise("rollback", "--store", "s", "--to", digests[0][7:10]), "is no release of this store")
    assert ask("rollback", "--store", "s")["candidate"] is None
    assert ask("rollback", "--store", "s", "--to", digests[1])["stable"] == digests[1]
    assert ask("rollback", "--store", "s", "--to", digests[0])["stable"] == digests[0]


def test_8_a_digest_that_was_never_published(edgewise, digests):
    refused(edgewise("rollout", "start", UNKNOWN, "--store", "s", "--all"), "is no release", "`edgewise publish`")


def test_9_a_book_with_errors_leaves_the_store_as_it_is(edgewise, other_book):
    bad = edgewise.folder / "bad"
    other_book.rename(bad)
    path = bad / "scenarios/in-store-return.yaml"
    path.write_text(path.read_text().replace("priority: 20", "priority: high"))
    before = sorted((edgewise.folder / "s").rglob("*"))
    refused(edgewise("publish", "bad", "--store", "s", "--json"), "in-store-return.yaml:7:11", "EW004", code=1)
    refused(edgewise("publish", "nowhere", "--store", "s"), "`nowhere`")
    assert sorted((edgewise.folder / "s").rglob("*")) == before


@pytest.mark.parametrize("url", ["./nowhere", "http://127.0.0.1:1/store"])
def test_a_store_that_does_not_answer(edgewise, url):
    for arguments in (("rollout", "status", "--json"), ("publish", BOOK), ("rollback",)):
        refused(edgewise(*arguments, "--store", url), f"`{url}`")
