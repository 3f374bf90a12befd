"""Log lines: JSON on stderr, one a record, of allowed fields only. Owns their form; knows no field.

An exception is named by type and place alone: its text may quote what a visitor sent. Every process of a node logs from
its first moment on, and a library for it would take longer to import than a bundle to load.
"""

import sys
import traceback
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from logging import Handler, LogRecord
from pathlib import Path
from typing import Any, Final

import orjson

FRAMES_MAX: Final = 5


class Lines:
    """Writes lines of some fields."""

    def __init__(self, fields: AbstractSet[str]) -> None:
        self._fields = fields

    def info(self, event: str, **fields: Any) -> None:  # noqa: ANN401, whatever JSON can say
        """Say what happens in good order."""
        self.write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:  # noqa: ANN401, whatever JSON can say
        """Say what somebody should look at some time."""
        self.write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:  # noqa: ANN401, whatever JSON can say
        """Say what failed; `exc_info=True` names the exception that is being handled."""
        self.write("error", event, fields)

    def write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        """Write one line, without the fields that are not allowed."""
        fields = {**_named(fields.pop("exc_info", None)), **fields}
        known = {name: value for name, value in fields.items() if name in self._fields}
        moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        line = orjson.dumps({**known, "event": event, "level": level, "timestamp": moment}, default=str)
        sys.stderr.write(line.decode() + "\n")
        sys.stderr.flush()


class ForeignLines(Handler):
    """Gives the records of libraries the same form."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: LogRecord) -> None:
        """Write one record."""
        fields = {"logger": record.name, "exc_info": record.exc_info}
        self._lines.write(record.levelname.lower(), record.getMessage(), fields)


def _named(error: Any) -> dict[str, Any]:  # noqa: ANN401, as `logging` takes it
    """Name an exception by type and place."""
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if not isinstance(error, BaseException):
        return {}
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    return {
        "error": type(error).__name__,
        "at": [f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}" for frame in frames],
    }
