"""What bad input gets: a problem document naming the field, never a 5xx, nothing of the inside."""

import contextlib
import json
import socket

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

HOT = ("/v1/decide", "/v1/decide/batch", "/v1/events")
LIMITS = {"/v1/decide": 256 * 1024, "/v1/decide/batch": 4 * 1024 * 1024, "/v1/events": 8 * 1024 * 1024}


def problem(answer, status, field=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "private, no-store"
    document = answer.json()
    assert document["status"] == status
    assert document.get("field") == field
    assert set(document) <= {"type", "title", "status", "detail", "field"}
    return document


@pytest.mark.parametrize("route", HOT)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1,2", b"nul", b"\xff\xfe", b'"text"', b"1e999", b'{"decisionPoints":"x"}']
)
def test_a_malformed_body_is_no_fault_of_the_server(shared_node, route, body):
    answer = shared_node.client.post(route, content=body)
    assert answer.status_code in ({400, 202} if route == "/v1/events" else {400})
    if answer.status_code == 400:
        problem(answer, 400, answer.json().get("field"))


@pytest.mark.parametrize(
    ("request_part", "field"),
    [
        ({"decisionPoints": "home.banner"}, "decisionPoints"),
        ({"identity": {"userId": 7}}, "identity.userId"),
        ({"consent": {"purposes": {"personalize_content": "yes"}}}, "consent.purposes.personalize_content"),
        ({"context": {"timezone": 7}}, "context.timezone"),
        ({"options": {"explain": "long"}}, "options.explain"),
        ({"options": {"at": "yesterday"}}, "options.at"),
    ],
)
def test_a_problem_names_the_field(shared_node, request_part, field):
    body = {"decisionPoints": ["home.banner"]} | request_part
    problem(shared_node.client.post("/v1/decide", json=body), 400, field)


