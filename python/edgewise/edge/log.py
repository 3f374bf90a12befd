"""Logging of supervisor and workers: which fields a line may have. No ids, no bodies, no tokens.

`detail` may carry the text of an error that no request can have caused.
"""

import logging
from typing import Final

from edgewise.lines import Log, to_stderr

FIELDS: Final = frozenset(
    {
        "worker", "pid", "route", "status", "generation", "digest", "source", "stage", "error", "at", "detail", "part",
        "logger", "url",
    }
)  # fmt: skip

NAME: Final = "edgewise.edge"

log = Log(NAME)


def configure() -> None:
    """Send our own records, and those of the server from warnings on, through the same allow-list."""
    to_stderr(logging.getLogger(), FIELDS, logging.WARNING)
    logging.getLogger(NAME).setLevel(logging.INFO)
