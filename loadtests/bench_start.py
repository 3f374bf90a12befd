"""How long a node takes from exec to the first 200 on `/readyz`, from its last good bundle, with its store down.

    python loadtests/bench_start.py --starts 20

Makes a store in a folder, lets a node take its bundle up once, moves the store away, and starts the node again and
again, ending it with SIGTERM in between. Whoever asks for `/readyz` asks once every five milliseconds.
"""

import argparse
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.box import MARKDOWN
from rich.table import Table

from hosts import machine, machine_cpu_s, tree, versions
from report import console
from server import EDGEWISE, STOP_TIMEOUT_S, free_port

ROOT = Path(__file__).parent.parent
BOOKS = {"a model": ROOT / "examples/book", "no model": ROOT / "tests/service/books/views"}
FIGURE_S = 1.5
POLL_S = 0.005
DIGEST = re.compile("sha256:[0-9a-f]{64}")
GIVE_UP_S = 30.0


def main() -> None:
    """Start nodes and print how long they took; fail when one took too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=20, help="starts of each kind (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="workers of the node (%(default)s)")
    options = parser.parse_args()
    console.print(f"{machine()}; {versions()}; {time.strftime('%Y-%m-%d', time.gmtime())}")
    columns = ("book with", "starts", "best s", "median s", "p95 s", "worst s", "cpu s", "foreign")
    table = Table(*columns, box=MARKDOWN)
    worst_s = 0.0
    for name, book in BOOKS.items():
        with tempfile.TemporaryDirectory(prefix="edgewise-start-") as folder:
            times, spent, foreign = starts(book, Path(folder), options.starts, options.workers)
        worst_s = max(worst_s, *times)
        cuts = (min(times), statistics.median(times), statistics.quantiles(times, n=20)[-1], max(times))
        table.add_row(name, str(len(times)), *(f"{figure:.2f}" for figure in (*cuts, spent, foreign)))
    console.print(table)
    if worst_s >= FIGURE_S:
        sys.exit(f"a start took {worst_s:.2f} s; it should take less than {FIGURE_S} s")


def starts(book: Path, folder: Path, count: int, workers: int) -> tuple[list[float], float, float]:
    """Give the duration of each start, what the node spent of processors for it, and how much strangers took."""
    store, data = folder / "store", folder / "node"
    os.environ["EDGEWISE_KEYS"] = str(folder / "keys")
    run("store", "init", store)
    [digest] = set(DIGEST.findall(run("publish", book, "--store", store)))
    run("rollout", "start", digest, "--store", store, "--all")
    with node(store, data, workers) as (process, url):
        wait_ready(process, url, GIVE_UP_S)
        wait_settled(data)
    store.rename(folder / "away")
    times, spent_s, foreign = [], [], []
    for _ in range(count):
        began, before, ours = time.perf_counter(), machine_cpu_s(), time.process_time()
        with node(store, data, workers) as (process, url):
            wait_ready(process, url, GIVE_UP_S)
            took = time.perf_counter() - began
            spent_s.append(sum(cpu_s_now(pid) for pid in tree(process.pid)))
            known_s = spent_s[-1] + time.process_time() - ours
            foreign.append(max(0.0, machine_cpu_s() - before - known_s) / took)
        times.append(took)
    return times, statistics.median(spent_s), statistics.fmean(foreign)


def cpu_s_now(pid: int) -> float:
    """Processor time of one process in nanoseconds' precision, all threads that live."""
    spent = 0.0
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            spent += int((task / "schedstat").read_text().split()[0]) / 1e9
    return spent


def run(*words: object) -> str:
    """Run the program to its end."""
    return subprocess.check_output([str(EDGEWISE), *map(str, words)], stderr=subprocess.STDOUT).decode()


@contextmanager
def node(store: Path, data: Path, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], tuple[str, int]]]:
    """Run a node that follows the store, for as long as the block lasts."""
    address = ("127.0.0.1", free_port())
    command = [EDGEWISE, "serve", "--store", store, "--data-dir", data, "--port", address[1], "--workers", workers]
    with data.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
    try:
        yield process, address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_ready(process: subprocess.Popen[bytes], address: tuple[str, int], within_s: float) -> None:
    """Ask until the node says that it is ready."""
    until = time.monotonic() + within_s
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError):
            if is_ready(address):
                return
        time.sleep(POLL_S)
    sys.exit("the node did not become ready")


def is_ready(address: tuple[str, int]) -> bool:
    """Ask once, over a connection of its own."""
    with socket.create_connection(address, GIVE_UP_S) as connection:
        connection.sendall(b"GET /readyz HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n")
        return connection.recv(64).startswith(b"HTTP/1.1 200")


def wait_settled(data: Path) -> None:
    """Wait until the agent has noted that every worker serves what the store says."""
    until = time.monotonic() + GIVE_UP_S
    while not (data / "agent/settled.json").exists() or not (data / "slot/good.json").exists():
        if time.monotonic() > until:
            sys.exit("the node did not take its bundle up")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
