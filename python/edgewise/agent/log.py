"""Logging of the agent: which fields a line may have."""

import logging
from typing import Final

from edgewise.lines import Lines

FIELDS: Final = frozenset({"pid", "part", "generation", "digest", "revision", "stage", "code", "detail", "error", "at"})

log = Lines(FIELDS)


def configure() -> None:
    """Keep records of libraries to themselves: they may quote addresses with keys."""
    logging.disable(logging.CRITICAL)
