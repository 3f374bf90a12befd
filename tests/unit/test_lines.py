"""Log lines say what was allowed and nothing else, whoever logged."""

import io
import logging

import orjson
import pytest

from edgewise.lines import Log, to_stderr

NAME = "edgewise.test"


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    to_stderr(logging.getLogger(NAME), {"route", "error", "at", "logger"}, logging.INFO)
    return stream


def test_a_line_is_an_event_and_its_allowed_fields(stderr: io.StringIO) -> None:
    Log(NAME).info("failed at 100 %", route="/v1/decide", visitor="u-1")
    line = orjson.loads(stderr.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "failed at 100 %", "level": "info", "route": "/v1/decide"}


def test_an_exception_is_named_by_type_and_place_but_not_quoted(stderr: io.StringIO) -> None:
    try:
        int("u-1 bought a ring")
    except ValueError:
        Log(NAME).error("failed", exc_info=True)
    line = orjson.loads(stderr.getvalue())
    assert line["error"] == "ValueError"
    assert line["at"][0].startswith("unit/test_lines.py:")
    assert "ring" not in stderr.getvalue()


def test_records_of_libraries_have_the_same_form(stderr: io.StringIO) -> None:
    logging.getLogger(f"{NAME}.server").warning("closed %d connections", 3)
    line = orjson.loads(stderr.getvalue())
    assert (line["event"], line["logger"], line["level"]) == ("closed 3 connections", f"{NAME}.server", "warning")
