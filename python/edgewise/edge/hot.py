"""The hot routes: bytes to bytes, one call into the engine, no middleware.

What the framework does for ordinary handlers is done here by hand: method, token, content type, size, disconnects.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, NamedTuple

import msgspec
from litestar.handlers import ASGIRouteHandler, asgi
from litestar.types import Receive, Scope, Send

from edgewise._core import Node, RequestError
from edgewise.edge import tokens
from edgewise.edge.admission import AGE_MAX_S, Cause, Ticket
from edgewise.edge.age import BELIEVED_MAX_S, started_s
from edgewise.edge.allowance import Stopwatch, budget_ms
from edgewise.edge.body import (
    BATCH_BYTES_MAX,
    DECIDE_BYTES_MAX,
    EVENTS_BYTES_MAX,
    ClientGoneError,
    Head,
    read_body,
    read_head,
    refuse_foreign,
)
from edgewise.edge.log import log
from edgewise.edge.problem import CONTENT_TYPE, Header, ProblemError, problem_body
from edgewise.edge.worker import Worker
from edgewise.engine.decider import Active

_JSON: Final = (b"content-type", b"application/json")
_PROBLEM: Final = (b"content-type", CONTENT_TYPE)
_PRIVATE: Final = (b"cache-control", b"private, no-store")
_ALLOW: Final = (b"allow", b"OPTIONS, POST")
_NDJSON_TYPES: Final = (
    b"application/x-ndjson",
    b"application/ndjson",
    b"application/jsonl",
    b"application/x-jsonlines",
)
_BLANKS: Final = b" \t\r\n"
_ANY: Final = msgspec.json.Decoder(msgspec.Raw)
BLANKS_MAX: Final = 1024  # in front of the first event, when telling lines from an array

TICKET: Final = "edgewise.ticket"  # in a request's scope: its ticket, None if there was no time for it
ARRIVED: Final = "edgewise.arrived"  # in a request's scope: when its head was here
GATED: Final[Cause] = "gate"
AGED: Final[Cause] = "age"
QUEUED: Final[Cause] = "queue"

_Call = Callable[[Active, bytes, Head, bool, Stopwatch], bytes]
_Shed = Callable[[Node, bytes], bytes]


class HotRoute(msgspec.Struct, frozen=True):
    """One hot route: what it asks for and what it calls."""

    name: str
    path: str
    scope: tokens.Scope
    bytes_max: int
    status: int
    call: _Call
    shed: _Shed | None  # None: nothing can be answered without the work; the caller sends it again
    has_budget: bool = False


def _decide(active: Active, body: bytes, head: Head, debug: bool, watch: Stopwatch) -> bytes:  # noqa: FBT001, one shape for all three
    if active.fork is not None:
        active = active.lane(body)
        watch.counters = active.counters
    return active.decide(body, now_ns=time.time_ns(), gpc=head.gpc, debug=debug, allowance=watch)


def _decide_batch(active: Active, body: bytes, head: Head, debug: bool, watch: Stopwatch) -> bytes:  # noqa: FBT001
    return active.decide_batch(body, now_ns=time.time_ns(), gpc=head.gpc, debug=debug, allowance=watch)


def _ingest(active: Active, body: bytes, head: Head, _debug: bool, _watch: Stopwatch) -> bytes:  # noqa: FBT001
    return active.node.ingest(body, ndjson=is_ndjson(head, body), now_ns=time.time_ns(), gpc=head.gpc)


def _shed_decide(node: Node, body: bytes) -> bytes:
    return node.shed(body, now_ns=time.time_ns())


def _shed_batch(node: Node, body: bytes) -> bytes:
    return node.shed_batch(body, now_ns=time.time_ns())


def is_ndjson(head: Head, body: bytes) -> bool:
    """Tell lines from an array: by the content type if it says so, else by whether the first line is an object.

    Whatever is neither is read as an array, and so refused as a whole: nobody meant lines.
    """
    if head.content_type in _NDJSON_TYPES:
        return True
    front = body[:BLANKS_MAX]
    begin = len(front) - len(front.lstrip(_BLANKS))
    return body.startswith(b"{", begin) and _is_json(body, begin, body.find(b"\n", begin))


def _is_json(body: bytes, begin: int, end: int) -> bool:
    try:
        _ANY.decode(memoryview(body)[begin : end if end >= 0 else len(body)])
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


ROUTES: Final = (
    HotRoute(
        "decide",
        "/v1/decide",
        "decide",
        DECIDE_BYTES_MAX,
        200,
        _decide,
        _shed_decide,
        has_budget=True,
    ),
    HotRoute(
        "decide_batch",
        "/v1/decide/batch",
        "decide",
        BATCH_BYTES_MAX,
        200,
        _decide_batch,
        _shed_batch,
        has_budget=True,
    ),
    # Ingest waits for its writes, so it always runs aside.
    HotRoute("events", "/v1/events", "events", EVENTS_BYTES_MAX, 202, _ingest, None),
)


def hot_handlers(worker: Worker) -> list[ASGIRouteHandler]:
    """Make the handlers of all hot routes for a worker."""
    return [_handler(worker, route) for route in ROUTES]


def _handler(worker: Worker, route: HotRoute) -> ASGIRouteHandler:
    @asgi(route.path, copy_scope=False)
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        watch = Stopwatch(scope.get(ARRIVED))  # type: ignore[arg-type]
        ticket: Ticket | None = scope.get(TICKET)  # type: ignore[assignment]
        try:
            status, headers, body = await _respond(worker, route, scope, receive, watch)
        except ClientGoneError:
            return
        finally:
            took_s = watch.took_s()
            if ticket is not None:
                ticket.give_back(None)
        if body is not None:
            counters = watch.counters or worker.counters
            counters.add_request(route.name, status)
            counters.observe(route.name, took_s)
            headers += (_PRIVATE, (b"server-timing", watch.server_timing(took_s)))
        await _send(send, status, headers, body)

    return handle


async def _respond(
    worker: Worker, route: HotRoute, scope: Scope, receive: Receive, watch: Stopwatch
) -> tuple[int, list[Header], bytes | None]:
    if scope["method"] == "OPTIONS":  # type: ignore[typeddict-item]
        return 204, [_ALLOW], None
    try:
        return route.status, [_JSON], await _answer(worker, route, scope, receive, watch)
    except (ClientGoneError, asyncio.CancelledError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001, a panic of the core too
        return _refusal(route, error)


def respond_now(worker: Worker, route: HotRoute, asked: "Asked", watch: Stopwatch) -> tuple[int, list[Header], bytes]:
    """Answer a whole request on the event loop: work on it, or shed it for the cause that is given."""
    try:
        head, debug = _let_in(worker, route, asked.headers, watch)
        return route.status, [_JSON], _work(worker, route, asked, head, debug, watch)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001, a panic of the core too
        return _refusal(route, error)


def _refusal(route: HotRoute, error: BaseException) -> tuple[int, list[Header], bytes]:
    if isinstance(error, RequestError):
        return error.status, [_PROBLEM], error.problem
    if isinstance(error, ProblemError):
        return error.status, [_PROBLEM, *error.headers], error.body
    # Nothing of the inside goes out.
    log.error("failed", route=route.path, status=500, exc_info=error)
    return 500, [_PROBLEM], problem_body(500, "this is our mistake and has been logged")


class Asked(NamedTuple):
    """A whole request, as far as hot routes look at it."""

    headers: Iterable[Header]
    client: tuple[str, int] | None
    body: bytes
    cause: Cause | None = None  # why there is no time for it


async def _answer(worker: Worker, route: HotRoute, scope: Scope, receive: Receive, watch: Stopwatch) -> bytes:
    if scope["method"] != "POST":  # type: ignore[typeddict-item]
        raise ProblemError(405, "use POST", headers=[_ALLOW])
    head, debug = _let_in(worker, route, scope["headers"], watch)
    try:
        body = await read_body(receive, head, route.bytes_max)
    finally:
        watch.start()
    ticket: Ticket | None = scope.get(TICKET)  # type: ignore[assignment]
    asked = Asked(scope["headers"], scope["client"], body, _cause(worker, route, ticket, len(body)))
    if worker.admission.is_inline(route.name, len(body)) or _why_shed(worker, asked, head) is not None:
        return _work(worker, route, asked, head, debug, watch)
    aside = worker.asides[route.name]
    if worker.admission.is_on and aside.is_full:
        return shed(worker, route, body, QUEUED)
    if ticket is not None:
        ticket.give_back(watch.took_s())
    answer, took_s = await aside.run(partial(route.call, _active(worker), body, head, debug, watch))
    worker.admission.costs.learn_full(route.name, len(body), took_s)
    return answer


def _cause(worker: Worker, route: HotRoute, ticket: Ticket | None, size: int) -> Cause | None:
    if ticket is None:
        return GATED if worker.admission.is_full(route.name, size) else None
    return AGED if ticket.is_late() else None


def _let_in(worker: Worker, route: HotRoute, headers: Iterable[Header], watch: Stopwatch) -> tuple[Head, bool]:
    """Read the headers; refuse who may not ask so, and say whether the caller may debug."""
    head = read_head(headers)
    debug = worker.gate.admit(head.authorization, route.scope)
    refuse_foreign(head)
    if head.budget is not None and route.has_budget:
        watch.allow(budget_ms(head.budget))
    return head, debug


def _work(worker: Worker, route: HotRoute, asked: Asked, head: Head, debug: bool, watch: Stopwatch) -> bytes:  # noqa: FBT001, all that a call needs
    cause = _why_shed(worker, asked, head)
    if cause is not None:
        return shed(worker, route, asked.body, cause)
    answer = route.call(_active(worker), asked.body, head, debug, watch)
    watch.was_worked_on = True
    return answer


def _why_shed(worker: Worker, asked: Asked, head: Head) -> Cause | None:
    if not worker.admission.is_on:
        return None
    if head.started is not None and worker.trust.believes(asked.client):
        started = started_s(head.started)
        if started is not None and AGE_MAX_S < time.time() - started < BELIEVED_MAX_S:
            return AGED
    return asked.cause


def shed(worker: Worker, route: HotRoute, body: bytes, cause: Cause) -> bytes:
    """Answer a request without working on it; what cannot be answered so is refused, to be sent again."""
    active = _active(worker)
    if worker.admission.is_on:
        worker.counters.add_shed(route.name, cause)
    if route.shed is None:
        raise ProblemError(503, "too much at once; send this again", headers=[(b"retry-after", b"1")])
    return route.shed(active.node, body)


def _active(worker: Worker) -> Active:
    active = worker.decider.active
    if active is None:
        raise ProblemError(503, "this node has no bundle yet")
    return active


async def _send(send: Send, status: int, headers: list[Header], body: bytes | None) -> None:
    if body is not None:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body or b"", "more_body": False})
