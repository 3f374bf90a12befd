"""A process beside the workers, kept alive: started anew, later and later, when it ends. It serves no request.

Knows a command line and nothing of what it does. It notices the supervisor's end by that of its standard input.
"""

import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Final

from edgewise.edge import log
from edgewise.edge.backoff import Backoff

STOP_TIMEOUT_S: Final = 5.0
EXIT_REFUSED: Final = 3  # as it was started it can never work


class Companion:
    """One process and its successors."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._backoff = Backoff(time.monotonic())
        self._process: subprocess.Popen[bytes] | None = None
        self.was_refused = False

    @property
    def has_started(self) -> bool:
        """Whether it has begun its first life."""
        return self._process is not None

    def start(self) -> None:
        """Begin a life."""
        # Its own process group: Ctrl-C in a terminal stops the workers first, then we stop it.
        self._process = subprocess.Popen(  # noqa: S603, our own program
            self._command, env=self._environment, stdin=subprocess.PIPE, process_group=0
        )
        self._backoff.started(time.monotonic())

    def look_after(self) -> None:
        """Start it anew when it has ended and its time has come."""
        if self._process is None:
            self.start()
            return
        if self._process.poll() is None:
            return
        self.was_refused = self._process.returncode == EXIT_REFUSED
        if time.monotonic() >= self._backoff.due(time.monotonic()):
            log.log.error("companion_replaced", pid=self._process.pid, status=self._process.returncode)
            self._close()
            self.start()

    def stop(self) -> None:
        """Ask it to stop; one that does not is ended."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
