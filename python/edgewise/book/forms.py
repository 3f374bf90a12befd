"""The written form of ids, durations, dates and quoted texts. Owns one check per role; knows no fields."""

import re
from datetime import date, datetime

from edgewise._core import parse_duration_ms
from edgewise.book.fields import ID_PATTERN, PLACEHOLDER
from edgewise.errors import EdgewiseError

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")
_STAND_INS = {
    "duration": "1d",
    "date": "2026-01-01",
    "period": "2026-01-01",
    "instant": "2026-01-01T12:00:00Z",
}
Problem = tuple[str, str | None]


def problem_of(role: str, text: str) -> Problem | None:
    """What is wrong with a text in a role, with a hint; None when nothing is."""
    match role:
        case "id":
            return _id_problem(text)
        case "duration":
            return _duration_problem(text)
        case "date":
            return None if _is_date(text) else (f"`{text}` is not a day", "write it as 2026-11-21")
        case "period":
            return _period_problem(text)
        case "instant":
            return None if is_instant(text) else (f"`{text}` is not an instant", "write it as 2026-11-21T10:00:00Z")
    return None


def stand_in(role: str) -> str:
    """A text that goes on in place of one that is missing or wrong, so that what is around it is still checked."""
    return _STAND_INS.get(role, PLACEHOLDER)


def instant(text: str) -> datetime:
    """The instant of a text that has the form of one."""
    return datetime.fromisoformat(text.upper())


def _id_problem(text: str) -> Problem | None:
    if ID_PATTERN.fullmatch(text):
        return None
    return f"`{text}` cannot be a name", "use letters, digits, `_`, `-` and `.`"


def _duration_problem(text: str) -> Problem | None:
    try:
        duration_ms = parse_duration_ms(text)
    except (EdgewiseError, ValueError, OverflowError):
        return f"`{text}` is not a length of time", "write it as 30s, 10m, 14h, 1d or 2w"
    return None if duration_ms > 0 else (f"`{text}` is not longer than nothing", "write it as 30s, 10m, 14h, 1d or 2w")


def _period_problem(text: str) -> Problem | None:
    first, _, last = text.partition("/")
    if not _is_date(first) or not _is_date(last or first):
        return f"`{text}` is neither a day nor two", "write it as 2026-09-01/2026-09-30"
    return (f"`{text}` ends before it begins", None) if last and last < first else None


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_instant(text: str) -> bool:
    """Whether a text is an instant as RFC 3339 writes it."""
    if not _INSTANT.fullmatch(text):
        return False
    try:
        instant(text)
    except ValueError:
        return False
    return True
