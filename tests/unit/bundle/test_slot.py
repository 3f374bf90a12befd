"""The slot on disk: one writer, whole generations, nothing served that is not what it is named."""

import os

import pytest

from edgewise.bundle import Bundle
from edgewise.bundle.slot import Manifest, Slot, SlotError, SlotWriter
from edgewise.errors import BundleError


def bundle(text):
    return Bundle.of_document({"format": "edgewise/bundle/1", "text": text})


def test_a_new_folder_has_nothing_to_serve(tmp_path):
    assert Slot(tmp_path / "data").manifest() is None


def test_generations_count_up_over_writers(tmp_path):
    for generation in (1, 2, 3):
        with SlotWriter.open(tmp_path / "data") as writer:
            written = writer.write(bundle("a"), "book")
        expected = Manifest(generation=generation, digest=bundle("a").digest, source="book", revision=generation)
        assert written == expected
        assert Slot(tmp_path / "data").manifest() == written
    assert Slot(tmp_path / "data").bundle(bundle("a").digest) == bundle("a")


def test_one_writer_at_a_time(tmp_path):
    with SlotWriter.open(tmp_path), pytest.raises(SlotError, match="in use by another node"):
        SlotWriter.open(tmp_path)
    SlotWriter.open(tmp_path).close()


def test_the_bundle_before_is_kept_and_older_ones_are_not(tmp_path):
    with SlotWriter.open(tmp_path) as writer:
        for text in "abc":
            writer.write(bundle(text), "book")
    kept = {path.stem for path in (tmp_path / "slot").glob("*.bundle")}
    assert kept == {bundle(text).digest.removeprefix("sha256:") for text in "bc"}


def test_a_changed_bundle_is_refused(tmp_path):
    with SlotWriter.open(tmp_path) as writer:
        digest = writer.write(bundle("a"), "book").digest
    Slot(tmp_path).path_of(digest).write_bytes(bundle("b").data)
    with pytest.raises(BundleError):
        Slot(tmp_path).bundle(digest)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"generation":1}', '{"generation":1,"digest":"../x","source":"book"}', '{"generation":1}' * 1000],
)
def test_a_damaged_manifest_is_refused(tmp_path, content):
    (tmp_path / "slot").mkdir()
    Slot(tmp_path).file.write_text(content)
    with pytest.raises(BundleError):
        Slot(tmp_path).manifest()


def test_the_last_good_bundle_is_kept_however_many_bad_ones_follow(tmp_path):
    with SlotWriter.open(tmp_path) as writer:
        good = writer.write(bundle("good"), "book")
        writer.slot.note_good(good)
        for text in "abc":
            writer.write(bundle(text), "book")
    assert Slot(tmp_path).good() == good
    assert Slot(tmp_path).bundle(good.digest) == bundle("good")


def test_a_store_has_its_word_after_a_book_however_often_that_was_read(tmp_path):
    with SlotWriter.open(tmp_path) as writer:
        for text in "abc":
            writer.slot.note_good(writer.write(bundle(text), "book"))
        first, second = (
            writer.put(Manifest(generation=1, digest=bundle(text).digest, source="store"), [bundle(text)])
            for text in "de"
        )
        good = writer.slot.good()
    assert first.is_after(good)
    assert second.is_after(first)
    assert not good.is_after(second)
    assert second.revision == good.revision + 2


def test_what_a_killed_write_left_is_swept_up(tmp_path):
    slot = tmp_path / "slot"
    slot.mkdir()
    left = [slot / f".{'0' * 64}.bundle.7.tmp", slot / ".slot.json.7.tmp"]
    beside = slot / ".good.json.7.tmp"  # a worker may be writing it right now
    for path in (*left, beside):
        path.write_bytes(b"half")
    with SlotWriter.open(tmp_path) as writer:
        writer.write(bundle("a"), "book")
    assert [path.exists() for path in (*left, beside)] == [False, False, True]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_keeps_nobody_waiting(tmp_path, make):
    slot = Slot(tmp_path)
    slot.folder.mkdir()
    for path in (slot.file, slot.path_of(bundle("a").digest)):
        make(path)
    with pytest.raises(OSError, match="no regular file"):
        slot.manifest()
    with pytest.raises(BundleError, match="no regular file"):
        slot.bundle(bundle("a").digest)
