"""Problem documents (RFC 9457): the one shape of every refusal. Says what the caller can do, nothing of the inside."""

from collections.abc import Sequence
from typing import Final

import msgspec

Header = tuple[bytes, bytes]

CONTENT_TYPE: Final = b"application/problem+json"

TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document; `field` names the part of the request that is at fault."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None


class ProblemError(Exception):
    """A refusal on its way to the caller."""

    def __init__(self, status: int, detail: str, *, field: str | None = None, headers: Sequence[Header] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = list(headers)
        self.body = problem_body(status, detail, field)


def problem_body(status: int, detail: str, field: str | None = None) -> bytes:
    """Render a problem document."""
    title = TITLES.get(status, "Error")
    return msgspec.json.encode(Problem(type="about:blank", title=title, status=status, detail=detail, field=field))
