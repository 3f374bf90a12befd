"""The server's HTTP protocol with the bounds it lacks: bytes and seconds of a head, bytes of a whole message.

Everything else is the server's own. What is over a bound is answered once, if it can be, and hung up on.
"""

import asyncio
import math
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from edgewise.edge.body import READ_TIMEOUT_S
from edgewise.edge.front import Front, Held, Waiting
from edgewise.edge.problem import CONTENT_TYPE, problem_body

HEAD_BYTES_MAX: Final = 64 * 1024
HEAD_TIMEOUT_S: Final = 10.0
MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
WRITE_TIMEOUT_S: Final = 10.0


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
BODY_TOO_SLOW: Final = _last_words(408, b"Request Timeout", f"the body took longer than {READ_TIMEOUT_S} s to arrive")


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _message_bytes = 0
    _head_is_due = True
    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _unsent_bytes = 0
    _held: Held | None = None
    _waiting: Waiting | None = None
    _idle_since_s = math.inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request as long as for a next one."""
        super().connection_made(transport)
        # What is answered goes out at once and not when the event loop looks next: the round may be long.
        transport.set_write_buffer_limits(high=0)
        self.front: Front | None = getattr(self.app, "front", None)
        self._head_timer = self.loop.call_later(self.timeout_keep_alive, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._forget_timer()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        if self._waiting is not None:
            self._waiting.drop()
        self.resume_writing()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._answer_waiting()
        # The scope is for the application, and made where it goes that way.
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._forget_timer()
        self._message_bytes, self._head_is_due = 0, True

    def on_headers_complete(self) -> None:
        """Hand the request over, unless it is shed."""
        self._head_is_due = False
        self._forget_timer()
        if self.front and self._is_plain:
            self._held = self.front.meet(self.url, self.parser.get_method(), self.headers, self.client)
        if self._held is None:
            self._go_on()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body, or hand it over."""
        if self._held is None:
            super().on_body(body)
        elif not self._held.take(body):
            self._hand_over()

    def on_message_complete(self) -> None:
        """Have a whole request answered, from here or by the application."""
        held = self._held
        if held is not None and self.front is not None:
            self._forget_timer()
            found = self.front.admit(held, self)
            if found is None:
                self._hand_over()
            else:
                self._held = None
                if isinstance(found, bytes):
                    self.answered(found)
                else:
                    self._waiting = found
                return
        super().on_message_complete()

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection stays open after the answer."""
        return bool(self.parser.should_keep_alive())

    def answered(self, answer: bytes) -> None:
        """Send an answer that the application had no part in."""
        self._waiting = None
        if not self.transport.is_closing():
            self.transport.write(answer)
        self.on_response_complete()

    def shutdown(self) -> None:
        """Answer what has arrived or begun to before hanging up."""
        self._answer_waiting()
        if self._held is not None:
            self._hand_over()
        super().shutdown()

    def _answer_waiting(self) -> None:
        """Answer at once what is in line: what comes next must not overtake it."""
        if self._waiting is not None:
            self._waiting.answer()

    def _hand_over(self) -> None:
        """Hand over what was held."""
        held, self._held = self._held, None
        self._go_on(held)
        if held is not None:
            super().on_body(held.body)

    def _go_on(self, held: Held | None = None) -> None:
        """Let the application have a request whose head is here."""
        url, headers, is_expecting = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, is_expecting
        self.scope["headers"] = headers
        if held is not None:
            held.tell(self.scope)
        super().on_headers_complete()

    @property
    def _is_next(self) -> bool:
        """Whether no request before this one is still being answered."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    @property
    def _is_plain(self) -> bool:
        """Whether the caller waits for nothing but the answer."""
        return self._is_next and not self.expect_100_continue and not self.flow.write_paused

    def pause_writing(self) -> None:
        """Watch a caller that does not read its answer."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """Stop watching."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def on_response_complete(self) -> None:
        """Go on with the next request, or note since when there is none."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since_s = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait_idle(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        """Leave the timer alone: a new one for each request would cost more than parsing it."""
        self._idle_since_s = math.inf

    def _wait_idle(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Hang up on an idle caller; one that left an answer unread is not waited for."""
        self.timeout_keep_alive_task = None
        idle_s = self.loop.time() - self._idle_since_s
        if idle_s < self.timeout_keep_alive:
            self._wait_idle(self.timeout_keep_alive - max(idle_s, 0.0))
        elif self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _watch_writing(self) -> None:
        self._unsent_bytes = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(WRITE_TIMEOUT_S, self._see_progress)

    def _see_progress(self) -> None:
        """Hang up on a caller that took nothing at all for so long; a slow one goes on."""
        if self.transport.get_write_buffer_size() >= self._unsent_bytes:
            self.transport.abort()
        else:
            self._watch_writing()

    def data_received(self, data: bytes) -> None:
        """Parse what arrived; then see whether it is still within bounds."""
        super().data_received(data)
        self._message_bytes += len(data)
        if self._head_is_due:
            self._watch_head()
        elif self._held is not None:
            self._watch_body()
        elif self._message_bytes > MESSAGE_BYTES_MAX:
            self.transport.close()

    def _watch_head(self) -> None:
        if self._message_bytes > HEAD_BYTES_MAX:
            self._hang_up(HEAD_TOO_LARGE)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._hang_up, HEAD_TOO_SLOW)

    def _watch_body(self) -> None:
        """See to it that a body that is held arrives in time; of all others the application does."""
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(READ_TIMEOUT_S, self._give_up)

    def _give_up(self) -> None:
        if self._held is not None and self.front is not None:
            self.front.count_slow(self._held)
        self._hang_up(BODY_TOO_SLOW)

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _hang_up(self, last_words: bytes) -> None:
        """Hang up with an answer, unless another one is on its way: it would read as part of that."""
        if self.transport.is_closing():
            return
        if self._is_next:
            self.transport.write(last_words)
        self.transport.close()
