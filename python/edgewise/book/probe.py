"""Asking the engine whether it takes a part of a book. Owns the smallest bundle around that part.

So the checker never has bounds or databases of its own that could differ from what nodes accept.
"""

import re
from typing import Any

from edgewise._core import Engine
from edgewise.bundle import FORMAT, Bundle
from edgewise.errors import BundleError

# The text of a refusal begins with the part that is refused, which the caller knows better.
_PLACE = re.compile(r"^bundle refused at [^:]*: ")
_EMPTY: dict[str, Any] = {"format": FORMAT, "timezone": "UTC", "signals": {}, "decisionPoints": {}, "scenarios": []}


def refusal(**parts: object) -> str | None:
    """Why the engine refuses a bundle of nothing but these parts; None when it takes it."""
    try:
        Engine.from_bundle(Bundle.of_document({**_EMPTY, **parts}).data)
    except BundleError as error:
        return _PLACE.sub("", str(error))
    return None
