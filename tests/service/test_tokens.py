"""Tokens over HTTP: which scope each route asks for, and that a node without tokens stays on loopback."""

import json

import pytest

TOKENS = [
    {"name": "cdn", "token": "t-decide", "scopes": ["decide"]},
    {"name": "collector", "token": "t-events", "scopes": ["events"]},
    {"name": "debugger", "token": "t-debug", "scopes": ["decide", "debug"]},
    {"name": "operator", "token": "t-admin", "scopes": ["admin"]},
]
POINT = {"decisionPoints": ["home.banner"]}


@pytest.fixture(scope="module")
def guarded_node(tmp_path_factory, running_node):
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "tokens.json").write_text(json.dumps(TOKENS))
    node = running_node(folder / "data", "--tokens", folder / "tokens.json", workers=1, token="t-decide")
    yield node
    node.end()


def ask(node, method, path, token, **how):
    headers = {"authorization": f"Bearer {token}" if token else ""}
    return node.client.request(method, path, headers=headers, **how)


@pytest.mark.parametrize(
    ("method", "path", "body", "opened_by"),
    [
        ("POST", "/v1/decide", POINT, {"t-decide", "t-debug"}),
        ("POST", "/v1/decide/batch", {"requests": [POINT]}, {"t-decide", "t-debug"}),
        ("POST", "/v1/events", [], {"t-events"}),
        ("GET", "/v1/defaults", None, {"t-decide", "t-debug"}),
        ("DELETE", "/v1/state/session/s-1", None, {"t-admin"}),
        ("GET", "/v1/status", None, {"t-decide", "t-events", "t-debug", "t-admin"}),
        ("GET", "/metrics", None, {"t-decide", "t-events", "t-debug", "t-admin"}),
    ],
)
def test_each_route_asks_for_its_scope(guarded_node, method, path, body, opened_by):
    for token in ("t-decide", "t-events", "t-debug", "t-admin"):
        answer = ask(guarded_node, method, path, token, json=body)
        if token in opened_by:
            assert answer.is_success, answer.text
        else:
            assert (answer.status_code, answer.json()["title"]) == (403, "Forbidden")
            assert "insufficient_scope" in answer.headers["www-authenticate"]
    for token in (None, "t-unknown"):
        answer = ask(guarded_node, method, path, token, json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/v1/openapi.json"])
def test_health_and_the_description_are_open(guarded_node, path):
    assert ask(guarded_node, "GET", path, None).status_code == 200


@pytest.mark.parametrize(
    "options",
    [{"explain": "full"}, {"at": "2026-01-01T00:00:00Z", "dryRun": True}, {"force": {"arm": "as_is"}}],
)
def test_looking_inside_needs_debug(guarded_node, options):
    body = POINT | {"options": options}
    assert ask(guarded_node, "POST", "/v1/decide", "t-decide", json=body).status_code == 403
    assert ask(guarded_node, "POST", "/v1/decide", "t-debug", json=body).status_code == 200


def test_no_token_is_ever_logged(guarded_node):
    ask(guarded_node, "POST", "/v1/decide", "t-secret-guess", json=POINT)
    assert "t-secret-guess" not in guarded_node.log.read_text()
    assert "t-decide" not in guarded_node.log.read_text()


def test_tokens_are_renewed_without_a_gap(start_node, tmp_path):
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps(TOKENS))
    node = start_node("--tokens", file, token="t-decide")
    file.write_text("nonsense")
    node.hang_up()
    assert node.client.post("/v1/decide", json=POINT).status_code == 200
    file.write_text(json.dumps([TOKENS[0] | {"token": "t-new"}]))
    node.hang_up()
    node.wait_until(lambda node: ask(node, "POST", "/v1/decide", "t-new", json=POINT).status_code == 200)
    node.wait_until(lambda node: ask(node, "POST", "/v1/decide", "t-decide", json=POINT).status_code == 401)
