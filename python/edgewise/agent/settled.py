"""The last manifest that all workers of the node took up: what they go back to. Owns its file."""

import contextlib
from pathlib import Path
from typing import Final

import msgspec

from edgewise.bundle import Manifest
from edgewise.bundle.slot import MANIFEST_BYTES_MAX
from edgewise.errors import BundleError
from edgewise.files import read_bounded, write_synced

_NONE: Final[frozenset[str]] = frozenset()


class Settled:
    """Reads what an earlier agent noted; notes what is new."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.manifest = _read(file)

    @property
    def digests(self) -> frozenset[str]:
        """The bundles that going back needs."""
        return frozenset(self.manifest.digests) if self.manifest else _NONE

    def keep(self, manifest: Manifest) -> None:
        """Note it unless that was done; a full disk only costs the note."""
        if manifest == self.manifest:
            return
        self.manifest = manifest
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_synced(self._file, msgspec.json.encode(manifest))


def _read(file: Path) -> Manifest | None:
    try:
        return msgspec.json.decode(read_bounded(file, MANIFEST_BYTES_MAX), type=Manifest)
    except (OSError, BundleError, msgspec.DecodeError):
        return None
