"""Loading: from a bundle in the slot to one that can answer, tested, with its models. What is loaded is kept.

Raises what was wrong with it, and keeps which bundle that was. Swaps nothing.
"""

from pathlib import Path
from typing import Final

from edgewise._core import Engine
from edgewise.bundle.locks import turn
from edgewise.bundle.slot import Slot
from edgewise.edge.rundir import Refused
from edgewise.engine.decider import Loaded, compile_bundle
from edgewise.errors import BundleError
from edgewise.intent import Ledger, ModelError, ModelSet, Verdicts, declared_in

ERROR_CHARACTERS_MAX: Final = 500
TURN: Final = "loading.lock"
"""File, in the slot, that is locked by the worker whose turn it is to compile."""
TURN_WAIT_MAX_S: Final = 10.0
"""How long a worker waits for its turn; then it begins beside the others."""
PROBES: Final = "probes"
"""Folder, in the data folder, of what probes of models found."""


class Loader:
    """Loads the bundles of one worker."""

    def __init__(self, slot: Slot, data_dir: Path, ledger: Ledger) -> None:
        self._slot = slot
        self._ledger = ledger
        self._verdicts = Verdicts(data_dir / PROBES)
        self._loaded: dict[str, Loaded] = {}

    def load(self, digest: str, before: ModelSet, *, needs_models: bool = True, is_deciding: bool = False) -> Loaded:
        """Load a bundle, keeping models that are in the set before; while this worker decides, out of its way.

        Raises:
            EdgewiseError, OSError: it cannot be served, or, if it needs them, one of its models cannot be asked.
        """
        found = self._loaded.get(digest)
        if found is not None and not found.models.refusals:
            return found
        engine = found.engine if found else self._compile(digest, is_deciding=is_deciding)
        loaded = Loaded(engine, self._models_of(engine, before))
        if needs_models:
            require_all(loaded.models)
        self._loaded[digest] = loaded
        return loaded

    def models_of(self, digest: str, before: ModelSet) -> ModelSet:
        """Load the models of a bundle that is loaded, as many as can be asked."""
        return self._models_of(self._loaded[digest].engine, before)

    def keep(self, digests: list[str]) -> None:
        """Forget what is loaded but these."""
        self._loaded = {digest: loaded for digest, loaded in self._loaded.items() if digest in digests}

    def _compile(self, digest: str, *, is_deciding: bool) -> Engine:
        """Compile what lies in the slot; of the workers that decide one after the other, so that one has its core."""
        if not is_deciding:
            return compile_bundle(self._slot.bundle(digest).data)
        with turn(self._slot.folder / TURN, TURN_WAIT_MAX_S):
            return compile_bundle(self._slot.bundle(digest).data, in_background=True)

    def _models_of(self, engine: Engine, before: ModelSet) -> ModelSet:
        declared = declared_in(engine.declared_models())
        return ModelSet.prepare(declared, self._read_model, before=before, verdicts=self._verdicts, ledger=self._ledger)

    def _read_model(self, digest: str) -> bytes:
        try:
            return self._slot.model(digest)
        except BundleError as error:
            raise ModelError("digest", "mismatch", str(error)) from error


def require_all(models: ModelSet) -> None:
    """Refuse a bundle one of whose models is refused.

    Raises:
        ModelError: the first of them, with its name.
    """
    for name, error in models.refusals.items():
        raise ModelError(error.stage, error.code, f"model `{name}`: {error}")


def may_pass(error: BaseException | None) -> bool:
    """Whether a failure may pass by itself, as those of disks do, so that the same generation is worth another try."""
    if isinstance(error, ModelError):
        return error.may_pass
    return isinstance(error, OSError) or (error is not None and isinstance(error.__cause__, OSError))


def refusal_of(digest: str, error: BaseException | None, revision: int) -> Refused | None:
    """Name what cannot be served, unless that may pass by itself."""
    if error is None or may_pass(error):
        return None
    detail = str(error)[:ERROR_CHARACTERS_MAX]
    return Refused(digest=digest, code=type(error).__name__, detail=detail, slot=revision)
