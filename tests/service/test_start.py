"""Starting and stopping: what is refused, and in which words."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("edgewise")
VIEWS = Path(__file__).parent / "books" / "views"


def refused(*options):
    run = subprocess.run(
        [PROGRAM, "serve", "--port", "0", "--workers", "1", *map(str, options)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "Traceback" not in run.stderr
    return run.returncode, run.stderr


def test_a_port_in_use_is_said_and_nothing_is_changed(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, message = refused("--book", VIEWS, "--data-dir", tmp_path / "data", "--port", port)
    assert (code, f"port {port} of `127.0.0.1` is in use" in message) == (2, True)
    assert not (tmp_path / "data" / "slot").exists()


def test_one_node_a_data_folder(shared_node):
    code, message = refused("--book", VIEWS, "--data-dir", shared_node.data_dir)
    assert (code, "is in use by another node" in message) == (2, True)
    assert shared_node.status()["generation"] == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_without_tokens_only_loopback(tmp_path, host):
    code, message = refused("--book", VIEWS, "--data-dir", tmp_path / "data", "--host", host)
    assert (code, "pass --tokens FILE" in message) == (2, True)


@pytest.mark.parametrize("content", ["[]", "nonsense", '[{"name": "a", "token": "b", "scopes": ["all"]}]'])
def test_a_bad_tokens_file_is_said(tmp_path, content):
    (tmp_path / "tokens.json").write_text(content)
    code, message = refused("--book", VIEWS, "--data-dir", tmp_path / "data", "--tokens", tmp_path / "tokens.json")
    assert (code, "tokens.json" in message) == (2, True)


def test_a_bad_book_is_checked_and_not_served(tmp_path):
    book = tmp_path / "book"
    book.mkdir()
    (book / "book.yaml").write_text("apiVersion: edgewise/v1\nkind: Registry\nsignals: {a.b: {type: number}}\n")
    code, message = refused("--book", book, "--data-dir", tmp_path / "data")
    assert (code, "book.yaml:3" in message) == (1, True)
    assert not (tmp_path / "data" / "slot").exists()


def test_it_stops_in_good_order_and_each_start_is_a_new_generation(start_node, view):
    for generation, how in ((1, signal.SIGTERM), (2, signal.SIGINT)):
        node = start_node(workers=1)
        answer = node.decide("stopping", events=[view()])
        assert (answer["generation"], node.status()["generation"]) == (generation, generation)
        assert node.stop(how) == 0
        assert list((node.data_dir / "run").glob("worker-*.json")) == []
    lines = [json.loads(line) for line in node.log.read_text().splitlines()]
    assert [line["generation"] for line in lines if line["event"] == "bundle_active"] == [1, 2]
