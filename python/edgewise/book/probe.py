"""Asking the engine whether it takes a part of a book. Owns the smallest bundle around that part.

So the checker never has bounds or databases of its own that could differ from what nodes accept.
"""

import re
from typing import Any

from edgewise._core import Engine
from edgewise.bundle import FORMAT, Bundle
from edgewise.errors import BundleError

# The text of a refusal begins with the part that is refused, which the caller knows better.
_PLACE = re.compile(r"bundle refused at ([^:]*): ")
_EMPTY: dict[str, Any] = {"format": FORMAT, "timezone": "UTC", "signals": {}, "decisionPoints": {}, "scenarios": []}


def engine_of(**parts: object) -> Engine:
    """The engine of a bundle of nothing but these parts. Raises BundleError when there is none."""
    return Engine.from_bundle(Bundle.of_document({**_EMPTY, **parts}).data)


def refusal(**parts: object) -> str | None:
    """Why the engine refuses a bundle of nothing but these parts; None when it takes it."""
    try:
        engine_of(**parts)
    except BundleError as error:
        return place_and_reason(error)[1]
    return None


def place_and_reason(error: BundleError) -> tuple[str, str]:
    """The part of a bundle that is refused, and why."""
    text = str(error)
    found = _PLACE.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)
