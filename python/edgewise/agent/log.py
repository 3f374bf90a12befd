"""Logging of the agent: which fields a line may have."""

import logging
from typing import Final

from edgewise.lines import Log, to_stderr

FIELDS: Final = frozenset({"pid", "part", "generation", "digest", "revision", "stage", "code", "detail", "error", "at"})

NAME: Final = "edgewise.agent"

log = Log(NAME)


def configure() -> None:
    """Write our own records; keep those of libraries to themselves, as they may quote addresses with keys."""
    ours = logging.getLogger(NAME)
    to_stderr(ours, FIELDS, logging.INFO)
    ours.propagate = False
    logging.getLogger().handlers = [logging.NullHandler()]
