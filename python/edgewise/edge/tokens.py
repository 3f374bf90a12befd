"""Bearer tokens and what each may do. Keeps hashes only; never logs, returns or compares a token itself.

A tokens file is a JSON list: [{"name": "cdn", "token": "...", "scopes": ["decide", "events"]}]. In place of `token` may
stand `sha256`, the hex digest of the token, so that the file need not be a secret; `name` is for people and optional.
"""

import hashlib
import hmac
import re
from pathlib import Path
from typing import Final, Literal

import msgspec

from edgewise.edge.problem import ProblemError
from edgewise.errors import EdgewiseError

Scope = Literal["decide", "events", "debug", "admin"]

TOKENS_MAX: Final = 64
FILE_BYTES_MAX: Final = 256 * 1024

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,512}")


class TokensError(EdgewiseError):
    """The tokens file cannot be used."""


class Grant(msgspec.Struct, frozen=True):
    """Who holds a token, by its hash, and what that token may do."""

    name: str
    sha256: str
    scopes: frozenset[Scope]


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    scopes: list[Scope]
    name: str = "unnamed"
    token: str | None = None
    sha256: str | None = None


def read_tokens(path: Path) -> tuple[Grant, ...]:
    """Read a tokens file; anything unclear in it is refused with the place."""
    with path.open("rb") as file:
        text = file.read(FILE_BYTES_MAX + 1)
    if len(text) > FILE_BYTES_MAX:
        raise TokensError(f"`{path}` is larger than {FILE_BYTES_MAX} bytes")
    try:
        lines = msgspec.json.decode(text, type=list[_Line])
    except msgspec.DecodeError as error:
        raise TokensError(f"`{path}` is not a list of tokens: {error}") from error
    if not 1 <= len(lines) <= TOKENS_MAX:
        raise TokensError(f"`{path}` holds {len(lines)} tokens; give 1 to {TOKENS_MAX}")
    grants = tuple(_grant(path, index, line) for index, line in enumerate(lines))
    if len({grant.sha256 for grant in grants}) < len(grants):
        raise TokensError(f"`{path}` holds the same token twice; give each its own")
    return grants


def _grant(path: Path, index: int, line: _Line) -> Grant:
    place = f"`{path}`, entry {index} (`{line.name}`)"
    if (line.token is None) == (line.sha256 is None):
        raise TokensError(f"{place} needs either `token` or `sha256`")
    if not line.scopes:
        raise TokensError(f"{place} has no scopes; give some of decide, events, debug, admin")
    if line.sha256 is not None and not _SHA256.fullmatch(line.sha256):
        raise TokensError(f"{place}: `sha256` must be 64 lower-case hex digits")
    if line.token is not None and not _TOKEN.fullmatch(line.token):
        raise TokensError(f"{place}: `token` must be 1 to 512 visible ASCII characters")
    digest = line.sha256 or hashlib.sha256((line.token or "").encode()).hexdigest()
    return Grant(name=line.name, sha256=digest, scopes=frozenset(line.scopes))


class Gate:
    """Lets a request in when its bearer token holds the scope; without grants, everybody may do everything."""

    def __init__(self, grants: tuple[Grant, ...] | None) -> None:
        self._open = grants is None
        self._grants = [(bytes.fromhex(grant.sha256), grant.scopes) for grant in grants or ()]

    def admit(self, authorization: bytes | None, scope: Scope | None) -> bool:
        """Refuse with 401 or 403, or say whether the caller may also debug. No scope: any token will do."""
        if self._open:
            return True
        scopes = self._scopes_of(authorization)
        if scope is not None and scope not in scopes:
            raise ProblemError(
                403,
                f"the token lacks the scope `{scope}`",
                headers=[(b"www-authenticate", b'Bearer error="insufficient_scope", scope="' + scope.encode() + b'"')],
            )
        return "debug" in scopes

    def _scopes_of(self, authorization: bytes | None) -> frozenset[Scope]:
        scheme, _, token = (authorization or b"").partition(b" ")
        if scheme.lower() == b"bearer":
            presented = hashlib.sha256(token.strip()).digest()
            found = [scopes for digest, scopes in self._grants if hmac.compare_digest(digest, presented)]
            if found:
                return found[0]
        raise ProblemError(
            401,
            "send `Authorization: Bearer TOKEN` with a token of this node",
            headers=[(b"www-authenticate", b"Bearer")],
        )
