"""In front of the application: holds a hot request until all of it is here, then lets it in or sheds it on the spot.

Plain requests are answered from here altogether, with no task, no routing and one write. They are not worked on as they
arrive but lined up, so that all that arrived together was seen before time is spent on any of it. The rest goes the
application's way: what works aside, what wants to be hung up on, what is to be refused anyway.
"""

import asyncio
import time
from typing import Any, Final, Protocol

from edgewise.edge.allowance import Stopwatch
from edgewise.edge.body import read_head, refuse_foreign
from edgewise.edge.hot import ARRIVED, ROUTES, TICKET, Asked, HotRoute, respond_now, shed_now
from edgewise.edge.problem import TITLES, Header, ProblemError
from edgewise.edge.worker import Worker

_BY_PATH: Final = {route.path.encode(): route for route in ROUTES}
_OK: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
_OTHER: Final = b"HTTP/1.1 %d %b\r\n"
_REST: Final = b"cache-control: private, no-store\r\nserver-timing: %b\r\ncontent-length: %d\r\n\r\n"
_REASONS: Final = {status: title.encode() for status, title in TITLES.items()}


class Answerable(Protocol):
    """Where an answer goes: a connection that waits for it."""

    loop: asyncio.AbstractEventLoop

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection stays open after the answer."""

    def answered(self, answer: bytes) -> None:
        """Take the answer, head and all."""


class Held:
    """A hot request whose body is still arriving."""

    __slots__ = ("arrived", "chunks", "route", "size")

    def __init__(self, route: HotRoute) -> None:
        self.route = route
        self.arrived = time.perf_counter()
        self.chunks: list[bytes] = []
        self.size = 0

    def take(self, chunk: bytes) -> bool:
        """Take a part of the body, and say whether it is still within the route's bound."""
        self.chunks.append(chunk)
        self.size += len(chunk)
        return self.size <= self.route.bytes_max

    @property
    def body(self) -> bytes:
        """What is here of the body."""
        return self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)


class Waiting:
    """A whole request in line, and who is to be told its answer."""

    __slots__ = ("_front", "_protocol", "asked", "route", "watch")

    def __init__(self, front: "Front", protocol: Answerable, held: Held, asked: Asked) -> None:
        self._front = front
        self._protocol: Answerable | None = protocol
        self.route = held.route
        self.asked = asked
        self.watch = Stopwatch(held.arrived)

    def answer(self) -> None:
        """Work on it now, unless that was done or its caller is gone."""
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.answered(self._front.respond(self))

    def drop(self) -> None:
        """Forget it: its caller is gone."""
        if self._protocol is not None and self.asked.ticket is not None:
            self.asked.ticket.give_back(None)
        self._protocol = None


class Front:
    """Meets every request of a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._admission = worker.admission
        self._line: list[Waiting] = []
        self._is_round = False  # something arrived that is not worked off yet

    def meet(self, url: bytes, method: bytes) -> Held | None:
        """Hold a request if its route is hot."""
        route = _BY_PATH.get(url.partition(b"?")[0])
        return None if route is None or method != b"POST" else Held(route)

    def admit(self, held: Held, scope: Any, protocol: Answerable) -> Waiting | bytes | None:  # noqa: ANN401, the server's type
        """Line a whole request up, or give the answer that sheds it, or leave it to the application."""
        route, ticket = held.route, self._admission.admit(held.route.name)
        if not protocol.keeps_alive:
            pass
        elif ticket is not None and held.size <= route.aside_bytes:
            return self._line_up(held, Asked(scope["headers"], scope["client"], held.body, ticket), protocol)
        elif ticket is None and self._is_in_order(route, scope["headers"]):
            self._open_round(protocol)
            return self._shed(held)
        scope[TICKET], scope[ARRIVED] = ticket, held.arrived
        return None

    def respond(self, waiting: Waiting) -> bytes:
        """Answer a request, head and all."""
        started = time.perf_counter()
        status, headers, body = respond_now(self._worker, waiting.route, waiting.asked, waiting.watch)
        if waiting.asked.ticket is not None:
            waiting.asked.ticket.give_back(time.perf_counter() - started)
        return self._render(waiting.route, status, headers, body, waiting.watch)

    def count_slow(self, held: Held) -> None:
        """Count a request that was refused because its body did not arrive."""
        self._worker.counters.add_request(held.route.name, 408)

    def _line_up(self, held: Held, asked: Asked, protocol: Answerable) -> Waiting:
        waiting = Waiting(self, protocol, held, asked)
        self._open_round(protocol)
        self._line.append(waiting)
        return waiting

    def _open_round(self, protocol: Answerable) -> None:
        if not self._is_round:
            self._is_round = True
            protocol.loop.call_soon(self._work_off)

    def _work_off(self) -> None:
        line, self._line, self._is_round = self._line, [], False
        self._admission.end_round()
        for waiting in line:
            waiting.answer()

    def _is_in_order(self, route: HotRoute, headers: list[Header]) -> bool:
        head = read_head(headers)
        try:
            self._worker.gate.admit(head.authorization, route.scope)
            refuse_foreign(head)
        except ProblemError:
            return False
        return self._worker.decider.active is not None

    def _shed(self, held: Held) -> bytes:
        watch = Stopwatch()
        status, headers, body = shed_now(self._worker, held.route, held.body)
        self._admission.shed(watch.took_s())
        return self._render(held.route, status, headers, body, watch)

    def _render(self, route: HotRoute, status: int, headers: list[Header], body: bytes, watch: Stopwatch) -> bytes:
        took_s = watch.took_s()
        counters = watch.counters or self._worker.counters
        counters.add_request(route.name, status)
        counters.observe(route.name, took_s)
        if len(headers) == 1 and status == 200:  # noqa: PLR2004, as nearly always
            head = _OK
        else:
            head = _OTHER % (status, _REASONS.get(status, b"Error"))
            head += b"".join(b"%b: %b\r\n" % header for header in headers)
        return b"".join((head, _REST % (watch.server_timing(took_s), len(body)), body))
