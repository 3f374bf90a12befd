"""Locks that say who lives: held while a process lives, and asked about without being taken."""

import contextlib
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TURN_POLL_S: Final = 0.02

# Open file description locks can be asked about without being taken: looking never gets in a holder's way.
_FLOCK = struct.Struct("hhqqi4x")
_WHOLE_FILE = (os.SEEK_SET, 0, 0, 0)


def try_to_hold(path: Path) -> int | None:
    """Take a lock until the descriptor that this gives is closed, or the process ends; None when somebody has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, *_WHOLE_FILE))
    except (BlockingIOError, PermissionError):
        os.close(file)
        return None
    return file


@contextlib.contextmanager
def turn(path: Path, wait_max_s: float) -> Iterator[None]:
    """Let the block run while no other process runs one with the same lock, if that begins in time.

    What waits too long, or cannot be locked, runs all the same: this spares processors and protects nothing.
    """
    until, held = time.monotonic() + wait_max_s, None
    with contextlib.suppress(OSError):
        while (held := try_to_hold(path)) is None and time.monotonic() < until:
            time.sleep(TURN_POLL_S)
    try:
        yield
    finally:
        if held is not None:
            os.close(held)


def is_held(path: Path) -> bool:
    """Whether some process has the lock."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        answer = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _FLOCK.pack(fcntl.F_RDLCK, *_WHOLE_FILE))
    finally:
        os.close(file)
    kind: int = _FLOCK.unpack(answer)[0]
    return kind != fcntl.F_UNLCK
