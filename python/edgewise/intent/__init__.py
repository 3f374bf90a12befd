"""Models as signals: bytes in, checked and tried before they count, probabilities out. Decides nothing.

Importing this costs little: numpy and onnxruntime come with the first model that is loaded.
"""

from edgewise.intent.breaker import Breaker
from edgewise.intent.declaration import Declaration, declarations
from edgewise.intent.errors import ModelError
from edgewise.intent.library import models_in, shipped_models
from edgewise.intent.limits import Limits
from edgewise.intent.loading import MODEL_BYTES_MAX, examine, load
from edgewise.intent.metadata import Metadata
from edgewise.intent.modelset import ModelSet
from edgewise.intent.probing import Probe, probe
from edgewise.intent.tally import Counts, ModelStatus, add_up
from edgewise.intent.verdicts import Verdicts

__all__ = [
    "MODEL_BYTES_MAX",
    "Breaker",
    "Counts",
    "Declaration",
    "Limits",
    "Metadata",
    "ModelError",
    "ModelSet",
    "ModelStatus",
    "Probe",
    "Verdicts",
    "add_up",
    "declarations",
    "examine",
    "load",
    "models_in",
    "probe",
    "shipped_models",
]
