"""Logging: JSON lines on stderr, by an allow-list of fields. No ids, no bodies, no tokens.

An exception is named by type and place only; `detail` may carry the text of one that no request can have caused.
"""

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
        "timestamp", "level", "event", "worker", "pid", "route", "status", "generation", "digest", "source", "stage",
        "error", "at", "detail", "part", "logger", "url",
    }
)  # fmt: skip

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def configure() -> None:
    """Send our own records and those of the server through the same allow-list."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_error,
    ]
    structlog.configure(
        processors=[*shared, _keep_allowed, structlog.processors.JSONRenderer(_render)],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _keep_allowed,
                structlog.processors.JSONRenderer(_render),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _name_error(_logger: object, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name an exception by type and place: its text may quote what a visitor sent."""
    error = record.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        record["error"] = type(error).__name__
        record["at"] = [f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}" for frame in frames[-FRAMES_MAX:]]
    return record


def _keep_allowed(_logger: object, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in record.items() if name in FIELDS}


def _render(record: Any, **_: Any) -> str:  # noqa: ANN401, structlog's interface
    return orjson.dumps(record, default=str).decode()
