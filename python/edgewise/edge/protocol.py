"""The server's HTTP protocol with the bounds it lacks: bytes and seconds of a head, bytes of a whole message.

Everything else is the server's own. What is over a bound is answered once, if it can be, and hung up on.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from edgewise.edge.problem import CONTENT_TYPE, problem_body

HEAD_BYTES_MAX: Final = 64 * 1024
HEAD_TIMEOUT_S: Final = 10.0
MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024


def _last_words(status: int, reason: bytes, detail: str) -> bytes:
    body = problem_body(status, detail)
    head = b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    return head % (status, reason, CONTENT_TYPE, len(body)) + body


HEAD_TOO_LARGE: Final = _last_words(
    431, b"Request Header Fields Too Large", f"the head of the request is larger than {HEAD_BYTES_MAX} bytes"
)
HEAD_TOO_SLOW: Final = _last_words(
    408, b"Request Timeout", f"the head of the request took longer than {HEAD_TIMEOUT_S:.0f} s to arrive"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _message_bytes = 0
    _head_is_due = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request as long as for a next one."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.timeout_keep_alive, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._forget_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._forget_timer()
        self._message_bytes, self._head_is_due = 0, True

    def on_headers_complete(self) -> None:
        """Hand the request over."""
        self._head_is_due = False
        self._forget_timer()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Parse what arrived; then see whether it is still within bounds."""
        super().data_received(data)
        self._message_bytes += len(data)
        if self._head_is_due:
            self._watch_head()
        elif self._message_bytes > MESSAGE_BYTES_MAX:
            self.transport.close()

    def _watch_head(self) -> None:
        if self._message_bytes > HEAD_BYTES_MAX:
            self._hang_up(HEAD_TOO_LARGE)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._hang_up, HEAD_TOO_SLOW)

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _hang_up(self, last_words: bytes) -> None:
        """Hang up with an answer, unless another one is on its way: it would read as part of that."""
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(last_words)
        self.transport.close()
