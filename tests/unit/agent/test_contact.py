"""The agent's word to the workers."""

import msgspec
import pytest

from edgewise.bundle.contact import Contact, ContactFile, Moment
from edgewise.bundle.locks import is_held, try_to_hold


def test_a_word_is_read_as_it_was_said(tmp_path):
    file = ContactFile(tmp_path)
    assert file.read() is None
    contact = Contact(source="origin", generation=4, confirmed=Moment.now(), degraded=("store",), problem="gone")
    file.write(contact)
    assert file.read() == contact


def test_what_an_earlier_run_confirmed_is_not_confirmed_by_this_one(tmp_path):
    file = ContactFile(tmp_path)
    file.begin_anew()
    assert file.read() is None
    contact = Contact(source="origin", generation=4, confirmed=Moment.now())
    file.write(contact)
    file.begin_anew()
    assert file.read() == msgspec.structs.replace(contact, source="disk")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"source": "elsewhere"}', b"x" * 100_000])
def test_a_damaged_word_says_nothing(tmp_path, content):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "agent.json").write_bytes(content)
    assert ContactFile(tmp_path).read() is None


def test_an_age_does_not_follow_a_clock_that_is_set():
    now = Moment.now()
    assert 0 <= now.age_s() < 1
    assert msgspec.structs.replace(now, wall_s=now.wall_s - 7200).age_s() < 1
    assert msgspec.structs.replace(now, wall_s=now.wall_s + 86400).age_s() < 1
    assert 7199 < msgspec.structs.replace(now, boot="another", wall_s=now.wall_s - 7200).age_s() < 7205
    assert msgspec.structs.replace(now, boot="another", wall_s=now.wall_s + 86400).age_s() == 0


def test_a_lock_is_seen_without_being_taken(tmp_path):
    assert not is_held(tmp_path / "lock")
    held = try_to_hold(tmp_path / "lock")
    assert held is not None
    assert is_held(tmp_path / "lock")
    assert try_to_hold(tmp_path / "lock") is None
    assert is_held(tmp_path / "lock")
