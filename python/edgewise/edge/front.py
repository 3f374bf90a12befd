"""In front of the application: holds a hot request until all of it is here, then lets it in or sheds it on the spot.

Plain requests are answered from here altogether, with no task, no routing and one write. Short ones are answered as
they arrive; long ones are lined up, so that all that arrived together was seen before time is spent on any of it. What
the round has no time for is shed. The rest goes the application's way: what works aside, what wants to be hung up on.
"""

import asyncio
import time
from typing import Any, Final, Protocol

from edgewise.edge.admission import Cause, Ticket
from edgewise.edge.allowance import Stopwatch
from edgewise.edge.hot import ARRIVED, GATED, ROUTES, TICKET, Asked, HotRoute, respond_now
from edgewise.edge.problem import TITLES, Header
from edgewise.edge.round import Outcome, Round
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

    __slots__ = ("arrived", "chunks", "client", "headers", "outcome", "route", "size", "ticket", "whole")

    def __init__(self, route: HotRoute, headers: list[Header], client: tuple[str, int] | None) -> None:
        self.route = route
        self.headers = headers
        self.client = client
        self.ticket: Ticket | None = None
        self.arrived = self.whole = time.perf_counter()
        self.chunks: list[bytes] = []
        self.size = 0
        self.outcome: Outcome = "refused"

    def take(self, chunk: bytes) -> bool:
        """Take a part of the body, and say whether it is still within the route's bound."""
        self.chunks.append(chunk)
        self.size += len(chunk)
        return self.size <= self.route.bytes_max

    def tell(self, scope: Any) -> None:  # noqa: ANN401, the server's type
        """Tell the application, where it goes on, what is known of it."""
        scope[TICKET], scope[ARRIVED] = self.ticket, self.arrived

    @property
    def body(self) -> bytes:
        """What is here of the body."""
        return self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)


class Waiting:
    """A whole request in line, and who is to be told its answer."""

    __slots__ = ("_front", "_protocol", "held")

    def __init__(self, front: "Front", protocol: Answerable, held: Held) -> None:
        self._front = front
        self._protocol: Answerable | None = protocol
        self.held = held

    @property
    def is_over(self) -> bool:
        """Whether it was answered, or its caller is gone."""
        return self._protocol is None

    def answer(self, cause: Cause | None = None) -> None:
        """Work on it now, or shed it if there is a cause, unless that is over."""
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.answered(self._front.respond(self.held, cause))

    def drop(self) -> None:
        """Forget it: its caller is gone."""
        self._protocol = None


class Front:
    """Meets every request of a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._admission = worker.admission
        self._line: list[Waiting] = []
        self._round: Round | None = None

    def meet(self, url: bytes, method: bytes, headers: list[Header], client: tuple[str, int] | None) -> Held | None:
        """Hold a request if its route is hot, and its body as far as it says no larger than it may be."""
        route = _BY_PATH.get(url.partition(b"?")[0])
        if route is None or method != b"POST":
            return None
        for name, value in headers:
            if name == b"content-length" and int(value) > route.bytes_max:
                return None
        return Held(route, headers, client)

    def admit(self, held: Held, protocol: Answerable) -> Waiting | bytes | None:
        """Line a whole request up, or answer it at once, or leave it to the application."""
        name, size = held.route.name, held.size
        if not (protocol.keeps_alive and self._admission.is_inline(name, size)):
            held.ticket = self._admission.admit(name, size)
            return None
        now_s = held.whole = time.perf_counter()
        if self._round is None:
            self._round = self._admission.begin_round(now_s)
            protocol.loop.call_soon(self._work_off)
        has_room = self._round.has_room(name, size, now_s)
        if not has_room or self._admission.is_short(name, size):
            return self._answer_early(self._round, held, is_full=has_room)
        self._round.line_up(name, size)
        waiting = Waiting(self, protocol, held)
        self._line.append(waiting)
        return waiting

    def respond(self, held: Held, cause: Cause | None) -> bytes:
        """Answer a request, head and all."""
        watch = Stopwatch(held.arrived, held.whole)
        asked = Asked(held.headers, held.client, held.body, cause)
        status, headers, body = respond_now(self._worker, held.route, asked, watch)
        if status == held.route.status:
            held.outcome = "full" if watch.was_worked_on else "shed"
        return self._render(held.route, status, headers, body, watch)

    def count_slow(self, held: Held) -> None:
        """Count a request that was refused because its body did not arrive."""
        self._worker.counters.add_request(held.route.name, 408)

    def _work_off(self) -> None:
        """Answer all in line, each as there is time for by its turn."""
        line, this, self._line, self._round = self._line, self._round, [], None
        if this is None:
            return
        now_s = time.perf_counter()
        this.begin_work(now_s)
        for number, waiting in enumerate(line):
            held = waiting.held
            is_full = this.has_time(held.route.name, held.size, now_s) or number == 0
            if waiting.is_over:
                continue
            waiting.answer(None if is_full else GATED)
            started_s, now_s = now_s, time.perf_counter()
            this.was_answered(held.route.name, held.size, now_s - started_s, held.outcome)
        self._admission.end_round(this.used(now_s))

    def _answer_early(self, this: Round, held: Held, *, is_full: bool) -> bytes:
        answer = self.respond(held, None if is_full else GATED)
        took_s = time.perf_counter() - held.whole
        this.was_answered_early(held.route.name, held.size, took_s, held.outcome)
        return answer

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
