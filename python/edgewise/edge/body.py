"""Reading a request's head and body on the hot routes: bounded in bytes and in time, before anything is parsed."""

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec
from litestar.types import Receive

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
    return head


def refuse_foreign(head: Head) -> None:
    """Refuse a body that says of itself that it is no plain JSON."""
    if head.encoding not in (b"", b"identity"):
        raise ProblemError(415, "send the body without content-encoding", field="content-encoding")
    if head.content_type.startswith(_FOREIGN_FAMILIES) or head.content_type.endswith(_FOREIGN_SUFFIXES):
        raise ProblemError(415, "send JSON with `content-type: application/json`", field="content-type")


async def read_body(receive: Receive, head: Head, bytes_max: int) -> bytes:
    """Read the whole body; one that says it is too large is refused unread."""
    if head.length > bytes_max:
        raise _too_large(bytes_max, close=head.length > DISCARD_BYTES_MAX)
    body, more = await _chunk(receive)
    if more:
        body = await _rest(receive, body, bytes_max)
    elif len(body) > bytes_max:
        raise _too_large(bytes_max, close=False)
    return body


async def _rest(receive: Receive, first: bytes, bytes_max: int) -> bytes:
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            return await _collect(receive, first, bytes_max)
    except TimeoutError:
        raise ProblemError(408, f"the body took longer than {READ_TIMEOUT_S} s to arrive", headers=[_CLOSE]) from None


async def _collect(receive: Receive, first: bytes, bytes_max: int) -> bytes:
    """Gather chunks; past the bound only count them, so that the caller can finish sending and read."""
    chunks, size, more = [first], len(first), True
    while more and size <= DISCARD_BYTES_MAX:
        chunk, more = await _chunk(receive)
        size += len(chunk)
        if size <= bytes_max:
            chunks.append(chunk)
    if size > bytes_max:
        raise _too_large(bytes_max, close=more)
    return b"".join(chunks)


async def _chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGoneError
    return message.get("body", b""), message.get("more_body", False)


def _too_large(bytes_max: int, *, close: bool) -> ProblemError:
    detail = f"the body is larger than {bytes_max} bytes; split it"
    return ProblemError(413, detail, headers=[_CLOSE] if close else ())
