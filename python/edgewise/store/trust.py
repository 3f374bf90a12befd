"""What a store says, proven: runs python-tuf's client over the store's numbered keys and keeps what was proven on disk.

Timestamps are numbered, and `timestamp.json` is only a hint at the newest. A candidate that does not verify as a whole
is reported and skipped, and leaves no trace in what is trusted. Expiry stops updates; it takes nothing away.
"""

import contextlib
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError
from tuf.ngclient import Updater, UpdaterConfig

from edgewise.store import limits
from edgewise.store.errors import StoreUnavailableError, TooLargeError, TrustError
from edgewise.store.fetching import METADATA_URL, Problems, StoreFetcher
from edgewise.store.metadata import DELEGATED
from edgewise.store.names import METADATA, TIMESTAMP_HINT, metadata_name, timestamp_in
from edgewise.store.objects import Objects
from edgewise.store.proven import Proven

_FOREVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NODE_ROLES: Final = ("release", "rollout")


@dataclass(frozen=True, slots=True)
class View:
    """Metadata proven together at one moment."""

    root: Root
    targets: Targets
    snapshot: Snapshot
    timestamp: Timestamp
    roles: dict[str, Targets]
    next_timestamp: int = 0
    problems: tuple[str, ...] = ()

    @property
    def expires_at(self) -> datetime:
        """When the first part of it stops being fresh."""
        parts = (self.root, self.targets, self.snapshot, self.timestamp, *self.roles.values())
        return min(part.expires for part in parts)

    def target(self, role: str, name: str) -> TargetFile | None:
        """What a role says of a target."""
        return self.roles[role].targets.get(name)


