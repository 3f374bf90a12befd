"""The description of the API (OpenAPI 3.1), made from the types on the wire. Describes; serves nothing."""

import re
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

from edgewise import __version__
from edgewise.edge import schemas, tokens
from edgewise.edge.allowance import BUDGET, BUDGET_HEADER
from edgewise.edge.health import Readiness, Status
from edgewise.edge.problem import TITLES, Problem

_REF: Final = "#/components/schemas/{name}"
_PROBLEM: Final = "application/problem+json"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One route as the description tells it; without a scope it is open to all."""

    method: str
    path: str
    summary: str
    scope: tokens.Scope | Literal["any"] | None
    answers: dict[int, Any]
    problems: tuple[int, ...] = ()
    body: Any = None
    body_types: tuple[str, ...] = ("application/json",)
    parameters: tuple[dict[str, Any], ...] = ()


class Live(msgspec.Struct):
    """Answer of `GET /livez`."""

    live: bool


def _parameter(name: str, where: str, description: str, **schema: Any) -> dict[str, Any]:  # noqa: ANN401, JSON Schema
    return {
        "name": name,
        "in": where,
        "description": description,
        "required": where == "path",
        "schema": {"type": "string", **schema},
    }


_GPC = _parameter("Sec-GPC", "header", "`1` refuses the purposes that the book marks so", enum=["1"])
_BUDGET = _parameter(
    BUDGET_HEADER,
    "header",
    "milliseconds that are left for the request; models are asked only while some are",
    pattern=f"^{BUDGET}$",
)
_IF_NONE_MATCH = _parameter("If-None-Match", "header", "the ETag of what you have")
_STATE = (
    _parameter("scope", "path", "whose state", enum=["session", "journey"]),
    _parameter("key", "path", "the sessionId or journeyId, percent-encoded", minLength=1),
)
_HOT = (400, 401, 403, 405, 408, 413, 415, 500, 503)

OPERATIONS: Final = (
    Operation(
        method="post", path="/v1/decide", summary="Decide for one visit", scope="decide",
        body=schemas.DecideRequest, answers={200: schemas.DecideAnswer}, problems=_HOT, parameters=(_GPC, _BUDGET),
    ),
    Operation(
        method="post", path="/v1/decide/batch", summary="Decide for many visits", scope="decide",
        body=schemas.BatchRequest, answers={200: schemas.BatchAnswer}, problems=_HOT, parameters=(_GPC, _BUDGET),
    ),
    Operation(
        method="post", path="/v1/events", summary="Take events, as an array or as lines", scope="events",
        body=list[schemas.Event], body_types=("application/json", "application/x-ndjson"),
        answers={202: schemas.EventsAnswer}, problems=_HOT, parameters=(_GPC,),
    ),
    Operation(
        method="get", path="/v1/defaults", summary="Fallbacks and the signals read, for an edge worker's build",
        scope="decide", answers={200: schemas.Defaults, 304: None}, problems=(401, 403, 500, 503),
        parameters=(_IF_NONE_MATCH,),
    ),
    Operation(
        method="delete", path="/v1/state/{scope}/{key}", summary="Erase what is remembered of a key", scope="admin",
        answers={204: None}, problems=(400, 401, 403, 404, 500, 503), parameters=_STATE,
    ),
    Operation(
        method="get", path="/v1/status", summary="The node, its bundle, its workers", scope="any",
        answers={200: Status}, problems=(401, 500),
    ),
    Operation(
        method="get", path="/metrics", summary="Prometheus metrics, summed over the workers", scope="any",
        answers={200: "text/plain"}, problems=(401, 500),
    ),
    Operation(
        method="get", path="/v1/openapi.json", summary="This description", scope=None,
        answers={200: dict[str, Any]}, problems=(500,),
    ),
    Operation(
        method="get", path="/livez", summary="Whether the process answers", scope=None,
        answers={200: Live}, problems=(500,),
    ),
    Operation(
        method="get", path="/readyz", summary="Whether every worker has loaded and tested a bundle", scope=None,
        answers={200: Readiness, 503: Readiness}, problems=(500,),
    ),
)  # fmt: skip


@lru_cache(1)
def document() -> bytes:
    """Render the whole description, once."""
    types = [
        found for operation in OPERATIONS for found in (operation.body, *operation.answers.values()) if _is_type(found)
    ]
    schema_of, components = msgspec.json.schema_components([*types, Problem], ref_template=_REF)
    known = dict(zip(map(repr, [*types, Problem]), schema_of, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, known)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "edgewise", "version": __version__, "summary": "Which experience to serve, and why."},
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _is_type(found: Any) -> bool:  # noqa: ANN401, a type form
    return found is not None and not isinstance(found, str)


def _operation(operation: Operation, known: dict[str, Any]) -> dict[str, Any]:
    answers = {str(status): _answer(status, found, known) for status, found in operation.answers.items()}
    problems = {str(status): _problem(status, known) for status in operation.problems if str(status) not in answers}
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": re.sub(r"\W+", "_", operation.path.strip("/{}")),
        "parameters": list(operation.parameters),
        "responses": answers | problems,
    }
    if operation.scope is not None:
        described["security"] = [{"token": [] if operation.scope == "any" else [operation.scope]}, {}]
    if operation.body is not None:
        content = {kind: {"schema": known[repr(operation.body)]} for kind in operation.body_types}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _answer(status: int, found: Any, known: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401, a type form
    answer: dict[str, Any] = {"description": TITLES.get(status, "done")}
    if isinstance(found, str):
        answer["content"] = {found: {"schema": {"type": "string"}}}
    elif found is not None:
        answer["content"] = {"application/json": {"schema": known[repr(found)]}}
    return answer


def _problem(status: int, known: dict[str, Any]) -> dict[str, Any]:
    return {"description": TITLES[status], "content": {_PROBLEM: {"schema": known[repr(Problem)]}}}
