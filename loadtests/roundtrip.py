"""Asks a running node again and again over one connection and prints how long a round trip takes.

    python loadtests/roundtrip.py http://127.0.0.1:8787 --requests 2000

Each request is sent twice over: head and body in one write, then in two, as many clients do. Forty milliseconds in
either row mean that some side waits for an acknowledgement it will not get soon; the script fails on such a median.
"""

import argparse
import json
import socket
import sys
import time
from collections.abc import Iterator
from io import BufferedReader
from urllib.parse import urlsplit

from report import percentiles_ms

MEDIAN_LIMIT_MS = 20.0
TIMEOUT_S = 10.0


def main() -> int:
    """Measure both ways of sending; 1 when one stalls."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8787", help="the node (%(default)s)")
    parser.add_argument("--point", default="returns.header", help="a decision point to ask for (%(default)s)")
    parser.add_argument("--requests", type=int, default=2000, help="requests a row (%(default)s)")
    options = parser.parse_args()
    address = urlsplit(options.url)
    body = json.dumps({"decisionPoints": [options.point]}).encode()
    head = f"POST /v1/decide HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    stalled = False
    for name, writes in (("one write", [head + body]), ("two writes", [head, body])):
        with socket.create_connection((address.hostname or "", address.port or 80), TIMEOUT_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            times_ms = list(round_trips_ms(connection, writes, options.requests))
        measured = percentiles_ms(times_ms)
        print(
            name, *(f"{part} {took:.3f} ms" for part, took in measured.items()), f"{len(times_ms)} requests", sep="  "
        )
        stalled |= measured["p50"] > MEDIAN_LIMIT_MS
    return int(stalled)


def round_trips_ms(connection: socket.socket, writes: list[bytes], requests: int) -> Iterator[float]:
    """Send a request, read its whole answer, and again."""
    with connection.makefile("rb") as answers:
        for _ in range(requests):
            started = time.perf_counter()
            for part in writes:
                connection.sendall(part)
            read_answer(answers)
            yield (time.perf_counter() - started) * 1e3


def read_answer(answers: BufferedReader) -> None:
    """Read one answer of known length; anything but 200 ends the run."""
    status = answers.readline()
    if not status.startswith(b"HTTP/1.1 200"):
        sys.exit(f"the node answered {status.decode(errors='replace').strip()}")
    length = 0
    while line := answers.readline().strip().lower():
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    answers.read(length)


if __name__ == "__main__":
    sys.exit(main())
