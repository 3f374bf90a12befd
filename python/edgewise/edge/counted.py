"""Counting the answers of ordinary routes, by hooks of the framework; hot routes count for themselves."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import AfterRequestHookHandler, Scope

from edgewise._core import Counters
from edgewise.edge.problem import ProblemError

OTHER: Final = "other"


def count_answers(counters: Counters, route: str) -> AfterRequestHookHandler:
    """Count what a route answered; an answer that names no status is a success."""

    async def hook(response: Response[Any]) -> Response[Any]:
        counters.add_request(route, response.status_code or 200)
        return response

    return hook


def count_refusals(counters: Counters, names: frozenset[str]) -> Callable[[Exception, Scope], Awaitable[None]]:
    """Count what became a problem instead, under the handler's name if it is one of `names`."""

    async def hook(error: Exception, scope: Scope) -> None:
        name = getattr(scope.get("route_handler"), "name", None)
        counters.add_request(name if name in names else OTHER, _status(error))

    return hook


def _status(error: Exception) -> int:
    if isinstance(error, ProblemError):
        return error.status
    return error.status_code if isinstance(error, HTTPException) else 500
