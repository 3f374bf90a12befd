"""Tokens files and what a bearer token may do."""

import hashlib
import json

import pytest

from edgewise.edge.problem import ProblemError
from edgewise.edge.tokens import TOKENS_MAX, Gate, TokensError, read_tokens

CDN = {"name": "cdn", "token": "cdn-token", "scopes": ["decide", "events"]}
OPS = {"name": "ops", "sha256": hashlib.sha256(b"ops-token").hexdigest(), "scopes": ["decide", "debug", "admin"]}


def write(tmp_path, content):
    path = tmp_path / "tokens.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def gate(tmp_path, *lines):
    return Gate(read_tokens(write(tmp_path, list(lines))))


def status_of(gate, authorization, scope):
    with pytest.raises(ProblemError) as refused:
        gate.admit(authorization, scope)
    return refused.value.status


def test_a_token_opens_what_its_scopes_name(tmp_path):
    assert gate(tmp_path, CDN).admit(b"Bearer cdn-token", "decide") is False
    assert status_of(gate(tmp_path, CDN), b"Bearer cdn-token", "admin") == 403


def test_a_token_may_be_given_by_its_hash(tmp_path):
    assert gate(tmp_path, OPS).admit(b"Bearer ops-token", "admin") is True


@pytest.mark.parametrize(
    "authorization", [None, b"", b"Bearer", b"Bearer ", b"Bearer no", b"Basic cdn-token", b"cdn-token"]
)
def test_no_known_token_is_401(tmp_path, authorization):
    assert status_of(gate(tmp_path, CDN), authorization, "decide") == 401


def test_any_token_will_do_where_no_scope_is_asked(tmp_path):
    assert gate(tmp_path, CDN, OPS).admit(b"bearer cdn-token", None) is False
    assert status_of(gate(tmp_path, CDN), None, None) == 401


def test_without_grants_everybody_may_do_everything():
    assert Gate(None).admit(None, "admin") is True


def test_only_hashes_are_kept(tmp_path):
    assert "cdn-token" not in repr(read_tokens(write(tmp_path, [CDN])))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "is not a list of tokens"),
        ([], "holds 0 tokens"),
        ([{**CDN, "name": str(i), "token": str(i)} for i in range(TOKENS_MAX + 1)], f"holds {TOKENS_MAX + 1} tokens"),
        ([{**CDN, "scopes": ["write"]}], r"\$\[0\].scopes"),
        ([{**CDN, "scopes": []}], "has no scopes"),
        ([{**CDN, "scope": "decide"}], "unknown field `scope`"),
        ([{"name": "cdn", "scopes": ["decide"]}], "either `token` or `sha256`"),
        ([{**OPS, "token": "x"}], "either `token` or `sha256`"),
        ([{**OPS, "sha256": "abc"}], "64 lower-case hex digits"),
        ([{**CDN, "token": "two words"}], "visible ASCII"),
        ([CDN, {**CDN, "name": "other"}], "the same token twice"),
    ],
)
def test_an_unclear_file_is_refused_with_the_place(tmp_path, content, message):
    with pytest.raises(TokensError, match=message):
        read_tokens(write(tmp_path, content))
