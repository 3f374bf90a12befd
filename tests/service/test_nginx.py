"""The nginx configuration that is shipped, in a real nginx before real nodes."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

SHIPPED = Path(__file__).parents[2] / "deploy" / "nginx"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
POINT = {"decisionPoints": ["home.banner"], "signals": {"page.kind": "home"}}

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Proxy:
    """nginx with the shipped configuration: its own port, these nodes, this limit, its files under one folder."""

    def __init__(self, folder, nodes, rate):
        self._folder = folder
        folder.mkdir()
        port = free_port()
        self._write(port, nodes, rate)
        self._process = subprocess.Popen([NGINX, "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"])
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)
        self._wait()

    def _write(self, port, nodes, rate):
        text = (SHIPPED / "edgewise.conf").read_text()
        servers = "\n".join(f"server {node.client.base_url.host}:{node.client.base_url.port};" for node in nodes)
        for shipped, ours in {
            "server 127.0.0.1:8787 max_fails=2 fail_timeout=2s;": servers,
            "listen 8080;": f"listen 127.0.0.1:{port};",
            "/var/cache/nginx/edgewise": str(self._folder / "cache"),
            "rate=30000r/s": f"rate={rate}r/s",
            "burst=3000": "burst=1",
        }.items():
            assert text.count(shipped) == 1, f"`{shipped}` is what the test knows how to replace"
            text = text.replace(shipped, ours)
        (self._folder / "edgewise.conf").write_text(text)
        cached = (SHIPPED / "edgewise-defaults.inc").read_text()
        assert "200 5s" in cached
        (self._folder / "edgewise-defaults.inc").write_text(cached.replace("200 5s", "200 1s"))
        paths = "\n".join(
            f"{name}_temp_path {self._folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;" if os.getuid() == 0 else ""
        (self._folder / "nginx.conf").write_text(
            f"{user}\ndaemon off;\nworker_processes 1;\npid {self._folder / 'nginx.pid'};\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{paths}\ninclude edgewise.conf;\n}}\n"
        )

    def _wait(self):
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                self.client.get("/")
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self._folder / "error.log").read_text())

    def decide(self, key=None, headers=()):
        keyed = {} if key is None else {"x-edgewise-key": key}
        return self.client.post("/v1/decide", json=POINT, headers={**keyed, **dict(headers)})

    def end(self):
        self.client.close()
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture(scope="module")
def nodes(running_node, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nodes")
    nodes = [running_node(folder / name, "--node-id", name, workers=1) for name in ("n-1", "n-2")]
    yield nodes
    for node in nodes:
        node.end()


@pytest.fixture
def start_proxy(tmp_path):
    started = []

    def start(nodes, rate=30_000):
        started.append(Proxy(tmp_path / f"nginx-{len(started)}", nodes, rate))
        return started[-1]

    yield start
    for proxy in started:
        proxy.end()


def test_a_key_stays_on_one_node_and_keys_are_spread(nodes, start_proxy):
    proxy = start_proxy(nodes)
    found = {f"s-{number}": proxy.decide(f"s-{number}").json()["node"] for number in range(20)}
    assert set(found.values()) == {"n-1", "n-2"}
    assert all(proxy.decide(key).json()["node"] == node for key, node in found.items())
    assert {proxy.decide().json()["node"] for _ in range(40)} == {"n-1", "n-2"}


def test_the_proxy_says_how_old_a_request_is_and_callers_do_not(nodes, start_proxy):
    proxy = start_proxy(nodes)
    decision = proxy.decide(headers={"x-request-start": "t=1000"}).json()["decisions"]["home.banner"]
    assert decision["reason"] != "SHED"


def test_beyond_the_limit_callers_get_the_cached_defaults(nodes, start_proxy):
    proxy = start_proxy(nodes, rate=1)
    defaults = proxy.client.get("/v1/defaults")
    answers = [proxy.decide(f"s-{number}") for number in range(12)]
    assert {answer.status_code for answer in answers} == {200}
    limited = [answer for answer in answers if answer.headers.get("x-edgewise-answer") == "defaults"]
    assert 5 < len(limited) < 12
    for answer in limited:
        assert answer.json() == defaults.json()
        assert answer.headers["cache-control"] == "private, no-store"
    assert all("decisions" in answer.json() for answer in answers if answer not in limited)


def test_with_all_nodes_gone_defaults_are_still_served(running_node, tmp_path, start_proxy):
    node = running_node(tmp_path / "data", workers=1)
    proxy = start_proxy([node])
    defaults = proxy.client.get("/v1/defaults").json()
    assert proxy.decide().json()["decisions"]["home.banner"]["action"] == "render"
    node.end()
    time.sleep(1.1)  # longer than what is cached counts as fresh
    assert proxy.client.get("/v1/defaults").json() == defaults
    answer = proxy.decide()
    assert (answer.status_code, answer.headers["x-edgewise-answer"]) == (200, "defaults")
    assert answer.json() == defaults


def test_what_is_for_inside_stays_inside(nodes, start_proxy):
    proxy = start_proxy(nodes)
    for path in ("/metrics", "/v1/status", "/readyz", "/v1/state/session/s-1"):
        assert proxy.client.get(path).status_code == 404