@pytest.mark.parametrize("route", HOT)
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"signals":{"a":', b'[{"properties":{"a":'])
def test_deep_json_is_refused_quickly(shared_node, route, opening):
    answer = shared_node.client.post(route, content=opening * 10_000)
    assert answer.status_code in {400, 413, 202}
    assert answer.elapsed.total_seconds() < 2


@pytest.mark.parametrize("route", HOT)
def test_a_body_over_the_bound_is_413_and_the_connection_lives(shared_node, route):
    with shared_node.new_client(connections=1) as client:
        too_large = b"[" + b" " * LIMITS[route]
        document = problem(client.post(route, content=too_large), 413)
        assert str(LIMITS[route]) in document["detail"]
        problem(client.post(route, content=iter([too_large[:1000], too_large])), 413)  # chunked: no length in advance
        assert client.get("/livez").status_code == 200


@pytest.mark.parametrize("route", HOT)
def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(shared_node, route):
    host, port = shared_node.client.base_url.host, shared_node.client.base_url.port
    with socket.create_connection((host, port), timeout=5) as connection:
        head = f"POST {route} HTTP/1.1\r\nhost: x\r\ncontent-length: {LIMITS[route] + 1}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_body_just_under_the_bound_is_read(shared_node):
    body = b'{"decisionPoints":["home.banner"]}'
    answer = shared_node.client.post("/v1/decide", content=body.ljust(LIMITS["/v1/decide"]))
    assert answer.status_code == 200


def test_nobody_can_make_the_node_read_forever(shared_node):
    with shared_node.new_client(connections=1) as client:
        try:
            answer = client.post("/v1/decide", content=(b" " * 65536 for _ in range(2000)))
            assert answer.status_code == 413
        except httpx.TransportError:
            pass  # it hung up on us, which is what it should do
    assert shared_node.client.get("/livez").status_code == 200


@pytest.mark.parametrize("route", HOT)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_hot_routes_take_post_only(shared_node, route, method):
    answer = shared_node.client.request(method, route)
    problem(answer, 405)
    assert answer.headers["allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("route", ["/livez", "/readyz", "/v1/status", "/v1/defaults", "/metrics"])
def test_ordinary_routes_say_what_they_allow(shared_node, route):
    answer = shared_node.client.post(route, content=b"{}")
    problem(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("route", ["/livez", "/readyz", "/v1/status", "/v1/defaults", "/metrics", "/v1/openapi.json"])
def test_head_is_answered_where_get_is(shared_node, route):
    with shared_node.new_client(connections=1) as client:
        answer = client.head(route)
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["content-length"]) > 0
        assert client.get("/livez").json() == {"live": True}


@pytest.mark.parametrize("route", [*HOT, "/livez"])
def test_options_names_the_methods(shared_node, route):
    answer = shared_node.client.options(route)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "OPTIONS" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/decide", "/schema", "/v1/decide/x", "/v1/state/session"])
def test_an_unknown_route_is_404(shared_node, path):
    problem(shared_node.client.get(path), 404)


@pytest.mark.parametrize("headers", [{"content-type": "text/xml"}, {"content-encoding": "gzip"}])
def test_what_is_plainly_no_json_is_415(shared_node, headers):
    answer = shared_node.client.post("/v1/decide", content=b"<a/>", headers=headers)
    problem(answer, 415, next(iter(headers)))


def test_a_caller_that_hangs_up_does_no_harm(shared_node):
    host, port = shared_node.client.base_url.host, shared_node.client.base_url.port
    for _ in range(20):
        with socket.create_connection((host, port)) as connection:
            connection.sendall(b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")
    assert shared_node.client.get("/livez").status_code == 200
    assert "Traceback" not in shared_node.log.read_text()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
KNOWN = st.sampled_from(
    ["requestId", "decisionPoints", "identity", "signals", "events", "consent", "context", "options", "requests"]
)


@given(route=st.sampled_from(HOT), body=st.binary(max_size=300))
def test_any_bytes_as_a_body_are_no_fault_of_the_server(shared_node, route, body):
    assert shared_node.client.post(route, content=body).status_code < 500


@given(route=st.sampled_from(HOT), body=st.dictionaries(KNOWN, JSON) | JSON)
def test_any_json_as_a_body_is_no_fault_of_the_server(shared_node, route, body):
    content = json.dumps(body).encode(errors="surrogatepass")
    assert shared_node.client.post(route, content=content).status_code < 500


@given(values=st.dictionaries(st.sampled_from(["page.kind", "visitor.tier", "session.views", "no.such"]), JSON))
def test_any_value_of_a_signal_leaves_the_decision_standing(shared_node, values):
    body = json.dumps({"decisionPoints": ["home.banner"], "signals": values}).encode()
    assert shared_node.client.post("/v1/decide", content=body).status_code in {200, 400}


@given(key=st.text(min_size=1, max_size=300), scope=st.sampled_from(["session", "journey", "account", "x"]))
def test_any_key_may_be_erased(shared_node, key, scope):
    from urllib.parse import quote

    answer = shared_node.client.delete(f"/v1/state/{scope}/{quote(key, safe='', errors='surrogatepass')}")
    assert answer.status_code in {204, 400, 404}


def raw(node, *parts):
    """Send bytes as they are and return the first answer's head and body."""
    with socket.create_connection((node.client.base_url.host, node.client.base_url.port), timeout=15) as connection:
        with contextlib.suppress(OSError):
            for part in parts:
                connection.sendall(part)
        with contextlib.suppress(ConnectionResetError):
            return connection.recv(4000)
    return b""


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked",
        b"content-length: 5\r\ncontent-length: 6",
        b"content-length: -5",
        b"content-length: 99999999999999999999",
        b"host: \xff",
        b"no colon",
    ],
)
def test_an_ambiguous_head_is_refused(shared_node, head):
    answer = raw(shared_node, b"POST /v1/decide HTTP/1.1\r\nhost: x\r\n" + head + b"\r\n\r\n{}\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_head_over_the_bound_is_431(shared_node):
    head = b"GET /livez HTTP/1.1\r\nhost: x\r\n"
    assert raw(shared_node, head, b"x-a: " + b"v" * 70_000).startswith(b"HTTP/1.1 431 ")
    many = [b"x-%d: v\r\n" % number for number in range(10_000)]
    assert raw(shared_node, head, *many).startswith(b"HTTP/1.1 431 ")
    assert raw(shared_node, head, b"x-a: " + b"v" * 7_000, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


LATE = {
    "a head": [b"GET /livez HT"],
    "a second head": [b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n", b"GET /liv"],
    "a body of which nothing came": [b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n"],
    "a body": [b"POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{"],
}


@pytest.mark.slow
def test_what_does_not_arrive_in_time_is_408_and_hung_up_on(shared_node):
    address = shared_node.client.base_url.host, shared_node.client.base_url.port
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(address, timeout=30)) for _ in LATE]
        for connection, parts in zip(connections, LATE.values(), strict=True):
            for part in parts:
                connection.sendall(part)
        for connection in connections:
            received = b"".join(iter(lambda one=connection: one.recv(4000), b""))
            assert received.count(b"HTTP/1.1 408 ") == 1


@pytest.mark.parametrize("key", [b"%ff%fe", b"a" * 513])
def test_a_key_that_cannot_be_one_is_400(shared_node, key):
    answer = raw(shared_node, b"DELETE /v1/state/session/" + key + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
