"""Models as signals: bytes in, checked and tried before they count, probabilities out. Decides nothing.

Importing this costs next to nothing: what is behind a name comes when the name is asked for, and numpy and onnxruntime
with the first model that is loaded. Every process of a node imports this, and most never run a model.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgewise.intent.breaker import Breaker
    from edgewise.intent.declaration import Declaration, declarations, declared_in
    from edgewise.intent.errors import ModelError
    from edgewise.intent.ledger import Ledger, add_up, read_ledger
    from edgewise.intent.library import models_in, shipped_models
    from edgewise.intent.limits import Limits
    from edgewise.intent.loading import MODEL_BYTES_MAX, examine, load
    from edgewise.intent.metadata import Metadata
    from edgewise.intent.modelset import ModelSet
    from edgewise.intent.probing import Probe, probe
    from edgewise.intent.state import ModelState, ModelStatus, statuses, worst_states
    from edgewise.intent.tally import SECONDS_BOUNDS, SKIP_REASONS, Counts, buckets_of, counts_of
    from edgewise.intent.verdicts import Verdicts

__all__ = [
    "MODEL_BYTES_MAX",
    "SECONDS_BOUNDS",
    "SKIP_REASONS",
    "Breaker",
    "Counts",
    "Declaration",
    "Ledger",
    "Limits",
    "Metadata",
    "ModelError",
    "ModelSet",
    "ModelState",
    "ModelStatus",
    "Probe",
    "Verdicts",
    "add_up",
    "buckets_of",
    "counts_of",
    "declarations",
    "declared_in",
    "examine",
    "load",
    "models_in",
    "probe",
    "read_ledger",
    "shipped_models",
    "statuses",
    "worst_states",
]

_HOMES = {
    "breaker": ("Breaker",),
    "declaration": (
        "Declaration",
        "declarations",
        "declared_in",
    ),
    "errors": ("ModelError",),
    "ledger": (
        "Ledger",
        "add_up",
        "read_ledger",
    ),
    "library": (
        "models_in",
        "shipped_models",
    ),
    "limits": ("Limits",),
    "loading": (
        "MODEL_BYTES_MAX",
        "examine",
        "load",
    ),
    "metadata": ("Metadata",),
    "modelset": ("ModelSet",),
    "probing": (
        "Probe",
        "probe",
    ),
    "state": (
        "ModelState",
        "ModelStatus",
        "statuses",
        "worst_states",
    ),
    "tally": (
        "SECONDS_BOUNDS",
        "SKIP_REASONS",
        "Counts",
        "buckets_of",
        "counts_of",
    ),
    "verdicts": ("Verdicts",),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401, whatever it is
    """Import what is behind a name, once."""
    for home, names in _HOMES.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
