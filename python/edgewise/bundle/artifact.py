"""The bundle: immutable bytes named by their digest. Owns making, reading and writing them; decides nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from edgewise.bundle.canonical import canonical_json, digest_of
from edgewise.bundle.files import read_bounded, write_atomically
from edgewise.errors import BundleError

FORMAT = "edgewise/bundle/1"
BUNDLE_BYTES_MAX = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """A compiled book. `digest` always names exactly `data`."""

    data: bytes
    digest: str

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> "Bundle":
        """The bundle of a document: the same document always gives the same bytes."""
        data = canonical_json(document)
        if len(data) > BUNDLE_BYTES_MAX:
            raise BundleError(f"the bundle is larger than {BUNDLE_BYTES_MAX} bytes")
        return cls(data=data, digest=digest_of(data))

    @classmethod
    def of_bytes(cls, data: bytes, digest: str | None = None) -> "Bundle":
        """The bundle in some bytes, refused when they are not the ones that `digest` names."""
        found = digest_of(data)
        if digest is not None and found != digest:
            raise BundleError(f"expected a bundle of digest `{digest}`, got `{found}`")
        return cls(data=data, digest=found)

    def document(self) -> dict[str, Any]:
        """The bundle as plain values."""
        try:
            document = orjson.loads(self.data)
        except orjson.JSONDecodeError as error:
            raise BundleError(f"the bundle is not JSON: {error}") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise BundleError(f"the bundle is not of format `{FORMAT}`")
        return document


def read_bundle(path: Path, digest: str | None = None) -> Bundle:
    """Read a bundle file, checking its digest when one is expected."""
    try:
        data = read_bounded(path, BUNDLE_BYTES_MAX)
    except OSError as error:
        raise BundleError(f"cannot read the bundle `{path}`: {error.strerror}") from error
    return Bundle.of_bytes(data, digest)


def write_bundle(path: Path, bundle: Bundle) -> None:
    """Write a bundle file atomically."""
    write_atomically(path, bundle.data)
