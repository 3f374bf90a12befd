"""Loading: from a bundle in the slot to one that can answer, tested, with its models. What is loaded is kept.

Raises what was wrong with it, and keeps which bundle that was. Swaps nothing.
"""

from pathlib import Path
from typing import Final

from edgewise.bundle.slot import Slot
from edgewise.edge.rundir import Refused
from edgewise.engine.decider import Loaded, compile_bundle
from edgewise.errors import BundleError
from edgewise.intent import Ledger, ModelError, ModelSet, Verdicts, declared_in

ERROR_CHARACTERS_MAX: Final = 500
PROBES: Final = "probes"
"""Folder, in the data folder, of what probes of models found."""


class Loader:
    """Loads the bundles of one worker."""

    def __init__(self, slot: Slot, data_dir: Path, ledger: Ledger) -> None:
        self._slot = slot
        self._ledger = ledger
        self._verdicts = Verdicts(data_dir / PROBES)
        self._loaded: dict[str, Loaded] = {}

    def load(self, digest: str, before: ModelSet, *, needs_models: bool = True) -> Loaded:
        """Load a bundle, keeping models that are in the set before.

        Raises:
            EdgewiseError, OSError: it cannot be served, or, if it needs them, one of its models cannot be asked.
        """
        found = self._loaded.get(digest)
        if found is not None and not found.models.refusals:
            return found
        data = self._slot.bundle(digest).data
        loaded = Loaded(found.engine if found else compile_bundle(data), self._models_of(data, before))
        if needs_models:
            require_all(loaded.models)
        self._loaded[digest] = loaded
        return loaded

    def models_of(self, digest: str, before: ModelSet) -> ModelSet:
        """Load the models of a bundle, as many as can be asked."""
        return self._models_of(self._slot.bundle(digest).data, before)

    def keep(self, digests: list[str]) -> None:
        """Forget what is loaded but these."""
        self._loaded = {digest: loaded for digest, loaded in self._loaded.items() if digest in digests}

    def _models_of(self, data: bytes, before: ModelSet) -> ModelSet:
        return ModelSet.prepare(
            declared_in(data), self._read_model, before=before, verdicts=self._verdicts, ledger=self._ledger
        )

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
