"""The bounds a process sets on itself before it touches a model nobody has tried yet. Owns no process and no model."""

import math
import resource
import signal
import time
from typing import Final

import msgspec

_PAGE_BYTES: Final = resource.getpagesize()
_KIB: Final = 1024


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much more than it has already used a process may use."""

    memory_bytes: int = 256 * 1024 * 1024
    cpu_s: int = 2
    wall_s: float = 20.0


def start_alarm(limits: Limits) -> None:
    """End this process by SIGALRM when the time is over, even in compiled code and with nobody left to watch it.

    Whatever whoever started it had ignored or blocked, the signals of limits end it.
    """
    deadly = {signal.SIGALRM, signal.SIGXCPU}
    for number in deadly:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, deadly)
    signal.setitimer(signal.ITIMER_REAL, limits.wall_s)


def confine(limits: Limits) -> None:
    """Bound memory and processor time from here on; no core dump, no file written. There is no way back."""
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_FSIZE, 0)
    _bound(resource.RLIMIT_AS, address_space_bytes() + limits.memory_bytes)
    _bound(resource.RLIMIT_CPU, math.ceil(time.process_time()) + limits.cpu_s, slack=1)  # SIGXCPU first, then SIGKILL


def address_space_bytes() -> int:
    """How much address space this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123, no path is computed
        return int(file.read().split()[0]) * _PAGE_BYTES


def peak_bytes() -> int:
    """The most memory this process ever had at a time."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


def _bound(what: int, amount: int, slack: int = 0) -> None:
    _, before = resource.getrlimit(what)
    hard = amount + slack if before == resource.RLIM_INFINITY else min(amount + slack, before)
    resource.setrlimit(what, (min(amount, hard), hard))
