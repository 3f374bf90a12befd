"""What drills share: visitors who ask all the time, what that showed, a clock that can be set. Starts no node."""

import contextlib
import shutil
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

PROGRAM = Path(sys.executable).with_name("edgewise")
POINT = "home.banner"
QUIET_S = 3.0
HOUR_S = 3600

_shown = []


class Visitors:
    """Ask for decisions all the time and remember every failure and every duration."""

    def __init__(self, node, events=list):
        self.failures, self.durations, self.events_lost = [], [], 0
        self._events = events
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
            events = self._events()
            started = time.perf_counter()
            try:
                answer = self._client.post("/v1/decide", json=body | {"events": events})
            except httpx.HTTPError as error:
                self.failures.append(repr(error))
            else:
                self._look_at(answer, len(events))
            self.durations.append((time.perf_counter() - started) * 1000)

    def _look_at(self, answer, events):
        if answer.status_code != 200 or "value" not in answer.json()["decisions"][POINT]:
            self.failures.append(answer.text)
        else:
            self.events_lost += events - answer.json()["eventsAccepted"]

    def p95_ms(self):
        return sorted(self.durations)[int(len(self.durations) * 0.95)]


@contextlib.contextmanager
def visited(node, drill, events=list):
    """Have visitors during a drill: none may fail. How long they waited is shown beside a quiet moment just before."""
    with Visitors(node, events) as quiet:
        time.sleep(QUIET_S)
    with Visitors(node, events) as visitors:
        until = time.monotonic() + QUIET_S
        yield visitors
        time.sleep(max(0.0, until - time.monotonic()))
    assert (quiet.failures, visitors.failures) == ([], [])
    _shown.append((drill, quiet, visitors))


def table():
    """What the drills of this run did to decisions, as lines."""
    if not _shown:
        return []
    lines = [f"{'drill':<44}{'decisions':>10}{'failed':>8}{'p95 ms':>8}{'quiet':>8}{'worst':>9}"]
    for drill, quiet, seen in _shown:
        figures = f"{len(seen.durations):>10}{len(seen.failures):>8}{seen.p95_ms():>8.1f}{quiet.p95_ms():>8.1f}"
        lines.append(f"{drill:<44}{figures}{max(seen.durations):>9.1f}")
    return lines


def tell(text):
    """Say a figure; `make drills` shows it."""
    sys.stdout.write(f"\n{text}\n")


def at(generation):
    return lambda node: (status := node.status())["ready"] and status["generation"] == generation and status


def started(shop, follow, *options, env=None, **change):
    generation = shop.everywhere(shop.release("views", **change))
    node = follow(shop, *options, env=env)
    node.wait_until(at(generation))
    node.wait_until(lambda node: node.status()["source"] == "origin")
    return node, generation


class WallClock:
    """The clock on the wall of some processes, set at any time. Needs a C compiler; `faketime` moves other clocks."""

    def __init__(self, folder):
        compiler = shutil.which("cc")
        if compiler is None or sys.platform != "linux":
            pytest.skip("setting the clock of a process needs Linux and a C compiler, `cc`")
        library = folder / "wallclock.so"
        source = Path(__file__).with_name("wallclock.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        self._file = folder / "offset"
        self._file.write_bytes(struct.pack("l", 0))
        self.env = {"LD_PRELOAD": str(library), "WALLCLOCK_OFFSET": str(self._file)}

    def set(self, ahead_s):
        """Set it, for all who have it, ahead of the true time or behind it."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("l", ahead_s))


def fill(path):
    """Take all that is left on a disk."""
    with path.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(b"x" * 65536):
            pass
