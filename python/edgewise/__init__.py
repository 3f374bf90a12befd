"""edgewise: which situation a visitor is in, which experience to serve, and why. Re-exports only."""

import warnings

from edgewise._core import BUILD_PROFILE, DENIED, INVALID, STALE, __version__
from edgewise.errors import BundleError, ConditionError, EdgewiseError, RequestError, StateError

if BUILD_PROFILE == "debug":
    warnings.warn("edgewise._core is a debug build: slow, never for measuring or serving", RuntimeWarning, stacklevel=2)

__all__ = [
    "DENIED",
    "INVALID",
    "STALE",
    "BundleError",
    "ConditionError",
    "EdgewiseError",
    "RequestError",
    "StateError",
    "__version__",
]
