"""The node's one listening socket: bound before anything is started, on loopback unless callers show tokens."""

import errno
import ipaddress
import os
import socket
from typing import Any, Final

from edgewise.errors import EdgewiseError

BACKLOG: Final = 2048


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
