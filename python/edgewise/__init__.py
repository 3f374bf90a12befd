"""edgewise: which situation a visitor is in, which experience to serve, and why. Re-exports only."""

import warnings

from edgewise._core import BUILD_PROFILE, __version__

if BUILD_PROFILE == "debug":
    warnings.warn("edgewise._core is a debug build: slow, never for measuring or serving", RuntimeWarning, stacklevel=2)

__all__ = ["__version__"]
