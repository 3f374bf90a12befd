"""What python-tuf's client reads of a store: metadata within its bounds, one given timestamp, roots that follow.

Trusts nothing by itself, but for telling a real next root from rubbish at its key.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Root
from tuf.ngclient import FetcherInterface

from edgewise.store import limits
from edgewise.store.errors import StoreError, TooLargeError, TrustError
from edgewise.store.metadata import parse_root
from edgewise.store.names import METADATA, TIMESTAMP_HINT
from edgewise.store.objects import Objects

_BASE: Final = "store:///"
METADATA_URL: Final = f"{_BASE}{METADATA}/"


@dataclass(slots=True)
class Problems:
    """What was found wrong and skipped, bounded."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Note what was wrong, once."""
        if len(self.lines) < limits.PROBLEMS_MAX and line not in self.lines:
            self.lines.append(line)


class StoreFetcher(FetcherInterface):
    """Fetches metadata for python-tuf from the store: one given timestamp, and no root that is not what it says."""

    def __init__(
        self, objects: Objects, timestamp: bytes, problems: Problems, folder: Path, root_max: int | None
    ) -> None:
        self._objects = objects
        self._timestamp = timestamp
        self._problems = problems
        self._folder = folder
        self._root_max = root_max

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = unquote(url.removeprefix(_BASE))
        if name == TIMESTAMP_HINT:
            return iter([self._timestamp])
        if name.endswith(".root.json"):
            return self._fetch_root(name)
        chunks = self._objects.stream(name, limits.TARGETS_BYTES_MAX)
        if chunks is None:
            raise tuf_errors.DownloadHTTPError(f"`{name}` is not in the store", 404)
        return _as_download(chunks)

    def _fetch_root(self, name: str) -> Iterator[bytes]:
        """The next root, or none: rubbish at its key is reported, and stops neither updates nor the next real one."""
        try:
            trusted = self._trusted_root()
            is_wanted = self._root_max is None or trusted.version < self._root_max
            data = self._objects.read(name, limits.ROOT_BYTES_MAX) if is_wanted else None
            if data is not None:
                verify_next_root(trusted, data)
                return iter([data])
        except TooLargeError as error:
            self._problems.add(str(error))
        except TrustError as error:
            self._problems.add(f"{name} skipped: {error}")
        raise tuf_errors.DownloadHTTPError(f"`{name}` is not in the store", 404)

    def _trusted_root(self) -> Root:
        newest = max((self._folder / "root_history").glob("*.root.json"), key=lambda path: int(path.name.split(".")[0]))
        return parse_root(newest.read_bytes()).signed


def verify_next_root(trusted: Root, data: bytes) -> Root:
    """The root that follows a trusted one: signed by the old keys and by its own, numbered one more."""
    metadata = parse_root(data)
    new = metadata.signed
    try:
        trusted.verify_delegate("root", metadata.signed_bytes, metadata.signatures)
        new.verify_delegate("root", metadata.signed_bytes, metadata.signatures)
    except (tuf_errors.RepositoryError, ValueError) as error:
        raise TrustError("signature", f"root {new.version} is not signed by enough trusted keys") from error
    if new.version != trusted.version + 1:
        raise TrustError("rollback", f"root {new.version} does not follow root {trusted.version}")
    return new


def _as_download(chunks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    except TooLargeError as error:
        raise tuf_errors.DownloadLengthMismatchError(str(error)) from error
    except StoreError as error:
        raise tuf_errors.DownloadError(str(error)) from error
