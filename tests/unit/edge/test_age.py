"""When a request was started, and whose word is taken for it."""

import pytest

from edgewise.edge.age import Trust, TrustError, started_s


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (b"t=1700000000123", 1_700_000_000.123),
        (b"1700000000123", 1_700_000_000.123),
        (b"t=1700000000.123", 1_700_000_000.123),
        (b"t=0", 0.0),
        (b"t=x", None),
        (b"t=1700000000.", None),
        (b"t=1700000000123456789", None),
    ],
)
def test_milliseconds_or_seconds_with_a_fraction_are_read(written, seconds):
    assert started_s(written) == seconds


def test_a_peer_is_believed_by_where_it_calls_from():
    trust = Trust(["unix", "10.0.0.0/8", "2001:db8::7"])
    assert trust.believes(None)
    assert trust.believes(("10.1.2.3", 1))
    assert trust.believes(("::ffff:10.1.2.3", 1))
    assert trust.believes(("2001:db8::7", 1))
    assert not trust.believes(("127.0.0.1", 1))
    assert not trust.believes(("testclient", 1))


def test_loopback_is_believed_in_both_families():
    trust = Trust(["loopback"])
    assert trust.believes(("127.0.0.9", 1))
    assert trust.believes(("::1", 1))
    assert not trust.believes(None)


def test_many_peers_are_not_remembered_forever():
    trust = Trust(["10.0.0.0/8"])
    assert all(trust.believes((f"10.0.{number // 250}.{number % 250}", 1)) for number in range(3000))


@pytest.mark.parametrize("name", ["10.0.0.1/8", "everybody", "", "10.0.0"])
def test_what_is_no_peer_is_refused(name):
    with pytest.raises(TrustError, match="is no trusted proxy"):
        Trust([name])
