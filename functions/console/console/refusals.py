"""What is answered when a request is refused or fails: errors in OpenAI's shape, and a line in the log."""

from collections.abc import Sequence
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match, Route

from console.answers import KINDS, answer_error
from console.errors import ConsoleFailed, MethodRefused, ParameterInvalid, ReadRefused, ReadsUnavailable, RouteUnknown
from console.observability import Log
from switchboard.store.ports import StoreUnavailable

DOCUMENT = "/api/openapi.json"
"""Where the API's own document is."""

REFERENCE = "/api/reference"
"""Where it can be read as a page."""

LEFT_EARLY = 499
"""The status of a request whose caller left before it was complete."""

LOGGED = frozenset({401, 403, 413})
"""Statuses that are logged, since operators are asked about them."""


def add_refusals(app: FastAPI, log: Log, routes: Sequence[BaseRoute]) -> None:
    """Answer every error of the application, which has these routes, in the API's shape."""

    async def refused(request: Request, error: Exception) -> Response:
        refusal = cast("ReadRefused", error)  # Starlette's declared type is wider
        if KINDS[type(refusal)].http_status in LOGGED:
            log.info("request.refused", extra=_facts(request, refusal))
        return answer_error(refusal)

    async def invalid(request: Request, error: Exception) -> Response:
        # The models refuse by themselves; this is for what they leave to pydantic.
        [first, *_] = cast("RequestValidationError", error).errors()
        name = str(first["loc"][-1])
        return await refused(request, ParameterInvalid(f"`{name}` is not valid: {first['msg']}.", param=name))

    async def unavailable(request: Request, error: Exception) -> Response:
        answer = ReadsUnavailable("The store of traces did not respond. Try again.")
        log.error("request.failed", extra={**_facts(request, answer), "reason": str(error)})
        return answer_error(answer)

    async def failed(request: Request, error: Exception) -> Response:
        answer = ConsoleFailed("The console failed. The reason is in its log.")
        log.error("request.failed", extra=_facts(request, answer), exc_info=error)
        return answer_error(answer)

    async def no_route(request: Request, error: Exception) -> Response:
        return _no_route(request, error, routes)

    async def left(_request: Request, _error: Exception) -> Response:
        return Response(status_code=LEFT_EARLY)  # nobody reads it: it is for the server's own log

    app.add_exception_handler(ClientDisconnect, left)
    app.add_exception_handler(ReadRefused, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(StoreUnavailable, unavailable)
    app.add_exception_handler(HTTPException, no_route)
    app.add_exception_handler(Exception, failed)


def _no_route(request: Request, error: Exception, routes: Sequence[BaseRoute]) -> Response:
    is_method = isinstance(error, HTTPException) and error.status_code == 405  # noqa: PLR2004
    asked = f"{request.method} {request.url.path}"
    refused = (MethodRefused if is_method else RouteUnknown)(f"There is nothing at {asked}. See {REFERENCE}.")
    response = answer_error(refused)
    if is_method:
        response.headers["allow"] = ", ".join(sorted(_methods_at(request, routes)))
    return response


def _methods_at(request: Request, routes: Sequence[BaseRoute]) -> set[str]:
    """What the path allows: several routes may have it, each with its own methods."""
    found = [
        route for route in routes if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    return {method for route in found for method in route.methods or ()}


def _facts(request: Request, error: ReadRefused) -> dict[str, object]:
    # The route, not the path, which could contain a key that was pasted in the wrong place.
    kind = KINDS[type(error)]
    return {
        "route": getattr(request.scope.get("route"), "path", None),
        "http_status": kind.http_status,
        "code": kind.code,
        "key_id": error.key_id,
    }
