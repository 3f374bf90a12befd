"""One store of objects, whatever holds it: read within a bound, create if absent, replace, list. Knows no meaning.

Time-outs and retries are always ours. Credentials come from the environment and are never shown: a store's own
configuration is not logged, pickled or put into a message.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotSupportedError, PermissionDeniedError
from obstore.store import HTTPStore, LocalStore, MemoryStore, from_url

from edgewise.store.errors import StoreRefusedError, StoreUnavailableError, TooLargeError
from edgewise.store.limits import CHUNK_BYTES, LISTED_MAX

_REMOTE: Final = {"s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss"}
_ALLOW_HTTP: Final = ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP")
_MEMORY: Final[dict[str, MemoryStore]] = {}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one answer of a store is waited for."""

    connect_s: float = 3.0
    silence_s: float = 5.0
    whole_s: float = 120.0
    retries: int = 2
    retry_s: float = 15.0

    def client(self) -> dict[str, Any]:
        """The time-outs, as the client library names them."""
        return {
            "connect_timeout": timedelta(seconds=self.connect_s),
            "read_timeout": timedelta(seconds=self.silence_s),
            "timeout": timedelta(seconds=self.whole_s),
        }

    def retry(self) -> dict[str, Any]:
        """The retries, as the client library names them."""
        backoff = {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2}
        return {"max_retries": self.retries, "retry_timeout": timedelta(seconds=self.retry_s), "backoff": backoff}


@dataclass(frozen=True, slots=True)
class Listed:
    """An object's name, size and the store's own time of its last change."""

    name: str
    size: int
    modified: datetime


