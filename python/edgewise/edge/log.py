"""Logging of supervisor and workers: which fields a line may have. No ids, no bodies, no tokens.

`detail` may carry the text of an error that no request can have caused.
"""

import logging
from typing import Final

from edgewise.lines import ForeignLines, Lines

FIELDS: Final = frozenset(
    {
        "worker", "pid", "route", "status", "generation", "digest", "source", "stage", "error", "at", "detail", "part",
        "logger", "url",
    }
)  # fmt: skip

log = Lines(FIELDS)


def configure() -> None:
    """Send the server's records through the same allow-list."""
    logging.basicConfig(handlers=[ForeignLines(log)], level=logging.WARNING, force=True)
