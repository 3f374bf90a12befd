"""Bundles on disk: named by their bytes, written whole, refused when they are not what they are called."""

import os

import pytest

from edgewise.bundle import Bundle, canonical_json, digest_of, read_bundle, write_bundle
from edgewise.bundle.canonical import digest_hex, is_digest
from edgewise.errors import BundleError
from edgewise.files import read_bounded, write_synced

DOCUMENT = {"format": "edgewise/bundle/1", "b": [1, 2.5, None], "a": "ü"}


def test_canonical_json_sorts_keys_and_keeps_text():
    assert canonical_json({"b": 1, "a": {"d": "ü", "c": 0.1}}) == '{"a":{"c":0.1,"d":"ü"},"b":1}'.encode()


def test_keys_sort_by_code_point():
    assert canonical_json({"😀": 1, "\uffff": 2, "Z": 3, "a": 4}) == '{"Z":3,"a":4,"\uffff":2,"😀":1}'.encode()


def test_equal_documents_are_one_bundle():
    one = Bundle.of_document(DOCUMENT)
    other = Bundle.of_document(dict(reversed(DOCUMENT.items())))

    assert one == other
    assert one.digest == digest_of(one.data)
    assert one.document() == DOCUMENT


def test_a_digest_has_one_form():
    digest = digest_of(b"")

    assert digest == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_hex(digest) == digest.removeprefix("sha256:")
    assert not any(map(is_digest, ["", "sha256:", digest.upper(), digest + "0", "sha256:../../etc/passwd"]))
    with pytest.raises(ValueError, match="is not a digest"):
        digest_hex("sha256:../x")


def test_a_bundle_is_read_back(tmp_path):
    bundle = Bundle.of_document(DOCUMENT)
    write_bundle(tmp_path / "b", bundle)

    assert read_bundle(tmp_path / "b") == bundle
    assert read_bundle(tmp_path / "b", bundle.digest) == bundle


def test_a_bundle_of_another_digest_is_refused(tmp_path):
    write_bundle(tmp_path / "b", Bundle.of_document(DOCUMENT))

    with pytest.raises(BundleError, match="expected a bundle of digest"):
        read_bundle(tmp_path / "b", digest_of(b"other"))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format":"edgewise/bundle/9"}', b"\xff"])
def test_what_is_not_a_bundle_has_no_document(data):
    with pytest.raises(BundleError, match="the bundle is not"):
        Bundle.of_bytes(data).document()


def test_a_missing_bundle_says_so(tmp_path):
    with pytest.raises(BundleError, match="cannot read the bundle"):
        read_bundle(tmp_path / "none")


def test_reading_is_bounded(tmp_path):
    (tmp_path / "f").write_bytes(b"12345")

    assert read_bounded(tmp_path / "f", 5) == b"12345"
    with pytest.raises(BundleError, match="is larger than 4 bytes"):
        read_bounded(tmp_path / "f", 4)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "f"
    write_synced(path, b"old")

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_synced(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