class Objects:
    """The objects below one URL."""

    def __init__(self, store: Any, url: str, folder: Path | None = None) -> None:  # noqa: ANN401, obstore's union
        self._store = store
        self._folder = folder
        self.url = url
        self.is_read_only = isinstance(store, HTTPStore)

    @classmethod
    def open(cls, url: str, patience: Patience | None = None, *, create: bool = False) -> Self:
        """The store of a URL or of a folder's path. Nothing is read yet."""
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        if scheme in ("", "file") or len(scheme) == 1:
            return cls._open_folder(url, _path_of(url), create=create)
        if scheme == "memory":
            return cls(_MEMORY.setdefault(url, MemoryStore()), url)
        how = patience or Patience()
        options: dict[str, Any] = {"client_options": how.client(), "retry_config": how.retry()}
        try:
            if scheme in ("http", "https"):
                options["client_options"]["allow_http"] = scheme == "http"
                return cls(HTTPStore.from_url(url, **options), url)
            if scheme in _REMOTE:
                options["client_options"]["allow_http"] = _allows_http()
                return cls(from_url(url, **options), url)
        except (BaseError, ValueError) as error:
            raise StoreRefusedError(f"`{url}` cannot be opened: {_reason(error)}") from error
        raise StoreRefusedError(f"`{url}` is no store; use a folder, s3://, gs://, az://, http:// or https://")

    @classmethod
    def _open_folder(cls, url: str, path: Path, *, create: bool) -> Self:
        folder = path.expanduser().absolute()
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            raise StoreUnavailableError(f"`{url}` is no folder; make a store there with `edgewise store init {url}`")
        return cls(LocalStore(folder), url, folder)

    def read(self, name: str, bytes_max: int) -> bytes | None:
        """The content of an object; None when there is none."""
        chunks = self.stream(name, bytes_max)
        return None if chunks is None else b"".join(chunks)

    def stream(self, name: str, bytes_max: int) -> Iterator[bytes] | None:
        """The content of an object in small pieces, cut off with an error where it is longer than it may be."""
        try:
            found = obstore.get(self._store, name)
        except FileNotFoundError:
            return None
        except (BaseError, OSError, ValueError) as error:
            raise self._failure(error, name) from error
        return self._pieces(found, name, bytes_max)

    def _pieces(self, found: "obstore.GetResult", name: str, bytes_max: int) -> Iterator[bytes]:
        read = 0
        try:
            for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
                read += len(chunk)
                if read > bytes_max:
                    raise TooLargeError(f"`{name}` is larger than {bytes_max} bytes")
                yield bytes(chunk)
        except (BaseError, OSError, ValueError) as error:
            raise self._failure(error, name) from error

    def create(self, name: str, data: bytes) -> bool:
        """Write an object that is not there yet; False when another one is, or was a moment before."""
        try:
            self._put(name, data, "create")
        except AlreadyExistsError:
            # A try that was answered too late may have been ours.
            return self.read(name, max(len(data), 1) * 2) == data if self._may_be_ours(name, data) else False
        return True

    def _may_be_ours(self, name: str, data: bytes) -> bool:
        found = self.find(name)
        return found is not None and found.size == len(data)

    def replace(self, name: str, data: bytes) -> None:
        """Write an object, whatever was there: only for hints, and for what has one writer."""
        try:
            self._put(name, data, "overwrite")
        except AlreadyExistsError as error:
            raise self._failure(error, name) from error

    def _put(self, name: str, data: bytes, mode: str) -> None:
        if self.is_read_only:
            raise StoreRefusedError(f"`{self.url}` can only be read; write through the store's own URL")
        if self._folder is not None and not self._folder.is_dir():  # a mount that is gone must not come into being
            raise StoreUnavailableError(f"`{self.url}` is no folder any more")
        try:
            obstore.put(self._store, name, data, mode=mode, use_multipart=False)  # type: ignore[arg-type]
            self._sync(name)
        except AlreadyExistsError:
            raise
        except (BaseError, OSError, ValueError) as error:
            raise self._failure(error, name) from error

    def _sync(self, name: str) -> None:
        """Have a folder's file outlive a power cut: the library leaves that to the system."""
        if self._folder is None:
            return
        for path in (self._folder / name, (self._folder / name).parent):
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except FileNotFoundError:  # replaced or pruned meanwhile
                continue
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def find(self, name: str) -> Listed | None:
        """The size and time of an object; None when there is none."""
        try:
            meta = obstore.head(self._store, name)
        except FileNotFoundError:
            return None
        except (BaseError, OSError, ValueError) as error:
            raise self._failure(error, name) from error
        return Listed(name, meta["size"], meta["last_modified"])

    def below(self, prefix: str) -> list[Listed]:
        """Every object below a prefix, within a bound."""
        found: list[Listed] = []
        try:
            for batch in obstore.list(self._store, prefix=prefix):
                found += [Listed(meta["path"], meta["size"], meta["last_modified"]) for meta in batch]
                if len(found) > LISTED_MAX:
                    raise TooLargeError(f"`{prefix}` holds more than {LISTED_MAX} objects")
        except (BaseError, OSError, ValueError) as error:
            raise self._failure(error, prefix) from error
        return found

    def delete(self, names: list[str]) -> None:
        """Remove objects; those that are not there are no error."""
        for name in names:
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                continue
            except (BaseError, OSError, ValueError) as error:
                raise self._failure(error, name) from error

    def staging_left(self, young: timedelta) -> list[Path]:
        """What writers that were killed left half-written in a folder; other stores keep nothing half-written."""
        if self._folder is None:
            return []
        limit = datetime.now(UTC).timestamp() - young.total_seconds()
        found = [path for path in self._folder.glob("*/*#*") if path.is_file() and path.stat().st_mtime < limit]
        return found[:LISTED_MAX]

    def now(self, name: str) -> datetime:
        """The store's own time, read off an object written for it; ours for a folder, and where we may not write."""
        if self.is_read_only or self._folder is not None:
            return datetime.now(UTC)
        self.replace(name, b"{}")
        found = self.find(name)
        return found.modified if found else datetime.now(UTC)

    def _failure(self, error: Exception, name: str) -> StoreUnavailableError | StoreRefusedError:
        if isinstance(error, StoreUnavailableError | StoreRefusedError):
            return error
        # obstore raises Python's own error where a kind of store has no such operation at all.
        if isinstance(error, NotSupportedError | NotImplementedError):
            return StoreRefusedError(f"`{self.url}` does not support what `{name}` needs")
        if isinstance(error, PermissionDeniedError):
            return StoreUnavailableError(f"`{self.url}` denies access to `{name}`; check credentials and policy")
        return StoreUnavailableError(f"`{self.url}` failed on `{name}`: {_reason(error)}")


def _path_of(url: str) -> Path:
    """The path of a folder's URL or plain name; `file://store`, a slip for `file:///...`, would name the root's."""
    parts = urlsplit(url)
    is_url = parts.scheme.lower() == "file"
    if is_url and (parts.netloc not in ("", "localhost") or not parts.path.startswith("/")):
        raise StoreRefusedError(f"`{url}` is no URL of a folder; write `file:///` and its whole path, or just the path")
    if not url:
        raise StoreRefusedError("the name of the store is empty; give a folder or a URL")
    return Path(unquote(parts.path) if is_url else url)


def _allows_http() -> bool:
    """Whether the environment allows credentials to travel unencrypted, as to a server on this machine."""
    return any(os.environ.get(name, "").lower() in ("1", "true") for name in _ALLOW_HTTP)


def _reason(error: Exception) -> str:
    """The first line of an error, without the library's dump of itself."""
    lines = str(error).splitlines()
    return (lines[0] if lines else type(error).__name__)[:300].lower()
