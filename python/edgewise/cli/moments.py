"""Moments as options give them: a date, an RFC 3339 time, or a span from now. Owns how they are read."""

from datetime import UTC, datetime, timedelta

import rich_click as click

from edgewise._core import parse_duration_ms


class End(click.ParamType[datetime]):
    """A moment to come."""

    name = "TIME|SPAN"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read `2026-11-21`, `2026-11-21T10:00Z` or `2h`."""
        now = datetime.now(UTC)
        moment = _moment(value, now)
        if moment is None:
            self.fail(f"`{value}` is no time; write it as `2026-11-21T10:00:00Z`, `2026-11-21` or `2h`", param, ctx)
        if moment <= now:
            self.fail(f"`{value}` is over already; name a time to come", param, ctx)
        return moment


def _moment(text: str, now: datetime) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _later(text, now)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _later(text: str, now: datetime) -> datetime | None:
    try:
        return (now + timedelta(milliseconds=parse_duration_ms(text))).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None
