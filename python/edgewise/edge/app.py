"""The application: assembles hot and ordinary routes around one worker. `create_app` is the only way in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException

from edgewise.edge.counted import OTHER, count_answers, count_refusals
from edgewise.edge.front import Front
from edgewise.edge.hot import hot_handlers
from edgewise.edge.log import log
from edgewise.edge.problem import CONTENT_TYPE, ProblemError, problem_body
from edgewise.edge.routes import COUNTED_BY_NAME, ordinary_handlers
from edgewise.edge.settings import Settings
from edgewise.edge.worker import Worker

ORDINARY_BYTES_MAX = 64 * 1024

_Request = Request[Any, Any, Any]


class EdgeApp(Litestar):
    """The framework's application, which also answers HEAD wherever it answers GET."""

    front: Front
    hot: dict[str, Any]

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:  # noqa: ANN401, the framework's interface
        """Serve hot paths past the router, and HEAD as GET: the server leaves the body out of the answer itself."""
        handler = self.hot.get(scope.get("path"))
        if handler is not None:
            return handler(scope, receive, send)
        if scope.get("method") == "HEAD":
            scope = {**scope, "method": "GET"}
        return super().__call__(scope, receive, send)


def create_app(settings: Settings, http: str = "none") -> EdgeApp:
    """Make the application of one worker; `http` names the parser that really serves it, for the status page."""
    worker = Worker(settings, http)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with worker.running():
            yield

    hot = hot_handlers(worker)
    app = EdgeApp(
        route_handlers=[*hot, *ordinary_handlers(worker)],
        lifespan=[lifespan],
        after_request=count_answers(worker.counters, OTHER),
        after_exception=[count_refusals(worker.counters, COUNTED_BY_NAME)],
        exception_handlers={ProblemError: _refused, HTTPException: _refused_by_framework, Exception: _failed},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=ORDINARY_BYTES_MAX,
        debug=False,
    )
    app.front = Front(worker)
    app.hot = {path: handler.fn for handler in hot for path in handler.paths}
    return app


def _refused(_: _Request, error: ProblemError) -> Response[bytes]:
    headers = {name.decode(): value.decode() for name, value in error.headers}
    return _problem(error.status, error.body, headers)


def _refused_by_framework(request: _Request, error: HTTPException) -> Response[bytes]:
    """Give routing errors and the like our shape; what the framework would say of its inside stays inside."""
    if error.status_code >= 500:  # noqa: PLR2004, the server's own fault
        return _failed(request, error)
    detail = {404: "there is no such route", 405: "the route does not take this method"}.get(
        error.status_code, "the request is malformed"
    )
    headers = {name: _and_head(value) for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return _problem(error.status_code, problem_body(error.status_code, detail), headers)


def _and_head(allowed: str) -> str:
    methods = set(allowed.split(", "))
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


def _failed(request: _Request, error: Exception) -> Response[bytes]:
    log.error("failed", route=request.scope.get("path_template"), status=500, exc_info=error)
    return _problem(500, problem_body(500, "this is our mistake and has been logged"), {})


def _problem(status: int, body: bytes, headers: dict[str, str]) -> Response[bytes]:
    headers = {**headers, "cache-control": "private, no-store"}
    return Response(body, status_code=status, media_type=CONTENT_TYPE.decode(), headers=headers)
