"""In front of the application: holds a hot request until all of it is here, then lets it in or answers it on the spot.

What is shed here costs a fraction of the application's way: no task, no routing, one write. A request that is let in
goes the application's way, and so does one that is to be refused anyway.
"""

import time
from typing import Any, Final

from edgewise._core import RequestError
from edgewise.edge.admission import SHED, Cause
from edgewise.edge.allowance import budget_ms
from edgewise.edge.body import read_head, refuse_foreign
from edgewise.edge.hot import ARRIVED, ROUTES, TICKET, HotRoute, shed
from edgewise.edge.problem import CONTENT_TYPE, ProblemError
from edgewise.edge.worker import Worker

GATE: Final[Cause] = "gate"

_BY_PATH: Final = {route.path.encode(): route for route in ROUTES}
_OK: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
_REFUSED: Final = b"HTTP/1.1 %d %b\r\ncontent-type: " + CONTENT_TYPE + b"\r\n"
_REST: Final = b"cache-control: private, no-store\r\nserver-timing: total;dur=%.3f\r\n%bcontent-length: %d\r\n\r\n"
_REASONS: Final = {400: b"Bad Request", 413: b"Content Too Large", 503: b"Service Unavailable"}


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


class Front:
    """Meets every request of a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._admission = worker.admission

    def meet(self, url: bytes, method: bytes) -> Held | None:
        """Hold a request if its route is hot."""
        route = _BY_PATH.get(url.partition(b"?")[0])
        if route is None or method != b"POST" or not self._admission.is_on:
            return None
        return Held(route)

    def admit(self, held: Held, scope: Any, *, keep_alive: bool) -> bytes | None:  # noqa: ANN401, the server's type
        """Let a whole request in with a ticket, or give the answer that sheds it."""
        ticket = self._admission.admit(held.route.name)
        if ticket is None and keep_alive and self._is_in_order(held.route, scope["headers"]):
            return self._shed(held)
        scope[TICKET], scope[ARRIVED] = ticket, held.arrived
        return None

    def count_slow(self, held: Held) -> None:
        """Count a request that was refused because its body did not arrive."""
        self._worker.counters.add_request(held.route.name, 408)

    def _is_in_order(self, route: HotRoute, headers: list[tuple[bytes, bytes]]) -> bool:
        head = read_head(headers)
        try:
            self._worker.gate.admit(head.authorization, route.scope)
            refuse_foreign(head)
            if head.budget is not None and route.has_budget:
                budget_ms(head.budget)
        except ProblemError:
            return False
        return self._worker.decider.active is not None

    def _shed(self, held: Held) -> bytes:
        started = time.perf_counter()
        route, headers = held.route, b""
        try:
            status, body = 200, shed(self._worker, route, held.body, GATE)
        except RequestError as error:
            status, body = error.status, error.problem
        except ProblemError as error:
            status, body = error.status, error.body
            headers = b"".join(b"%b: %b\r\n" % header for header in error.headers)
        took_s = time.perf_counter() - started
        self._admission.learn(SHED, took_s)
        self._worker.counters.add_request(route.name, status)
        self._worker.counters.observe(route.name, took_s)
        head = _OK if status == 200 else _REFUSED % (status, _REASONS.get(status, b"Error"))  # noqa: PLR2004
        return b"".join((head, _REST % (took_s * 1e3, headers, len(body)), body))