class Reader:
    """Reads a store and believes only what is signed.

    Args:
        objects: The store.
        root: The root of trust, from outside the store.
        cache: A folder for what was proven, so that nothing older is believed later; None forgets at once.
        forgive_expiry: For those who sign anew. A node never does.
        roles: The delegated roles to read.
        root_max: The last root to follow; for mending a store whose next one is only half applied.
    """

    def __init__(
        self,
        objects: Objects,
        root: bytes,
        cache: Path | None = None,
        *,
        forgive_expiry: bool = False,
        roles: tuple[str, ...] = _NODE_ROLES,
        root_max: int | None = None,
    ) -> None:
        self.objects = objects
        self._root = root
        self._proven = Proven(cache)
        self._forgive = forgive_expiry
        self._roles = roles
        self._root_max = root_max
        self._view: View | None = None
        self._checked_at: datetime | None = None

    def refresh(self) -> View:
        """Prove the newest state of the store. Raises TrustError, StoreUnavailableError."""
        now = datetime.now(UTC)
        seen = self._view.timestamp.version if self._view else self._proven.version
        problems = Problems()
        candidates = self._candidates(seen, problems)
        if not self._is_due(now, candidates):
            assert self._view is not None  # noqa: S101, else it is due
            self._view = replace(self._fresh(self._view, now), problems=tuple(problems.lines))
            return self._view
        self._view = self._prove(candidates, seen, problems)
        self._checked_at = now
        return self._view

    def _is_due(self, now: datetime, candidates: dict[int, bytes]) -> bool:
        if self._view is None or self._checked_at is None:
            return True
        if not self._checked_at <= now < self._checked_at + limits.FULL_REFRESH_EVERY:
            return True
        return any(version > self._view.timestamp.version for version in candidates)

    def _fresh(self, view: View, now: datetime) -> View:
        if not self._forgive and now >= view.expires_at:
            raise TrustError("expired", f"what the store signed expired at {view.expires_at:%Y-%m-%d %H:%M} UTC")
        return view

    # Which timestamps there are

    def _candidates(self, seen: int, problems: Problems) -> dict[int, bytes]:
        """The timestamps worth a try: the last one seen, the hint, and what lies beyond either."""
        found: dict[int, bytes] = {}
        hint = self._read_timestamp(TIMESTAMP_HINT, problems)
        hinted = _version_of(hint)
        if hint is not None and hinted and hinted >= seen:
            found[hinted] = hint
        elif seen:
            problems.add(f"{TIMESTAMP_HINT} names {hinted or 'nothing'}, older than {seen}, which was seen before")
        for start in {seen, max(seen, hinted)}:
            self._probe(start, found, problems)
        if len(found) >= limits.PROBES_MAX:
            # So many in a row: the hint lags far behind, or somebody takes numbers.
            with contextlib.suppress(StoreUnavailableError):  # who may not list goes on by numbers
                found.update(self._listed(problems))
        if hint is None and not found and seen:
            self._require_present(seen)
        cached = self._proven.timestamp()
        if cached is not None:
            found.setdefault(seen, cached)
        return found

    def _require_present(self, seen: int) -> None:
        """Tell a store without news from one that is gone: a folder that is not mounted looks just as quiet."""
        if self.objects.find(metadata_name("timestamp", seen)) is None:
            raise StoreUnavailableError(f"`{self.objects.url}` no longer holds what was seen there")

    def _probe(self, start: int, found: dict[int, bytes], problems: Problems) -> None:
        for version in range(start + 1, start + 1 + limits.PROBES_MAX):
            name = metadata_name("timestamp", version)
            data = self._read_timestamp(name, problems)
            if data is None:
                return
            found[version] = data

    def _listed(self, problems: Problems) -> dict[int, bytes]:
        """Without a hint to go by: what a listing shows. Only for stores that can list."""
        found: dict[int, bytes] = {}
        if self.objects.is_read_only:
            return found
        versions = sorted((timestamp_in(item.name) for item in self.objects.below(METADATA)), reverse=True)
        for version in filter(None, versions[: limits.PROBES_MAX]):
            data = self._read_timestamp(metadata_name("timestamp", version), problems)
            if data is not None:
                found[version] = data
        return found

    def _read_timestamp(self, name: str, problems: Problems) -> bytes | None:
        """The bytes of a timestamp; empty ones, which never verify, for one that is too large."""
        try:
            return self.objects.read(name, limits.TIMESTAMP_BYTES_MAX)
        except TooLargeError as error:
            problems.add(f"{name}: {error}")
            return b""

    # Proving one

    def _prove(self, candidates: dict[int, bytes], seen: int, problems: Problems) -> View:
        view, error = self._newest_of(candidates, problems)
        if view is None and not seen:
            view, worse = self._newest_of(self._listed(problems), problems)
            error = error or worse
        if view is not None:
            return view
        raise error or TrustError("absent", f"`{self.objects.url}` holds no timestamp; is it a store?")

    def _newest_of(self, candidates: dict[int, bytes], problems: Problems) -> tuple[View | None, TrustError | None]:
        """The newest candidate that verifies; else why the newest does not."""
        first: TrustError | None = None
        for version in sorted(candidates, reverse=True):
            try:
                view = self._prove_one(candidates[version], version, problems)
            except TrustError as error:
                if error.code == "expired":
                    # Signed by those who may, and newer than all the rest: what is older must not take its place.
                    raise
                problems.add(f"{metadata_name('timestamp', version)} skipped: {error}")
                first = first or error
            else:
                return replace(
                    view, next_timestamp=_next_free(version, candidates), problems=tuple(problems.lines)
                ), None
        return None, first

    def _prove_one(self, data: bytes, version: int, problems: Problems) -> View:
        with tempfile.TemporaryDirectory(dir=self._proven.workshop(), prefix="try-") as scratch:
            folder = Path(scratch)
            self._proven.copy_to(folder)
            fetcher = StoreFetcher(self.objects, data, problems, folder, self._root_max)
            view = self._run_client(folder, fetcher, version)
            self._proven.keep(folder, view.timestamp.version)
        return view

    def _run_client(self, folder: Path, fetcher: StoreFetcher, version: int) -> View:
        try:
            updater = Updater(str(folder), METADATA_URL, fetcher=fetcher, config=_config(), bootstrap=self._root)
            if self._forgive:
                updater._trusted_set.reference_time = _FOREVER  # noqa: SLF001, tuf has no public way to sign anew after expiry
            updater.refresh()
            for role in self._roles:
                # A name that no role has: asked for only to have the role's metadata proven.
                updater.get_targetinfo(DELEGATED[role][0].replace("*", "-"))
        except tuf_errors.RepositoryError as error:
            raise _distrust(error) from error
        except tuf_errors.DownloadHTTPError as error:
            raise TrustError("absent", f"metadata that the timestamp names is not there: {error}") from error
        except tuf_errors.DownloadLengthMismatchError as error:
            raise TrustError("length", "metadata is longer than it may be") from error
        except tuf_errors.DownloadError as error:
            raise StoreUnavailableError(str(error.__cause__ or error)) from error
        except (DeserializationError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise TrustError("malformed", "metadata is malformed") from error
        view = _view_of(folder, self._roles)
        if view.timestamp.version != version:
            raise TrustError("rollback", f"the timestamp at {version} says it is {view.timestamp.version}")
        return view


def _config() -> UpdaterConfig:
    return UpdaterConfig(
        max_root_rotations=limits.ROOT_ROTATIONS_MAX,
        max_delegations=len(DELEGATED) + 1,
        root_max_length=limits.ROOT_BYTES_MAX,
        timestamp_max_length=limits.TIMESTAMP_BYTES_MAX,
        snapshot_max_length=limits.SNAPSHOT_BYTES_MAX,
        targets_max_length=limits.TARGETS_BYTES_MAX,
        prefix_targets_with_hash=False,
    )


def _distrust(error: tuf_errors.RepositoryError) -> TrustError:
    codes = {
        tuf_errors.ExpiredMetadataError: "expired",
        tuf_errors.UnsignedMetadataError: "signature",
        tuf_errors.LengthOrHashMismatchError: "hash",
        tuf_errors.BadVersionNumberError: "rollback",
        tuf_errors.EqualVersionNumberError: "rollback",
    }
    return TrustError(codes.get(type(error), "malformed"), str(error)[:300] or type(error).__name__)


def _version_of(data: bytes | None) -> int:
    """The version that a timestamp claims; 0 when it is none."""
    if not data:
        return 0
    try:
        return int(Metadata[Timestamp].from_bytes(data).signed.version)
    except (DeserializationError, tuf_errors.RepositoryError, ValueError, KeyError, TypeError, RecursionError):
        return 0


def _next_free(version: int, taken: dict[int, bytes]) -> int:
    """The first number after a version that nothing was found at."""
    number = version + 1
    while number in taken:
        number += 1
    return number


def _view_of(folder: Path, roles: tuple[str, ...]) -> View:
    """What the client has proven, as it left it in its folder."""

    def signed(name: str) -> bytes:
        return (folder / f"{name}.json").read_bytes()

    return View(
        root=Metadata[Root].from_bytes(signed("root")).signed,
        targets=Metadata[Targets].from_bytes(signed("targets")).signed,
        snapshot=Metadata[Snapshot].from_bytes(signed("snapshot")).signed,
        timestamp=Metadata[Timestamp].from_bytes(signed("timestamp")).signed,
        roles={role: Metadata[Targets].from_bytes(signed(role)).signed for role in roles},
    )
