"""The listening sockets, bound before anything is started: TCP, on loopback unless callers show tokens; and Unix."""

import contextlib
import errno
import ipaddress
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edgewise.errors import EdgewiseError

BACKLOG: Final = 2048
PROBE_TIMEOUT_S: Final = 1.0


class ServeError(EdgewiseError):
    """The node cannot be started as asked."""


def listen(host: str, port: int, *, anywhere: bool) -> socket.socket:
    """Bind the node's one socket; anything but loopback only if `anywhere`."""
    family, address = _resolve(host, port)
    if not anywhere and not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
        raise ServeError(f"without --tokens the node listens on loopback only, not on `{host}`; pass --tokens FILE")
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ServeError(_cannot_listen(host, port, error)) from error
    listener.set_inheritable(True)
    return listener


@contextlib.contextmanager
def listen_unix(path: Path, mode: int) -> Iterator[socket.socket]:
    """Bind a Unix socket with these permissions; its file goes when the node does, and one left over is replaced."""
    _clear_way(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(~mode & 0o777)
    try:
        listener.bind(str(path))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ServeError(f"cannot listen on `{path}`: {error.strerror or error}".lower()) from error
    finally:
        os.umask(before)
    listener.set_inheritable(True)
    ours = path.stat().st_ino
    try:
        yield listener
    finally:
        listener.close()
        with contextlib.suppress(OSError):
            if path.stat().st_ino == ours:
                path.unlink()


def _clear_way(path: Path) -> None:
    """Remove a socket's file that nobody listens on; anything else in its place is left alone."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise ServeError(f"cannot listen on `{path}`: {error.strerror}") from error
    if not stat.S_ISSOCK(kind):
        raise ServeError(f"`{path}` is there and no socket; pass another --uds")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_TIMEOUT_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ServeError(f"cannot tell who listens on `{path}`: {error.strerror or error}") from error
        else:
            raise ServeError(f"something listens on `{path}` already; stop it or pass another --uds")


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ServeError(f"`{host}` is no address of this machine: {error.strerror or error}") from error
    # `localhost` means both families: callers that try only one try this one.
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, address


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of `{host}` is in use; stop what listens there or pass another --port"
    return f"cannot listen on `{host}`, port {port}: {os.strerror(error.errno or 0).lower()}"


def url_of(listener: socket.socket) -> str:
    """Say where the node can be reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
