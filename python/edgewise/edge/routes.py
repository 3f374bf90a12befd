"""The ordinary routes: defaults, erasure, health, status, metrics, the API's description. None of them is hot."""

import hashlib
import time
from typing import Any
from urllib.parse import unquote_to_bytes

from litestar import Request, Response, delete, get
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.types import Guard

from edgewise._core import StateError
from edgewise.edge import tokens
from edgewise.edge.counted import count_answers
from edgewise.edge.health import Readiness, Status, readiness, status
from edgewise.edge.problem import ProblemError
from edgewise.edge.worker import Worker

KEY_BYTES_MAX = 512  # the core's TEXT_BYTES_MAX: every id that a request may store can be erased
DEFAULTS, STATE = "defaults", "state"
COUNTED_BY_NAME = frozenset({DEFAULTS, STATE})
STATE_SCOPES = ("session", "journey")
NOT_ERASED = "the session state is not available; nothing was erased"
_JSON = "application/json"
_NO_STORE = {"cache-control": "private, no-store"}

_Request = Request[Any, Any, Any]


def ordinary_handlers(worker: Worker) -> list[HTTPRouteHandler]:
    """Make the handlers of all ordinary routes for a worker."""
    return [*_health_handlers(worker), *_watch_handlers(worker), _defaults_handler(worker), _erase_handler(worker)]


def needs(worker: Worker, scope: tokens.Scope | None) -> list[Guard]:
    """Guard a route by a scope, or by any token at all."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        worker.gate.admit(_authorization(connection), scope)

    return [guard]


def _authorization(connection: ASGIConnection[Any, Any, Any, Any]) -> bytes | None:
    return next((value for name, value in connection.scope["headers"] if name == b"authorization"), None)


def _health_handlers(worker: Worker) -> list[HTTPRouteHandler]:
    @get("/livez", sync_to_thread=False)
    def livez() -> Response[dict[str, bool]]:
        return Response({"live": True}, headers=_NO_STORE)

    @get("/readyz", sync_to_thread=False)
    def readyz() -> Response[Readiness]:
        answer = readiness(worker)
        return Response(answer, status_code=200 if answer.ready else 503, headers=_NO_STORE)

    return [livez, readyz]


def _watch_handlers(worker: Worker) -> list[HTTPRouteHandler]:
    @get("/v1/status", guards=needs(worker, None), sync_to_thread=False)
    def get_status() -> Response[Status]:
        return Response(status(worker), headers=_NO_STORE)

    @get("/metrics", guards=needs(worker, None), sync_to_thread=False)
    def get_metrics() -> Response[bytes]:
        from edgewise.edge.metrics import exposition  # noqa: PLC0415, a node should be ready before it can be scraped

        body, content_type = exposition(worker)
        return Response(body, headers={**_NO_STORE, "content-type": content_type})

    @get("/v1/openapi.json", sync_to_thread=False)
    def get_openapi() -> Response[bytes]:
        from edgewise.edge.openapi import document  # noqa: PLC0415, few ask for it

        return Response(document(), media_type=_JSON)

    return [get_status, get_metrics, get_openapi]


def _defaults_handler(worker: Worker) -> HTTPRouteHandler:
    counted = count_answers(worker.counters, DEFAULTS)

    @get("/v1/defaults", name=DEFAULTS, guards=needs(worker, "decide"), after_request=counted, sync_to_thread=False)
    def get_defaults(request: _Request) -> Response[bytes]:
        active = worker.decider.active
        if active is None:
            raise ProblemError(503, "this node has no bundle yet")
        body = active.defaults
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"etag": etag, "cache-control": "no-cache"}
        if _matches(request.headers.get("if-none-match", ""), etag):
            return Response(b"", status_code=304, headers=headers)
        return Response(body, media_type=_JSON, headers=headers)

    return get_defaults


def _matches(if_none_match: str, etag: str) -> bool:
    """Compare weakly, as a cache may: any of the tags listed, or `*`."""
    listed = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in listed or listed == ["*"]


def _erase_handler(worker: Worker) -> HTTPRouteHandler:
    path = "/v1/state/{state_scope:str}/{key:path}"
    counted = count_answers(worker.counters, STATE)

    @delete(
        path, name=STATE, guards=needs(worker, "admin"), after_request=counted, status_code=204, sync_to_thread=True
    )
    def erase(request: _Request, state_scope: str) -> None:
        if state_scope not in STATE_SCOPES:
            scopes = ", ".join(STATE_SCOPES)
            raise ProblemError(404, f"there is no scope `{state_scope}`; scopes are {scopes}", field="scope")
        key = raw_key(request.scope["raw_path"], state_scope)
        active = worker.decider.active
        if active is None or worker.memory.sessions is None:
            raise ProblemError(503, NOT_ERASED)
        try:
            active.node.erase(state_scope, key, now_ns=time.time_ns())
        except StateError as error:
            raise ProblemError(503, NOT_ERASED) from error

    return erase


def raw_key(raw_path: bytes, scope: str) -> str:
    """Take the key as it was sent: the router would fold its slashes."""
    path, prefix = raw_path.partition(b"?")[0], b"/v1/state/" + scope.encode() + b"/"
    if not path.startswith(
        prefix
    ):  # the router decodes before it compares: what it took for the prefix is spelled otherwise
        raise ProblemError(404, "spell the path before the key without escapes and with single slashes")
    try:
        key = unquote_to_bytes(path.removeprefix(prefix)).decode()
    except UnicodeDecodeError:
        raise ProblemError(400, "the key is not UTF-8", field="key") from None
    if not 1 <= len(key.encode()) <= KEY_BYTES_MAX:
        raise ProblemError(400, f"the key must be 1 to {KEY_BYTES_MAX} bytes long", field="key")
    return key
