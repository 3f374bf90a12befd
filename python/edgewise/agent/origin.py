"""The store as this node sees it: asked what should run, and for bundles that are fit to. Blocks; belongs in a thread.

Turns what can go wrong on the way into a trouble with the store, or into the refusal of one bundle.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from edgewise.agent.refusals import Refusals
from edgewise.agent.settings import AgentSettings
from edgewise.agent.trial import RefusedError, try_release
from edgewise.agent.wanted import wanted_of
from edgewise.bundle import Bundle
from edgewise.bundle.contact import Refusal
from edgewise.intent import Verdicts
from edgewise.store import (
    Generation,
    NodeStatus,
    NodeStore,
    Reporter,
    Seen,
    StoreError,
    StoreUnavailableError,
    TrustError,
)

UNREACHABLE = "unreachable"
SPOILED = ("hash", "length")  # bytes that are not those that were signed for


class OriginError(Exception):
    """The store did not say anything that counts. `code` says why in one word, the message in a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Word:
    """What the store says now, with the bundles that are new here and those that are refused."""

    generation: Generation | None
    bundles: dict[str, Bundle] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    problems: tuple[str, ...] = ()
    decides_alike: bool = False


class Origin:
    """The store of one node."""

    def __init__(self, settings: AgentSettings, refusals: Refusals) -> None:
        self._settings = settings
        self._refusals = refusals
        self._verdicts = Verdicts(settings.folder / "probes")
        self._store: NodeStore | None = None
        self._reporter: Reporter | None = None

    @property
    def is_open(self) -> bool:
        """Whether the store has been reached since this process began."""
        return self._store is not None

    def ask(self, is_here: Callable[[str], bool]) -> Word:
        """Ask what should run, and bring what is not here yet.

        Raises:
            OriginError: nothing new is known; what runs goes on.
            KeysError: the store cannot be trusted as this node was started.
        """
        seen = self._refresh()
        generation = seen.generation
        if generation is None:
            return Word(None, problems=seen.problems)
        if generation.asks_retry(self._settings.node, self._refusals.retry):
            self._refusals.clear(generation.retry)
        wanted = wanted_of(generation, self._settings.node, self._settings.labels, self._refusals.digests)
        absent = [digest for digest in wanted.digests if not is_here(digest)]
        bundles, refusals = self._bring_all(absent, generation.generation)
        return Word(generation, bundles, refusals, seen.problems, seen.decides_alike)

    def report(self, status: NodeStatus) -> None:
        """Write this node's status; without a key to sign it with it is not written, which raises OriginError."""
        if self._store is None:
            raise OriginError(UNREACHABLE, "the store has not been reached yet")
        try:
            if self._reporter is None:
                key, keys = _path(self._settings.node_key), _path(self._settings.keys)
                self._reporter = self._store.reporter(self._settings.node, key=key, keys=keys)
            if self._reporter is None:
                raise OriginError("key", "there is no key to sign this node's status with; pass --node-key FILE")
            self._reporter.write(status)
        except StoreError as error:
            raise OriginError("report", str(error)) from error

    def _refresh(self) -> Seen:
        try:
            if self._store is None:
                self._store = self._open()
            return self._store.refresh()
        except TrustError as error:
            raise OriginError(error.code, str(error)) from error
        except StoreUnavailableError as error:
            raise OriginError(UNREACHABLE, str(error)) from error
        except OSError as error:  # where what was proven is kept
            raise OriginError("disk", error.strerror or type(error).__name__) from error

    def _open(self) -> NodeStore:
        settings = self._settings
        return NodeStore.open(
            settings.store, cache=settings.folder / "store", root=_path(settings.root), keys=_path(settings.keys)
        )

    def _bring_all(self, digests: Collection[str], generation: int) -> tuple[dict[str, Bundle], tuple[Refusal, ...]]:
        bundles, refusals = {}, []
        for digest in digests:
            try:
                bundles[digest] = self._bring(digest)
            except RefusedError as error:
                refusals.append(error.of(digest, generation))
        return bundles, tuple(refusals)

    def _bring(self, digest: str) -> Bundle:
        store = self._store
        if store is None:
            raise RefusedError("fetch", UNREACHABLE, "the store has not been reached yet")
        try:
            release = store.fetch(digest)
        except TrustError as error:
            # Where only the store's copy is spoiled, the release is sound: it is fetched again once that is mended.
            stage = "fetch" if error.code in SPOILED else "verify"
            raise RefusedError(stage, error.code, str(error)) from error
        except (StoreError, OSError) as error:
            raise RefusedError("fetch", type(error).__name__, str(error)) from error
        if not self._refusals.begin(digest):
            raise RefusedError("compile", "crash", "this process ended each time that the bundle was tried")
        try:
            return try_release(release, self._verdicts)
        finally:
            self._refusals.passed(digest)


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None
