"""Calls that could hold up the event loop run aside: few threads, a bounded queue, and a refusal when it is full."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from edgewise.edge.problem import ProblemError

THREADS: Final = 2
PENDING_MAX: Final = 16


class Aside:
    """A worker's threads beside its event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="aside")
        self._pending = 0

    async def run(self, call: Callable[[], bytes]) -> bytes:
        """Run a call aside; with too many waiting already it is refused unrun."""
        if self._pending >= PENDING_MAX:
            raise ProblemError(
                503, "too many large requests at once; send this one again", headers=[(b"retry-after", b"1")]
            )
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        finally:
            self._pending -= 1

    def close(self) -> None:
        """Let what runs finish; start nothing more."""
        self._threads.shutdown(wait=True, cancel_futures=True)
