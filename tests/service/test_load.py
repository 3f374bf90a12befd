"""The gates of a load run, proved: locust passes a healthy node and stops each kind of bad one, by name and code."""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from server import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LOCUST = Path(sys.executable).with_name("locust")
GATE_FAILED = 3
SHIPPED = (ROOT / "loadtests/thresholds.toml").read_text()
FAULTS = ("none", "slow", "forgetful", "broken", "overloaded")
RUN_ALONE = "[run]\nfailure_ratio_max = 0\nachieved_ratio_min = 0.5\n"
DEFAULTS = {
    "bundle": "sha256:1",
    "decisionPoints": {
        point: {"fallback": {"content": point}, "reads": []} for point in ("product.help", "product.cart")
    },
}


class StandIn(BaseHTTPRequestHandler):
    """A small server that answers as a node does, but for one fault."""

    protocol_version = "HTTP/1.1"
    faults: ClassVar[dict[int, str]] = {}  # by port

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.answer(200, DEFAULTS)

    def do_POST(self) -> None:
        fault = self.faults[self.server.server_port]  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/events" and fault == "overloaded":
            self.answer(503, {"title": "send this again"})
        elif self.path == "/v1/events":
            self.answer(202, {"accepted": len(body), "rejected": 0, "errors": []})
        elif fault == "broken":
            self.answer(503, {"title": "no bundle"})
        else:
            time.sleep(0.15 if fault == "slow" else 0)
            self.answer(200, self.decide(body, fault))

    def decide(self, body: Any, fault: str) -> dict[str, Any]:
        points = body["decisionPoints"][1 if fault == "forgetful" else 0 :]
        decision = {"decisionId": "d", "action": "render", "reason": "FALLBACK", "inExperiment": False}
        return {
            "requestId": body["requestId"],
            "bundle": "sha256:1",
            "generation": 1,
            "node": "stand-in",
            "eventsAccepted": len(body["events"]),
            "decisions": {point: decision | {"value": {"content": point}} for point in points},
            "warnings": [],
        }

    def answer(self, status: int, document: object) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Retry-After", "1")
        self.send_header("Cache-Control", "private, no-store")
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(data)


class Result:
    """How a run of locust ended."""

    def __init__(self, folder: Path, run: subprocess.CompletedProcess[str]) -> None:
        self.status = run.returncode
        self.output = run.stdout + run.stderr
        self.folder = folder
        verdict = folder / "verdict.json"
        self.verdict = json.loads(verdict.read_text()) if verdict.exists() else {}

    @property
    def failed(self) -> set[str]:
        return {gate["name"] for gate in self.verdict["gates"] if not gate["holds"]}


def locust(folder: Path, url: str, *options: str) -> Result:
    folder.mkdir()
    command = [LOCUST, "-f", ROOT / "loadtests/locustfile.py", "--headless", "--only-summary", "--host", url]
    command += [
        "-u",
        "8",
        "-t",
        "2s",
        "--visits",
        "100",
        "--speedup",
        "90",
        "--verdict",
        folder / "verdict.json",
        *options,
    ]
    return Result(folder, subprocess.run([*map(str, command), *options], capture_output=True, text=True, timeout=40))


def two_processes() -> list[str]:
    port = str(free_port())
    return ["--processes", "2", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]


