"""Real nodes over real HTTP: the installed program on 127.0.0.1 with a free port, ended by id of what was started."""

import ctypes
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import drilling
import httpx
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from edgewise import book
from edgewise.store import steps
from edgewise.store.commit import Writer
from edgewise.store.desk import Desk
from edgewise.store.keys import NODE, ROLES, KeyFolder
from edgewise.store.objects import Objects
from edgewise.store.releases import publish, right_now
from edgewise.store.rollout import take_step
from edgewise.store.setup import init_store, new_id
from edgewise.store.steps import Signature
from edgewise.store.view import look

BOOKS = Path(__file__).parent / "books"
PROGRAM = Path(sys.executable).with_name("edgewise")
READY_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
URL = re.compile(r"http://[^\s]+:\d+")


class Description:
    """The service's own description; every answer that any test gets is held against it."""

    def __init__(self, document):
        self.document = document
        self.seen = set()
        self._registry = Registry().with_resource("urn:api", Resource(contents=document, specification=DRAFT202012))
        self._paths = {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in document["paths"]}

    def hold(self, method, path, answer):
        """Fail unless status, content type and body are as described."""
        described = self._find(method.lower(), path)
        if described is None:
            assert answer.status_code in {404, 405} or method in {"HEAD", "OPTIONS"}, (
                f"{method} {path} is not described"
            )
            return
        known, responses = described
        assert str(answer.status_code) in responses, f"{method} {known} does not describe {answer.status_code}"
        self.seen.add((method.lower(), known, answer.status_code))
        content = responses[str(answer.status_code)].get("content")
        if content is None:
            assert answer.content == b""
            return
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type in content, f"{method} {known} does not describe {media_type}"
        if media_type.endswith("json"):
            place = ("paths", known, method.lower(), "responses", str(answer.status_code), "content", media_type)
            self.validate(answer.json(), *place)

    def _find(self, method, path):
        for known, pattern in self._paths.items():
            if pattern.fullmatch(path) and method in self.document["paths"][known]:
                return known, self.document["paths"][known][method]["responses"]
        return None

    def validate(self, value, *place):
        """Hold a value against the schema at a place of the description."""
        pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in (*place, "schema"))
        Draft202012Validator({"$ref": f"urn:api#/{pointer}"}, registry=self._registry).validate(value)


def end_with_the_tests():
    """Ask the kernel to end a node in good order when the tests are killed."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class RunningNode:
    """One `edgewise serve` process and a client of it."""

    def __init__(self, data_dir, *options, book=BOOKS / "views", workers=2, token=None, command=None):
        self.data_dir = data_dir
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self.token = token
        self._clients = []
        arguments = ["serve", "--book", book, "--port", 0, "--workers", workers, "--data-dir", data_dir]
        command = command or [PROGRAM, *arguments, "--node-id", "n-1", *options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*map(str, command)],
                stdout=subprocess.PIPE,
                stderr=log,
                preexec_fn=end_with_the_tests,  # noqa: PLW1509, one system call, nothing that takes a lock
            )
        self.lines = queue.Queue()
        threading.Thread(target=self._read_output, daemon=True).start()
        try:
            self._meet()
        except BaseException:
            self.end()
            raise

    def _meet(self):
        self.url = URL.search(self._ready_line()).group()
        self.description = Description(httpx.get(f"{self.url}/v1/openapi.json", trust_env=False, timeout=20).json())
        self.client = self.new_client()

    def _read_output(self):
        for line in self.process.stdout:
            self.lines.put(line.decode())
        self.lines.put("")

    def _ready_line(self):
        while line := self.lines.get(timeout=READY_TIMEOUT_S):
            if URL.search(line):
                return line
        raise AssertionError(f"the node ended with {self.process.wait()}: {self.log.read_text()}")

    def new_client(self, *, token=None, connections=100):
        """A client whose connections stay open; with one connection it talks to one worker."""
        token = token or self.token
        headers = {"authorization": f"Bearer {token}"} if token else {}
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        hooks = {"response": [self._hold]}
        self._clients.append(
            httpx.Client(
                base_url=self.url, headers=headers, limits=limits, timeout=20, trust_env=False, event_hooks=hooks
            )
        )
        return self._clients[-1]

    def _hold(self, answer):
        answer.read()
        self.description.hold(answer.request.method, answer.request.url.raw_path.decode().partition("?")[0], answer)

    def clients_of_each_worker(self):
        """One client per worker, each on its own connection."""
        clients = {}
        for _ in range(200):
            client = self.new_client(connections=1)
            worker = client.get("/v1/status").json()["worker"]
            if worker in clients:
                client.close()
            clients.setdefault(worker, client)
            if len(clients) == len(self.status()["workers"]):
                return [clients[worker] for worker in sorted(clients)]
        raise AssertionError("the workers do not share the connections")

    def decide(self, session=None, events=(), client=None, **request):
        """Ask for `home.banner` and return the whole answer."""
        body = {
            "decisionPoints": ["home.banner"],
            "identity": {"sessionId": session},
            "signals": {"page.kind": "home"},
            "events": list(events),
        } | request
        answer = (client or self.client).post("/v1/decide", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pathway(self, session, **request):
        return self.decide(session, **request)["decisions"]["home.banner"]["pathway"]

    def status(self):
        answer = self.client.get("/v1/status")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def metrics(self, client=None):
        """Samples by name with labels, as Prometheus would scrape them."""
        text = (client or self.client).get("/metrics").text
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def wait_until(self, condition, timeout_s=15):
        """Wait for something to become true of the node."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            try:
                if found := condition(self):
                    return found
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not within {timeout_s} s; log: {self.log.read_text()}")

    def hang_up(self):
        """Ask it to take its settings anew."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self, how=signal.SIGTERM):
        """Ask it to stop and wait until it has."""
        self.process.send_signal(how)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        finally:
            self.end()

    def end(self):
        """Leave nothing running whatever happened."""
        for client in self._clients:
            client.close()
        for pid in self._worker_pids():
            if self.process.poll() is not None and _is_ours(pid, self.data_dir):
                os.kill(pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()

    def _worker_pids(self):
        return [json.loads(path.read_text())["pid"] for path in (self.data_dir / "run").glob("worker-*.json")]


def _is_ours(pid, data_dir):
    try:
        return str(data_dir) in Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return False


def pytest_terminal_summary(terminalreporter):
    """Show what drills did to decisions."""
    for line in drilling.table():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def running_node():
    """Give fixtures of a wider scope the means to start nodes."""
    return RunningNode


@pytest.fixture(scope="session")
def shared_node(tmp_path_factory):
    """A node on the book `views` that tests share: each uses sessions of its own and changes nothing else."""
    node = RunningNode(tmp_path_factory.mktemp("node") / "data")
    yield node
    node.end()


@pytest.fixture
def start_node(tmp_path):
    """Start nodes of one's own; they are ended after the test."""
    nodes = []

    def start(*options, data_dir="data", **how):
        nodes.append(RunningNode(tmp_path / data_dir, *options, **how))
        return nodes[-1]

    yield start
    for node in nodes:
        node.end()


