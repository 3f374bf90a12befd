"""Locks that say who lives: held while a process lives, and asked about without being taken."""

import fcntl
import os
import struct
from pathlib import Path

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
