"""Log lines: JSON on stderr, one a record, of allowed fields only. Owns their form; knows no field.

An exception is named by type and place alone: its text may quote what a visitor sent. Built on the standard `logging`:
a process of a node logs from its first moment on, and a library would take longer to import than a bundle to load.
"""

import logging
import traceback
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

FRAMES_MAX: Final = 5


class Log:
    """A logger whose records are an event and fields."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **fields: Any) -> None:  # noqa: ANN401, whatever JSON can say
        """Say what happens in good order."""
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:  # noqa: ANN401, whatever JSON can say
        """Say what somebody should look at some time."""
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:  # noqa: ANN401, whatever JSON can say
        """Say what failed; `exc_info=True` names the exception that is being handled."""
        self._log(logging.ERROR, event, fields)

    def _log(self, level: int, event: str, fields: dict[str, Any]) -> None:
        self._logger.log(level, event, exc_info=fields.pop("exc_info", None), extra={"fields": fields})


class JsonLines(logging.Formatter):
    """Renders records, ours and those of libraries, as JSON with the fields that are allowed."""

    def __init__(self, allowed: AbstractSet[str]) -> None:
        super().__init__()
        self._allowed = allowed

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        fields = {**_named(record), **getattr(record, "fields", {"logger": record.name})}
        line = {name: value for name, value in fields.items() if name in self._allowed}
        line |= {"event": record.getMessage(), "level": record.levelname.lower(), "timestamp": _moment(record)}
        return orjson.dumps(line, default=str).decode()


def to_stderr(logger: logging.Logger, allowed: AbstractSet[str], level: int) -> None:
    """Write the records of a logger from a level on to stderr, as lines with the allowed fields."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(allowed))
    logger.handlers = [handler]
    logger.setLevel(level)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")


def _named(record: logging.LogRecord) -> dict[str, Any]:
    """Name the exception of a record, if it has one, by type and place."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return {}
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    return {
        "error": type(error).__name__,
        "at": [f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}" for frame in frames],
    }
