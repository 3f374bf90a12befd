"""Models beside a bundle: there before the bundle that names them, refused if damaged, forgotten with the last one."""

import os
from pathlib import Path

import pytest

from edgewise import files, intent
from edgewise.bundle import MODEL_BYTES_MAX, Bundle, digest_of, read_bundle, write_bundle
from edgewise.bundle.slot import Slot, SlotWriter
from edgewise.errors import BundleError

A, B = digest_of(b"a"), digest_of(b"b")


def bundle(*models, text=""):
    declared = {f"m{number}": {"digest": digest_of(model)} for number, model in enumerate(models)}
    document = {"format": "edgewise/bundle/1", "text": text, "models": declared}
    return Bundle.of_document(document).with_models({digest_of(model): model for model in models})


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def file_of(digest):
    return f"{digest.removeprefix('sha256:')}.onnx"


@pytest.fixture
def replaced(monkeypatch):
    """Note the order in which files come into being."""
    order = []
    sync = os.fsync

    def note(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.suffix == ".tmp":
            order.append(path.name.split(".")[-3])
        sync(descriptor)

    monkeypatch.setattr(files.os, "fsync", note)
    return order


class TestFile:
    def test_models_are_named_by_the_bundle_and_no_part_of_its_bytes(self):
        assert bundle(b"a") == Bundle.of_bytes(bundle(b"a").data)
        assert bundle(b"a", b"b").model_digests() == sorted([A, B])
        assert Bundle.of_document({"format": "edgewise/bundle/1"}).model_digests() == []

    def test_a_bundle_is_read_back_with_its_models(self, tmp_path):
        write_bundle(tmp_path / "b", bundle(b"a", b"b"))

        assert read_bundle(tmp_path / "b").models == {A: b"a", B: b"b"}
        assert names_in(tmp_path / "b.models") == sorted([file_of(A), file_of(B)])

    def test_without_models_there_is_no_folder(self, tmp_path):
        write_bundle(tmp_path / "b", bundle())

        assert names_in(tmp_path) == ["b"]

    def test_models_of_an_older_bundle_are_removed(self, tmp_path):
        write_bundle(tmp_path / "b", bundle(b"a", b"b"))
        (tmp_path / "b.models" / f".{file_of(B)}.7.tmp").write_bytes(b"half")
        write_bundle(tmp_path / "b", bundle(b"b"))
        assert names_in(tmp_path / "b.models") == [file_of(B)]

        (tmp_path / "b.models" / "notes.txt").touch()
        write_bundle(tmp_path / "b", bundle())
        assert names_in(tmp_path / "b.models") == ["notes.txt"]

    @pytest.mark.parametrize("content", [None, b"", b"b", bytes(MODEL_BYTES_MAX + 1)])
    def test_a_bundle_whose_model_is_absent_or_damaged_is_refused(self, tmp_path, content):
        write_bundle(tmp_path / "b", bundle(b"a"))
        file = tmp_path / "b.models" / file_of(A)
        file.unlink() if content is None else file.write_bytes(content)

        with pytest.raises(BundleError, match=r"model|is larger than"):
            read_bundle(tmp_path / "b")

    @pytest.mark.parametrize("models", [{A: b"b"}, {"a": b"a"}, {A: bytes(MODEL_BYTES_MAX + 1)}])
    def test_nothing_travels_under_a_wrong_name(self, models):
        with pytest.raises(BundleError, match="model"):
            bundle(b"a").with_models(models)

    @pytest.mark.parametrize("models", [[], {"m": 1}, {"m": {}}, {"m": {"digest": "sha256:../x"}}])
    def test_malformed_models_are_refused(self, tmp_path, models):
        malformed = Bundle.of_document({"format": "edgewise/bundle/1", "models": models})
        write_bundle(tmp_path / "b", malformed)

        with pytest.raises(BundleError, match=r"malformed|no digest"):
            read_bundle(tmp_path / "b")

    def test_every_model_that_can_be_loaded_can_travel(self):
        assert MODEL_BYTES_MAX >= intent.MODEL_BYTES_MAX


class TestSlot:
    def test_models_lie_in_the_slot_before_the_bundle_and_the_bundle_before_its_name(self, tmp_path, replaced):
        with SlotWriter.open(tmp_path) as writer:
            writer.write(bundle(b"a"), "book")

        assert replaced == ["onnx", "bundle", "json"]
        assert Slot(tmp_path).model(A) == b"a"

    def test_a_model_that_lies_there_is_not_written_again(self, tmp_path, replaced):
        with SlotWriter.open(tmp_path) as writer:
            writer.write(bundle(b"a"), "book")
            replaced.clear()
            writer.write(bundle(b"a", b"b"), "book")

        assert replaced == ["onnx", "bundle", "json"]
        assert (Slot(tmp_path).model(A), Slot(tmp_path).model(B)) == (b"a", b"b")

    def test_a_damaged_model_is_refused_and_mended_by_the_next_write(self, tmp_path):
        with SlotWriter.open(tmp_path) as writer:
            writer.write(bundle(b"a"), "book")
            (Slot(tmp_path).models_folder / file_of(A)).write_bytes(b"b")
            with pytest.raises(BundleError, match="expected a model of digest"):
                Slot(tmp_path).model(A)
            writer.write(bundle(b"a"), "book")

        assert Slot(tmp_path).model(A) == b"a"

    def test_a_model_that_is_absent_is_a_matter_of_the_disk(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            Slot(tmp_path).model(A)
        with pytest.raises(BundleError, match="is no digest"):
            Slot(tmp_path).model("sha256:../../x")

    def test_models_are_kept_as_long_as_a_kept_bundle_names_them(self, tmp_path):
        with SlotWriter.open(tmp_path) as writer:
            writer.slot.note_good(writer.write(bundle(b"a"), "book"))
            for text in "xyz":
                writer.write(bundle(b"b", text=text), "book")
            assert names_in(writer.slot.models_folder) == sorted([file_of(A), file_of(B)])

            writer.slot.note_good(writer.write(bundle(b"b"), "book"))
            writer.write(bundle(b"b"), "book")
            assert names_in(writer.slot.models_folder) == [file_of(B)]

            for text in "xyz":
                writer.slot.note_good(writer.write(bundle(text=text), "book"))
            assert not writer.slot.models_folder.exists()

    def test_beside_a_damaged_bundle_every_model_stays(self, tmp_path):
        with SlotWriter.open(tmp_path) as writer:
            writer.slot.path_of(writer.write(bundle(b"a"), "book").digest).write_bytes(b"{")
            writer.write(bundle(b"b"), "book")

            assert names_in(writer.slot.models_folder) == sorted([file_of(A), file_of(B)])

    def test_a_write_that_fails_at_a_model_leaves_the_generation_before(self, tmp_path, monkeypatch):
        with SlotWriter.open(tmp_path) as writer:
            before = writer.write(bundle(b"a"), "book")

            def fail(descriptor):
                raise OSError(28, "No space left on device")

            monkeypatch.setattr(files.os, "fsync", fail)
            with pytest.raises(OSError, match="No space left"):
                writer.write(bundle(b"a", b"b"), "book")

        assert Slot(tmp_path).manifest() == before
        assert names_in(tmp_path / "slot" / "models") == [file_of(A)]
        assert list((tmp_path / "slot").glob("*.bundle")) == [Slot(tmp_path).path_of(before.digest)]
