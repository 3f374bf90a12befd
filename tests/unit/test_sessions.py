"""The life of a session store's folder: prepared, opened, closed cleanly, found damaged."""

import pytest

from edgewise._core import Sessions, StateError


def test_a_folder_is_prepared_before_it_is_opened(tmp_path):
    with pytest.raises(StateError, match="is not prepared: prepare it before opening it"):
        Sessions.open(tmp_path)
    assert Sessions.prepare(tmp_path) == "new"
    sessions = Sessions.open(tmp_path)
    assert sessions.stats()["shards"] == 4
    with pytest.raises(StateError, match="another process uses"):
        Sessions.prepare(tmp_path)


def test_a_clean_stop_asks_for_a_new_preparation(tmp_path):
    Sessions.prepare(tmp_path)
    sessions = Sessions.open(tmp_path)
    sessions.close()
    del sessions
    Sessions.mark_clean(tmp_path)
    with pytest.raises(StateError, match="is not prepared"):
        Sessions.open(tmp_path)
    assert Sessions.prepare(tmp_path) is None


def test_damage_is_found_when_the_folder_is_prepared(tmp_path):
    Sessions.prepare(tmp_path)
    Sessions.open(tmp_path).close()
    (tmp_path / "shard-3" / "data.mdb").write_bytes(b"\0" * 100_000)
    assert Sessions.prepare(tmp_path) == "damaged"
    assert Sessions.prepare(tmp_path) is None


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=r"cannot use `.*file/sessions`"):
        Sessions.prepare(tmp_path / "file" / "sessions")
