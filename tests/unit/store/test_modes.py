"""Files that are trusted or secret stay so, whatever the umask of who wrote them and whatever lay there before."""

import os
import stat

import pytest

from edgewise.files import SECRET, TRUSTED, write_synced
from edgewise.store import ceremony


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_believed_can_be_changed_by_its_owner_alone(open_umask, make_shop, tmp_path):
    shop = make_shop(tmp_path, str(tmp_path / "store"))
    shop.everywhere()
    shop.node().refresh()
    draft = ceremony.with_keys(shop.writer.read(), "fleet", add=[shop.keys.make("fleet")], remove=[])
    ceremony.write_draft(tmp_path / "draft.json", draft)

    believed = ["keys/root.json", "cache-n-1/root.json", "cache-n-1/generation.json", "draft.json"]
    assert {name: mode_of(tmp_path / name) for name in believed} == dict.fromkeys(believed, TRUSTED)
    assert {mode_of(path) for path in shop.keys.folder.glob("*.pem")} == {SECRET}


def test_a_secret_is_not_written_into_what_was_left_open_for_all(tmp_path):
    left = tmp_path / f".key.pem.{os.getpid()}.tmp"
    left.write_bytes(b"left")
    left.chmod(0o666)
    write_synced(tmp_path / "key.pem", b"secret", SECRET)
    assert mode_of(tmp_path / "key.pem") == SECRET


def test_a_secret_is_not_written_to_where_a_link_leads(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / f".key.pem.{os.getpid()}.tmp").symlink_to(elsewhere)
    write_synced(tmp_path / "key.pem", b"secret", SECRET)
    assert not elsewhere.exists()
    assert not (tmp_path / "key.pem").is_symlink()
