"""Processes to measure, placed on cores: a node on any bundle, or another application on the same server.

Knows how to start, place, watch and stop them; sends nothing.
"""

import importlib.metadata
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from edgewise.bundle import Bundle
from edgewise.bundle.slot import SlotWriter
from server import STOP_TIMEOUT_S, wait_ready

HERE = Path(__file__).parent
TICKS_S = os.sysconf("SC_CLK_TCK")
SERVER_CORES, GENERATOR_CORES = {0}, {1}


@dataclass(frozen=True, slots=True)
class Host:
    """A running process that answers on an address."""

    address: tuple[str, int]
    uds: str
    pid: int
    data_dir: Path

    def cpu_s(self) -> float:
        """Processor time of the process and all its children so far."""
        return sum(cpu_s_of(pid) for pid in tree(self.pid))


def tree(pid: int) -> list[int]:
    """Name a process and all that come from it."""
    try:
        children = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []
    return [pid, *(one for text in children for child in text.split() for one in tree(int(child)))]


def cpu_s_of(pid: int) -> float:
    """Processor time of one process, user and system."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_S


def machine_cpu_s() -> float:
    """Processor time of everything on this machine so far."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS_S


@contextmanager
def node(
    bundle: Bundle, folder: Path, *options: str, workers: int = 1, cores: set[int] | None = None
) -> Iterator[Host]:
    """A node of edgewise that serves a bundle from its slot; writing another one there swaps it."""
    folder.mkdir(parents=True)
    with SlotWriter.open(folder / "node") as writer:
        writer.write(bundle, "book")
    uds = str(folder / "node.sock")
    command = [sys.executable, str(HERE / "slotnode.py"), str(folder / "node"), "--uds", uds, "--workers", str(workers)]
    with running([*command, *options], folder, cores or SERVER_CORES) as (process, address):
        yield Host(address, uds, process.pid, folder / "node")


@contextmanager
def peer(app: str, folder: Path) -> Iterator[Host]:
    """Another application, by its name in `peers.py`, on the same server with the same flags."""
    folder.mkdir(parents=True)
    uds = str(folder / "peer.sock")
    command = [sys.executable, str(HERE / "peers.py"), app, "--uds", uds]
    with running(command, folder, SERVER_CORES) as (process, address):
        yield Host(address, uds, process.pid, folder)


@contextmanager
def running(
    command: list[str], folder: Path, cores: set[int]
) -> Iterator[tuple[subprocess.Popen[bytes], tuple[str, int]]]:
    """Run a command on these cores for as long as the block lasts."""
    log = folder / "host.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    os.sched_setaffinity(process.pid, cores & os.sched_getaffinity(process.pid) or cores)
    try:
        host, port = wait_ready(process, log).removeprefix("http://").split(":")
        yield process, (host, int(port))
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def take_generator_core() -> None:
    """Keep this process, the generator, off the server's core."""
    os.sched_setaffinity(0, GENERATOR_CORES)


def versions() -> str:
    """Say what was measured with."""
    names = ("uvicorn", "uvloop", "httptools", "litestar", "msgspec")
    found = [f"{name} {importlib.metadata.version(name)}" for name in names]
    return f"Python {sys.version.split()[0]}, " + ", ".join(found)


def machine() -> str:
    """Say what it was measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown processor")
    return f"{os.cpu_count()} x {model}, Linux {os.uname().release.partition('-')[0]}"


@dataclass(slots=True)
class Watch:
    """What a measured stretch cost: the host's processor time, and what strangers took of the machine meanwhile."""

    host: Host
    _host_s: float = 0.0
    _machine_s: float = 0.0
    _own_s: float = 0.0
    _at: float = 0.0
    host_s: float = 0.0
    foreign: float = 0.0

    def __enter__(self) -> Self:
        self._host_s, self._machine_s = self.host.cpu_s(), machine_cpu_s()
        self._own_s, self._at = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        took_s = time.perf_counter() - self._at
        self.host_s = self.host.cpu_s() - self._host_s
        own_s = time.process_time() - self._own_s
        self.foreign = max(0.0, (machine_cpu_s() - self._machine_s - self.host_s - own_s) / took_s)
