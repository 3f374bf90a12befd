"""Files that are the old or the new one, never half of one, and are read within bounds. Knows no kind of file.

Owns the order of write, fsync and rename, for every part; stands beside `edgewise.errors`.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from edgewise.errors import BundleError

MODE = 0o666  # less what the umask takes
TRUSTED = 0o644  # for what is believed: nobody but its owner may change it, whatever the umask
SECRET = 0o600


def write_synced(path: Path, data: bytes, mode: int = MODE) -> None:
    """Write a file so that a crash or a power cut at any moment leaves the old content or the new."""
    _write(path, data, mode, synced=True)
    _sync_folder(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is the old or the new one for whoever reads it; a power cut may take it away."""
    _write(path, data, MODE, synced=False)


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading, and nothing else: a pipe or a device would keep its reader waiting, or never end.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_bounded(path: Path, bytes_max: int) -> bytes:
    """The content of a file.

    Raises:
        BundleError: it is larger than `bytes_max`.
        OSError: it cannot be read, or is no regular file.
    """
    with open_file(path) as file:
        data = file.read(bytes_max + 1)
    if len(data) > bytes_max:
        raise BundleError(f"`{path}` is larger than {bytes_max} bytes")
    return data


def _write(path: Path, data: bytes, mode: int, *, synced: bool) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)  # of a killed process with our id, or somebody else's: it would keep its own mode
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if synced:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
