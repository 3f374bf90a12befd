"""Pauses of the garbage collector, timed into a histogram: while it runs, nothing else in this process does."""

import gc
import time
from typing import Literal

from edgewise._core import Counters


def watch_pauses(counters: Counters) -> None:
    """Time every collection from now on."""
    started = 0.0

    def note(phase: Literal["start", "stop"], _info: dict[str, int]) -> None:
        nonlocal started
        if phase == "start":
            started = time.perf_counter()
        else:
            counters.observe_pause(time.perf_counter() - started)

    gc.callbacks.append(note)
