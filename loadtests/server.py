"""A node of our own for a measurement: starts `edgewise serve`, waits until it is ready, stops it."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EDGEWISE = Path(sys.executable).with_name("edgewise")
READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
POLL_S = 0.05
READY = re.compile(r"^ready on (http://\S+)", re.MULTILINE)


def free_port() -> int:
    """Find a port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def serving(book: Path, port: int, data_dir: Path, workers: int) -> Iterator[str]:
    """Serve a book on loopback for as long as the block lasts; gives the node's address. Port 0 takes a free one."""
    command = [str(EDGEWISE), "serve", "--book", str(book), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(workers), "--data-dir", str(data_dir / "node")]
    log = data_dir / "node.log"
    with log.open("wb") as output:
        node = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield wait_ready(node, log)
    finally:
        node.terminate()
        try:
            node.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            node.kill()
            node.wait()


def wait_ready(node: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until every worker has loaded and tested the bundle; the node then says where it listens."""
    ends = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < ends and node.poll() is None:
        if found := READY.search(log.read_text(errors="replace")):
            return found.group(1)
        time.sleep(POLL_S)
    sys.exit(f"the node did not become ready:\n{log.read_text(errors='replace')}")
