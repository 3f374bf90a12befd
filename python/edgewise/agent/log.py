"""Logging of the agent: JSON lines on stderr, by an allow-list of fields, as those of the workers."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

FRAMES_MAX: Final = 5
FIELDS: Final = frozenset(
    {
        "timestamp", "level", "event", "pid", "part", "generation", "digest", "revision", "stage", "code", "detail",
        "error", "at",
    }
)  # fmt: skip

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def configure() -> None:
    """Log our own records as lines; those of libraries do not come through, they may quote addresses with keys."""
    logging.disable(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _name_error,
            _keep_allowed,
            structlog.processors.JSONRenderer(_render),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


def _name_error(_logger: object, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = record.pop("exc_info", None)
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
        record["error"] = type(error).__name__
        record["at"] = [f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}" for frame in frames]
    return record


def _keep_allowed(_logger: object, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in record.items() if name in FIELDS}


def _render(record: object, **_: object) -> str:
    return orjson.dumps(record, default=str).decode()
