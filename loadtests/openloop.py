"""A generator of HTTP load over raw sockets: closed loop to find saturation, open loop for latency. Judges nothing.

In the open loop every request has a planned time, and its latency counts from that time, also while it waits for a free
connection: a server that stalls cannot silence those who would have noticed (no coordinated omission).
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import cast

import uvloop

Address = tuple[str, int] | str  # host and port, or the path of a Unix socket

TICK_S = 0.001
DRAIN_S = 5.0
ANSWER_KINDS_BYTES = 4096  # of a body; what was shed says so within
TRIES = 3


@dataclass(slots=True)
class Outcome:
    """What came of one run."""

    seconds: float = 0.0
    planned: int = 0
    answers: Counter[str] = field(default_factory=Counter)  # full, shed, or the status of what is neither
    latencies_ms: list[float] = field(default_factory=list)
    unanswered: int = 0
    generator_gap_ms: float = 0.0

    @property
    def answered(self) -> int:
        """How many requests got any answer."""
        return self.answers.total()

    @property
    def failures(self) -> int:
        """How many got an error, or no answer at all."""
        return self.unanswered + self.answered - self.answers["full"] - self.answers["shed"]

    def per_second(self, kind: str) -> float:
        """How many answers of a kind came each second."""
        return self.answers[kind] / self.seconds


def post(path: str, body: bytes, headers: str = "") -> bytes:
    """Make the bytes of one request."""
    head = f"POST {path} HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\n{headers}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One connection: sends a request, and says what came back and when it was planned."""

    def __init__(self, done: "Callable[[Connection, str, float], None]") -> None:
        self._done = done
        self._parts: list[bytes] = []
        self._missing = -1
        self._planned_s = 0.0
        self._transport: asyncio.WriteTransport | None = None
        self.is_busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def send(self, request: bytes, planned_s: float) -> None:
        """Send a request that was planned for this instant."""
        self._planned_s, self.is_busy = planned_s, True
        self._parts, self._missing = [], -1
        if self._transport is not None:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Gather one answer."""
        self._parts.append(data)
        if self._missing >= 0:
            self._missing -= len(data)
        else:
            self._parts = [b"".join(self._parts)]
            self._missing = missing_bytes(self._parts[0])
        if self._missing == 0:
            self._finish(kind_of(self._parts[0] if len(self._parts) == 1 else b"".join(self._parts[:2])))

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what was being waited for as lost."""
        if self.is_busy:
            self._finish("reset" if exc else "closed")

    def close(self) -> None:
        """Hang up."""
        self.is_busy = False
        if self._transport is not None:
            self._transport.close()

    def _finish(self, kind: str) -> None:
        self.is_busy = False
        self._done(self, kind, self._planned_s)


def missing_bytes(answer: bytes) -> int:
    """Say how many bytes of an answer are still to come; -1 while its head is not whole."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return -1
    at = answer.find(b"content-length: ", 0, end) + len(b"content-length: ")
    return end + 4 + int(answer[at : answer.index(b"\r\n", at)]) - len(answer)


def kind_of(answer: bytes) -> str:
    """Tell full answers from those that were shed; anything else is told by its status."""
    if answer[9:11] != b"20":
        return answer[9:12].decode()
    return "shed" if answer.find(b'"SHED"', 0, ANSWER_KINDS_BYTES) > 0 else "full"


async def connect(address: Address, done: Callable[[Connection, str, float], None]) -> Connection:
    """Open one connection."""
    loop = asyncio.get_running_loop()
    if isinstance(address, str):
        _, connection = await loop.create_unix_connection(lambda: Connection(done), address)
    else:
        _, connection = await loop.create_connection(lambda: Connection(done), *address)
    return connection


def closed_loop(address: Address, requests: Iterator[bytes], *, connections: int, seconds: float) -> Outcome:
    """Let every connection ask again as soon as it is answered."""
    return uvloop.run(_closed_loop(address, requests, connections, seconds))


async def _closed_loop(address: Address, requests: Iterator[bytes], count: int, seconds: float) -> Outcome:
    outcome = Outcome(seconds=seconds)

    def done(connection: Connection, kind: str, sent_s: float) -> None:
        now = time.perf_counter()
        if now < ends:
            outcome.answers[kind] += 1
            outcome.latencies_ms.append((now - sent_s) * 1e3)
            if kind not in {"reset", "closed"}:
                connection.send(next(requests), now)

    connections = [await connect(address, done) for _ in range(count)]
    ends = time.perf_counter() + seconds
    for connection in connections:
        connection.send(next(requests), time.perf_counter())
    await asyncio.sleep(seconds)
    for connection in connections:
        connection.close()
    outcome.planned = outcome.answered
    return outcome


class OpenLoop:
    """Sends requests at their planned times over a pool of connections."""

    def __init__(self, requests: Iterator[bytes], connections_max: int) -> None:
        self._requests = requests
        self._connections_max = connections_max
        self._idle: list[Connection] = []
        self._connections: list[Connection] = []
        self._overdue: deque[float] = deque()
        self.outcome = Outcome()

    async def run(self, address: Address, rate: float, seconds: float, seed: int) -> Outcome:
        """Send as planned, then wait for what is out."""
        # All at once, so that opening connections is no part of any latency.
        self._connections = [await connect(address, self._done) for _ in range(self._connections_max)]
        self._idle = list(self._connections)
        started = last = time.perf_counter() + TICK_S
        plan = planned_times(rate, seconds, seed)
        due = next(plan, None)
        while due is not None:
            await asyncio.sleep(TICK_S)
            now = time.perf_counter()
            self.outcome.generator_gap_ms = max(self.outcome.generator_gap_ms, (now - last) * 1e3)
            last = now
            while due is not None and started + due <= now:
                self._send(started + due)
                due = next(plan, None)
        self.outcome.seconds = seconds
        await self._drain()
        return self.outcome

    def _send(self, planned_s: float) -> None:
        self.outcome.planned += 1
        if self._idle:
            self._idle.pop().send(next(self._requests), planned_s)
        else:
            self._overdue.append(planned_s)

    def _done(self, connection: Connection, kind: str, planned_s: float) -> None:
        self.outcome.answers[kind] += 1
        self.outcome.latencies_ms.append((time.perf_counter() - planned_s) * 1e3)
        if kind in {"reset", "closed"}:
            return
        if self._overdue:
            connection.send(next(self._requests), self._overdue.popleft())
        else:
            self._idle.append(connection)

    async def _drain(self) -> None:
        until = time.perf_counter() + DRAIN_S
        while self.outcome.answered < self.outcome.planned and time.perf_counter() < until:  # noqa: ASYNC110, a bound
            await asyncio.sleep(0.01)
        self.outcome.unanswered = self.outcome.planned - self.outcome.answered
        for connection in self._connections:
            connection.close()


def planned_times(rate: float, seconds: float, seed: int) -> Iterator[float]:
    """Plan arrivals that know nothing of each other (Poisson)."""
    random, at = Random(seed), 0.0
    while (at := at + random.expovariate(rate)) < seconds:
        yield at


def open_loop(
    address: Address, requests: Iterator[bytes], *, rate: float, seconds: float, connections: int, seed: int = 1
) -> Outcome:
    """Send at a rate that does not depend on the answers."""
    return uvloop.run(OpenLoop(requests, connections).run(address, rate, seconds, seed))
