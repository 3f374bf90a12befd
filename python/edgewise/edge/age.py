"""The age of a request as the proxy in front of the node wrote it down, believed only from proxies that are trusted.

`X-Request-Start: t=<ms since the epoch>`, or `t=<s.fraction>` as nginx writes `$msec`; `t=` may be left out.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from edgewise.errors import EdgewiseError

UNIX: Final = "unix"
LOOPBACK: Final = "loopback"
TRUSTED_BY_DEFAULT: Final = (UNIX, LOOPBACK)
TRUSTED_MAX: Final = 64
BELIEVED_MAX_S: Final = 600.0  # no caller waits so long: where a request is older, one of the two clocks is wrong
PEERS_MAX: Final = 1024  # whose trust is remembered

_STARTED = re.compile(rb"(?:t=)?(\d{1,16})(\.\d{1,9})?")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustError(EdgewiseError):
    """What was given as trusted is no peer."""


def started_s(value: bytes) -> float | None:
    """Read when a request was started, in seconds since the epoch; None where that is not plain."""
    found = _STARTED.fullmatch(value.strip())
    if found is None:
        return None
    whole, fraction = found.groups()
    return float(whole + fraction) if fraction else int(whole) / 1e3


class Trust:
    """Tells which peers are believed: `unix` sockets, `loopback`, addresses and networks."""

    def __init__(self, names: Sequence[str]) -> None:
        if len(names) > TRUSTED_MAX:
            raise TrustError(f"{len(names)} trusted proxies are given; give at most {TRUSTED_MAX}")
        self.names = tuple(names)
        self._unix = UNIX in names
        self._loopback = LOOPBACK in names
        self._networks = [_network(name) for name in names if name not in TRUSTED_BY_DEFAULT]
        self._known: dict[str, bool] = {}

    def believes(self, client: tuple[str, int] | None) -> bool:
        """Whether a peer is trusted; one without an address came over a unix socket."""
        if client is None:
            return self._unix
        host = client[0]
        if host not in self._known:
            if len(self._known) >= PEERS_MAX:
                self._known.clear()
            self._known[host] = self._believes_host(host)
        return self._known[host]

    def _believes_host(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        address = mapped or address
        return (self._loopback and address.is_loopback) or any(address in network for network in self._networks)


def _network(name: str) -> _Network:
    try:
        return ipaddress.ip_network(name)
    except ValueError:
        raise TrustError(
            f"`{name}` is no trusted proxy; give `{UNIX}`, `{LOOPBACK}`, an address or a network as 10.0.0.0/8"
        ) from None
