"""edgewise: which situation a visitor is in, which experience to serve, and why. Re-exports only."""

import warnings

from edgewise._core import (
    BUILD_PROFILE,
    DENIED,
    INVALID,
    STALE,
    RuleIndex,
    __version__,
    bucket,
    hash_features,
)
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
    "RuleIndex",
    "StateError",
    "__version__",
    "bucket",
    "hash_features",
]
