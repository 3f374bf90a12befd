"""The session store as one worker has it: opened, opened again when that failed, and watched for failures.

Decisions go on without it; this only says so and tries to change it.
"""

import asyncio
import time
from pathlib import Path
from typing import Final

from edgewise._core import Sessions, StateError
from edgewise.edge.log import log
from edgewise.engine.decider import Decider

RETRY_S: Final = 5.0
TROUBLE_S: Final = 30.0  # how long a failure is still shown after it happened
_FAILURES: Final = ("read_failures", "commit_failures", "decode_failures")


class Memory:
    """Follows the session store for one worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tried_at = time.monotonic()
        self._failures = 0
        self._failed_at: float | None = None
        self.sessions = self._open()

    @property
    def is_degraded(self) -> bool:
        """Whether the store is not open, or failed lately."""
        return self.sessions is None or self._failed_at is not None

    async def check(self, decider: Decider) -> None:
        """Look after the store; called again and again. Opening waits for disks and locks: decisions must not."""
        now = time.monotonic()
        if self.sessions is None and now - self._tried_at >= RETRY_S:
            self._tried_at = now
            self.sessions = await asyncio.to_thread(self._open)
            if self.sessions is not None:
                decider.attach(self.sessions)
        self._watch(now)

    def close(self) -> None:
        """Write what waits."""
        if self.sessions is not None:
            self.sessions.close()

    def _open(self) -> Sessions | None:
        try:
            return Sessions.open(self._folder)
        except (StateError, OSError) as error:
            log.error("degraded", part="state", error=type(error).__name__)
            return None

    def _watch(self, now: float) -> None:
        stats = self.sessions.stats() if self.sessions else {}
        failures = sum(stats.get(name, 0) for name in _FAILURES)
        if failures > self._failures:
            self._failures, self._failed_at = failures, now
        elif self._failed_at is not None and now - self._failed_at > TROUBLE_S:
            self._failed_at = None