@pytest.fixture(scope="module")
def stand_ins() -> Iterator[dict[str, str]]:
    servers = {fault: ThreadingHTTPServer(("127.0.0.1", 0), StandIn) for fault in FAULTS}
    StandIn.faults = {server.server_port: fault for fault, server in servers.items()}
    for server in servers.values():
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield {fault: f"http://127.0.0.1:{server.server_port}" for fault, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def results(stand_ins: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Every run against a stand-in, some at the same time: they mostly wait."""
    folder = tmp_path_factory.mktemp("load")
    run_alone, typo = folder / "run.toml", folder / "typo.toml"
    run_alone.write_text(RUN_ALONE)
    typo.write_text("[run]\nfailure_ratio = 0\n")
    runs = {
        "none": (stand_ins["none"], "--thresholds", str(run_alone)),
        "slow": (stand_ins["slow"], "--speedup", "1500"),
        "forgetful": (stand_ins["forgetful"],),
        "broken": (stand_ins["broken"], *two_processes()),
        "overloaded": (stand_ins["overloaded"], "--thresholds", str(run_alone)),
        "typo": (stand_ins["none"], "--thresholds", str(typo)),
    }
    with ThreadPoolExecutor(3) as pool:
        waiting = {name: pool.submit(locust, folder / name, *options) for name, options in runs.items()}
    return {name: one.result() for name, one in waiting.items()}


def test_a_healthy_node_passes_with_two_processes_and_reports_are_written(tmp_path: Path) -> None:
    # Tests share a busy machine: the same gates, wider. How wide they really are is for `make load`.
    limits, out = tmp_path / "limits.toml", tmp_path / "out"
    limits.write_text(re.sub(r"(_ms = \d+)", r"\g<1>00", SHIPPED).replace("= 0.98", "= 0.5").replace("= 0.02", "= 0.5"))
    command = [sys.executable, ROOT / "loadtests/load.py", "--book", ROOT / "examples/book", "--out", out]
    command += ["--thresholds", limits, "--users", "16", "--seconds", "3", "--visits", "100"]

    run = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=50)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "PASSED: all" in run.stdout
    assert "memory of worker" in run.stdout
    verdict = json.loads((out / "smoke.json").read_text())
    figures = verdict["figures"]
    assert verdict["passed"]
    assert (figures["generators"], figures["generators_heard"]) == (2, 2)
    assert figures["answered"] > 20
    assert figures["decisions"]["FALLBACK"] > 0
    assert set(figures["endpoints"]) == {"GET /v1/defaults", "POST /v1/decide", "POST /v1/events"}
    assert {path.name for path in out.iterdir()} >= {"smoke.html", "smoke_stats.csv", "smoke.log", "smoke-node.log"}


def test_a_stand_in_without_a_fault_passes(results: dict[str, Result]) -> None:
    assert results["none"].status == 0, results["none"].output
    assert results["none"].failed == set()


def test_a_slow_node_is_stopped_by_its_latency_and_by_the_rate_it_holds_up(results: dict[str, Result]) -> None:
    run = results["slow"]

    assert run.status == GATE_FAILED
    assert {"POST /v1/decide p95_ms", "achieved of planned rate"} <= run.failed
    assert run.verdict["figures"]["failure_ratio"] == 0
    assert "GATE POST /v1/decide p95_ms" in run.output


def test_an_answer_that_leaves_a_point_out_is_a_failure_however_fast(results: dict[str, Result]) -> None:
    run = results["forgetful"]

    assert run.status == GATE_FAILED
    assert "failure ratio" in run.failed
    assert "not exactly the decision points that were asked for" in run.output


def test_the_master_stops_a_node_that_fails_when_workers_asked(results: dict[str, Result]) -> None:
    run = results["broken"]

    assert run.status == GATE_FAILED
    assert "failure ratio" in run.failed
    assert "status 503, not 200" in run.output


def test_a_node_that_sheds_its_load_in_good_order_is_stopped_by_how_much(results: dict[str, Result]) -> None:
    run = results["overloaded"]

    assert run.status == GATE_FAILED
    assert run.failed == {"degraded ratio"}


def test_a_misspelt_limit_ends_the_run_before_it_begins(results: dict[str, Result]) -> None:
    run = results["typo"]

    assert run.status not in (0, GATE_FAILED)
    assert not run.verdict
    assert "unknown field `failure_ratio`" in run.output


def test_only_locust_s_own_process_is_patched() -> None:
    script = "import sys, load, gates, checks, pace, shapes, messages, memory; sys.exit('gevent' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT / "loadtests").returncode == 0
    assert "gevent" not in sys.modules
