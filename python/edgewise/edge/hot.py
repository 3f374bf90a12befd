"""The hot routes: bytes to bytes, one call into the engine, no middleware.

What the framework does for ordinary handlers is done here by hand: method, token, content type, size, disconnects.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
from litestar.handlers import ASGIRouteHandler, asgi
from litestar.types import Receive, Scope, Send

from edgewise._core import Node, RequestError
from edgewise.edge import tokens
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
BLANKS_MAX: Final = 1024  # in front of the first event, when telling lines from an array

_ASIDE_BYTES: Final = 16 * 1024  # larger batches would hold up the decisions behind them

_Call = Callable[[Node, bytes, Head, bool], bytes]


class HotRoute(msgspec.Struct, frozen=True):
    """One hot route: what it asks for, what it calls, and from how many bytes on that call runs aside."""

    name: str
    path: str
    scope: tokens.Scope
    bytes_max: int
    status: int
    call: _Call
    aside_bytes: int


def _decide(node: Node, body: bytes, head: Head, debug: bool) -> bytes:  # noqa: FBT001, one shape for all three
    return node.decide(body, now_ns=time.time_ns(), gpc=head.gpc, debug=debug)


def _decide_batch(node: Node, body: bytes, head: Head, debug: bool) -> bytes:  # noqa: FBT001
    return node.decide_batch(body, now_ns=time.time_ns(), gpc=head.gpc, debug=debug)


def _ingest(node: Node, body: bytes, head: Head, _debug: bool) -> bytes:  # noqa: FBT001
    return node.ingest(body, ndjson=is_ndjson(head, body), now_ns=time.time_ns(), gpc=head.gpc)


def is_ndjson(head: Head, body: bytes) -> bool:
    """Tell lines from an array: by the content type if it says so, else by the first character."""
    if head.content_type in _NDJSON_TYPES:
        return True
    return body[:BLANKS_MAX].lstrip(_BLANKS)[:1] not in (b"[", b"")


ROUTES: Final = (
    HotRoute("decide", "/v1/decide", "decide", DECIDE_BYTES_MAX, 200, _decide, aside_bytes=DECIDE_BYTES_MAX),
    HotRoute(
        "decide_batch", "/v1/decide/batch", "decide", BATCH_BYTES_MAX, 200, _decide_batch, aside_bytes=_ASIDE_BYTES
    ),
    # Ingest waits for its writes, so it always runs aside.
    HotRoute("events", "/v1/events", "events", EVENTS_BYTES_MAX, 202, _ingest, aside_bytes=0),
)


def hot_handlers(worker: Worker) -> list[ASGIRouteHandler]:
    """Make the handlers of all hot routes for a worker."""
    return [_handler(worker, route) for route in ROUTES]


def _handler(worker: Worker, route: HotRoute) -> ASGIRouteHandler:
    @asgi(route.path, copy_scope=False)
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        clock = _Clock()
        if scope["method"] == "OPTIONS":  # type: ignore[typeddict-item]
            await _send(send, 204, [_ALLOW], None)
            return
        try:
            status, headers, body = route.status, [_JSON], await _answer(worker, route, scope, receive, clock)
        except ClientGoneError:
            return
        except RequestError as error:
            status, headers, body = error.status, [_PROBLEM], error.problem
        except ProblemError as error:
            status, headers, body = error.status, [_PROBLEM, *error.headers], error.body
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001, a panic of the core too: nothing of the inside goes out
            log.error("failed", route=route.path, status=500, exc_info=True)
            status, headers, body = 500, [_PROBLEM], problem_body(500, "this is our mistake and has been logged")
        took_s = clock.took_s()
        worker.counters.add_request(route.name, status)
        worker.counters.observe(route.name, took_s)
        headers += (_PRIVATE, (b"server-timing", b"total;dur=%.3f" % (took_s * 1e3)))
        await _send(send, status, headers, body)

    return handle


class _Clock:
    """Times one answer: from the call, and anew once the body is here or given up: a slow upload is not ours."""

    __slots__ = ("_started",)

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self._started = time.perf_counter()

    def took_s(self) -> float:
        return time.perf_counter() - self._started


async def _answer(worker: Worker, route: HotRoute, scope: Scope, receive: Receive, clock: _Clock) -> bytes:
    if scope["method"] != "POST":  # type: ignore[typeddict-item]
        raise ProblemError(405, "use POST", headers=[_ALLOW])
    head = read_head(scope["headers"])
    debug = worker.gate.admit(head.authorization, route.scope)
    refuse_foreign(head)
    try:
        body = await read_body(receive, head, route.bytes_max)
    finally:
        clock.start()
    active = worker.decider.active
    if active is None:
        raise ProblemError(503, "this node has no bundle yet")
    node = active.node
    if len(body) <= route.aside_bytes:
        return route.call(node, body, head, debug)
    return await worker.aside.run(partial(route.call, node, body, head, debug))


async def _send(send: Send, status: int, headers: list[Header], body: bytes | None) -> None:
    if body is not None:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body or b"", "more_body": False})
