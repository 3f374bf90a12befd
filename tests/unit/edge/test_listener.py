"""The node's socket: where it may listen, and what is said when it cannot."""

import socket

import pytest

from edgewise.edge.listener import ServeError, listen, url_of


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_needs_no_tokens(host):
    with listen(host, 0, anywhere=False) as listener:
        assert url_of(listener).startswith("http://127.0.0.")
        with socket.create_connection(listener.getsockname(), timeout=5):
            pass


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_addresses_of_ipv6_stand_in_brackets():
    with listen("::1", 0, anywhere=False) as listener:
        assert url_of(listener).startswith("http://[::1]:")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_anything_else_does(host):
    with pytest.raises(ServeError, match="pass --tokens FILE"):
        listen(host, 0, anywhere=False)


def test_with_tokens_it_listens_anywhere():
    with listen("0.0.0.0", 0, anywhere=True) as listener:
        assert listener.getsockname()[1] > 0


def test_a_port_in_use_is_said():
    with listen("127.0.0.1", 0, anywhere=False) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ServeError, match=f"port {port} of `127.0.0.1` is in use"):
            listen("127.0.0.1", port, anywhere=False)


@pytest.mark.parametrize("host", ["no such host", "192.0.2.1"])
def test_an_address_of_no_use_is_said(host):
    with pytest.raises(ServeError, match=f"`{host}`"):
        listen(host, 0, anywhere=True)