@pytest.fixture
def view():
    """Make `Product Viewed` events with ids of their own."""
    counter = iter(range(1_000_000))

    def make(event="Product Viewed", **fields):
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {"id": f"e-{next(counter)}", "event": event, "timestamp": moment, "properties": {}} | fields

    return make


class Shop:
    """A store in a folder, its keys, and those who publish and roll out."""

    def __init__(self, folder):
        identity = new_id()
        self.folder = folder / "store"
        self.all_keys = folder / "keys"
        self.keys = KeyFolder(self.all_keys / identity)
        for role in [*ROLES, NODE]:
            self.keys.make(role)
        self._objects = Objects.open(str(self.folder), create=True)
        self._root = init_store(self._objects, identity, self.keys, {}, development=True)

    def release(self, name="views", **change):
        """Publish a book; with `change` another bundle that decides the same."""
        bundle = book.build(BOOKS / name)
        changed = type(bundle).of_document(bundle.document() | change)
        return publish(self.writer, changed.data, {})[0]

    def step(self, step, *args):
        made = take_step(
            self.writer, lambda before: step(before, *args, Signature(by="tests", at=right_now(), why="to see"))
        )
        return made.generation

    def everywhere(self, digest):
        return self.step(steps.start_everywhere, digest)

    def nodes(self):
        """The nodes as `edgewise rollout status --json` shows them, by id."""
        seen = look(Desk.open(str(self.folder), self.keys.folder)).document()
        return {node["id"]: node for node in seen["nodes"]}

    @property
    def writer(self):
        return Writer(self._objects, self._root, self.keys)


@pytest.fixture(scope="session")
def make_shop():
    """Make stores, each with keys of its own, in a folder."""
    return Shop


@pytest.fixture
def follow(tmp_path, start_node):
    """Start nodes that follow a shop."""

    def start(shop, *options, node_id="n-1", data_dir=None, workers=1, env=None):
        data_dir = data_dir or node_id
        more = [f"{name}={value}" for name, value in (env or {}).items()]
        command = [
            "env",
            f"EDGEWISE_KEYS={shop.all_keys}",
            *more,
            PROGRAM,
            "serve",
            "--store",
            shop.folder,
            "--poll",
            "100ms",
        ]
        command += ["--node-id", node_id, "--data-dir", tmp_path / data_dir, "--port", 0, "--workers", workers]
        return start_node(data_dir=data_dir, command=[*command, *options])

    return start
