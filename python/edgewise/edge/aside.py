"""Calls that could hold up the event loop run aside: few threads, a queue bounded in number and in time.

What waits here is in nobody's socket, so its wait can be told: the calls before it and what such calls took lately.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from edgewise.edge.problem import ProblemError

THREADS: Final = 2
PENDING_MAX: Final = 16
LEARN: Final = 0.1  # weight of the newest call


class Aside:
    """A worker's threads beside its event loop, for calls of one kind."""

    def __init__(self, name: str, wait_max_s: float) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=name)
        self._wait_max_s = wait_max_s
        self._pending = 0
        self._took_s = 0.0

    @property
    def is_full(self) -> bool:
        """Whether one more call would wait too long."""
        waiting = self._pending - THREADS + 1
        return waiting > 0 and (self._pending >= PENDING_MAX or waiting * self._took_s > THREADS * self._wait_max_s)

    async def run(self, call: Callable[[], bytes]) -> tuple[bytes, float]:
        """Run a call aside and say how long it took; with too many waiting already it is refused unrun."""
        if self._pending >= PENDING_MAX:
            raise ProblemError(
                503, "too many large requests at once; send this one again", headers=[(b"retry-after", b"1")]
            )
        self._pending += 1
        try:
            answer, took_s = await asyncio.get_running_loop().run_in_executor(self._threads, _timed, call)
        finally:
            self._pending -= 1
        self._took_s += LEARN * (took_s - self._took_s)
        return answer, took_s

    def close(self) -> None:
        """Let what runs finish; start nothing more."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def _timed(call: Callable[[], bytes]) -> tuple[bytes, float]:
    started = time.perf_counter()
    return call(), time.perf_counter() - started
