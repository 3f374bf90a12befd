"""Reading a request's head and body on the hot routes: bounded in bytes and in time, before anything is parsed."""

import asyncio
import types
from collections.abc import Awaitable, Coroutine, Generator, Iterable
from typing import Any, Final, cast

import msgspec
from litestar.types import Receive, ReceiveMessage

from edgewise.edge.problem import ProblemError

DECIDE_BYTES_MAX: Final = 256 * 1024
BATCH_BYTES_MAX: Final = 4 * 1024 * 1024
EVENTS_BYTES_MAX: Final = 8 * 1024 * 1024
DISCARD_BYTES_MAX: Final = 32 * 1024 * 1024  # of a body that is too large: read past this much, then hang up
READ_TIMEOUT_S: Final = 10

_CLOSE = (b"connection", b"close")
# What is plainly no JSON. Everything else is read as JSON: curl, beacons and proxies label it in many ways.
_FOREIGN_FAMILIES = (b"multipart/", b"image/", b"audio/", b"video/", b"font/", b"text/html", b"text/csv")
_FOREIGN_SUFFIXES = (b"/xml", b"+xml", b"/pdf", b"/zip", b"/gzip", b"/x-protobuf", b"/msgpack", b"/yaml")


class ClientGoneError(Exception):
    """The caller hung up before its request was complete: there is nobody to answer."""


class Head(msgspec.Struct):
    """The headers that the hot routes look at."""

    content_type: bytes = b""
    encoding: bytes = b""
    length: int = 0
    authorization: bytes | None = None
    gpc: bool = False
    started: bytes | None = None
    budget: bytes | None = None


def read_head(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """Pick the headers that matter in one pass."""
    head = Head()
    for name, value in headers:
        if name == b"content-type":
            head.content_type = value.partition(b";")[0].strip().lower()
        elif name == b"content-length":
            head.length = int(value)
        elif name == b"authorization":
            head.authorization = value
        elif name == b"sec-gpc":
            head.gpc = value.strip() == b"1"
        elif name == b"content-encoding":
            head.encoding = value.strip().lower()
        elif name == b"x-request-start":
            head.started = value
        elif name == b"x-edgewise-budget-ms":
            head.budget = value if head.budget is None else head.budget + b"," + value
    return head


def refuse_foreign(head: Head) -> None:
    """Refuse a body that says of itself that it is no plain JSON."""
    if head.encoding not in (b"", b"identity"):
        raise ProblemError(415, "send the body without content-encoding", field="content-encoding")
    if head.content_type.startswith(_FOREIGN_FAMILIES) or head.content_type.endswith(_FOREIGN_SUFFIXES):
        raise ProblemError(415, "send JSON with `content-type: application/json`", field="content-type")


async def read_body(receive: Receive, head: Head, bytes_max: int) -> bytes:
    """Read the whole body; one that says it is too large is refused unread.

    What is there at once, as most bodies are, is taken without a timer: setting one costs more than reading.
    """
    if head.length > bytes_max:
        raise _too_large(bytes_max, close=head.length > DISCARD_BYTES_MAX)
    first = receive().__await__()
    try:
        waits_for = next(first)
    except StopIteration as ready:
        body, more = _chunk(ready.value)
        if not more and len(body) <= bytes_max:
            return body
        return await _in_time(_collect(receive, (body, more), bytes_max))
    return await _in_time(_collect_from(receive, _go_on(first, waits_for), bytes_max))


async def _in_time(reading: Coroutine[Any, Any, bytes]) -> bytes:
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            return await reading
    except TimeoutError:
        raise ProblemError(408, f"the body took longer than {READ_TIMEOUT_S} s to arrive", headers=[_CLOSE]) from None


@types.coroutine
def _go_on(begun: Generator[Any, None, ReceiveMessage], waits_for: object) -> Generator[Any, None, ReceiveMessage]:
    """Await what was begun already and waits for something."""
    try:
        while True:
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001, cancellation too: it is for what was begun to handle
                waits_for = begun.throw(error)
            else:
                waits_for = begun.send(None)
    except StopIteration as done:
        return cast("ReceiveMessage", done.value)


async def _collect_from(receive: Receive, first: Awaitable[ReceiveMessage], bytes_max: int) -> bytes:
    return await _collect(receive, _chunk(await first), bytes_max)


async def _collect(receive: Receive, first: tuple[bytes, bool], bytes_max: int) -> bytes:
    """Gather chunks; past the bound only count them, so that the caller can finish sending and read."""
    chunk, more = first
    chunks, size = [chunk], len(chunk)
    while more and size <= DISCARD_BYTES_MAX:
        chunk, more = _chunk(await receive())
        size += len(chunk)
        if size <= bytes_max:
            chunks.append(chunk)
    if size > bytes_max:
        raise _too_large(bytes_max, close=more)
    return b"".join(chunks)


def _chunk(message: ReceiveMessage) -> tuple[bytes, bool]:
    if message["type"] != "http.request":
        raise ClientGoneError
    return message.get("body", b""), message.get("more_body", False)


def _too_large(bytes_max: int, *, close: bool) -> ProblemError:
    detail = f"the body is larger than {bytes_max} bytes; split it"
    return ProblemError(413, detail, headers=[_CLOSE] if close else ())
