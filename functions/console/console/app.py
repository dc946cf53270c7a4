"""The routes, and error handlers that answer in OpenAI's shape."""

from collections.abc import Awaitable, Callable
from typing import cast

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from console.answers import KINDS, answer_bytes, answer_error, answer_json
from console.costs_query import read_costs_query
from console.errors import (
    ConsoleFailed,
    MethodRefused,
    ParameterInvalid,
    ReadRefused,
    ReadsUnavailable,
    RouteUnknown,
)
from console.observability import Log
from console.page import Page
from console.parameters import once_each
from console.policies import Policies
from console.policy_routes import add_policies
from console.query import read_query
from console.reads import Raw, Reads
from switchboard.store.ports import StoreUnavailable

LEFT_EARLY = 499
"""The status of a request whose caller left before it was complete."""

LOGGED = frozenset({401, 403, 413})
"""Statuses that are logged, since operators are asked about them."""


def create_app(reads: Reads, page: Page, log: Log) -> FastAPI:
    """The console's ASGI application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    _add_traces(app, reads)
    _add_tasks(app, reads)
    add_policies(app, Policies(reads.store, reads.now))
    for path in ("/console", "/console/"):
        app.add_api_route(path, _shown(page), methods=["GET", "HEAD"])
    _add_refusals(app, log)
    return app


def _add_traces(app: FastAPI, reads: Reads) -> None:
    # Not async: they block on the store, so Starlette runs them in a thread.
    def traces(request: Request) -> Response:
        project = reads.project_of(request.headers.get("authorization"))
        return answer_json(reads.page(project, read_query(request.query_params.multi_items())))

    def trace(request: Request, trace_id: str) -> Response:
        project = reads.project_of(request.headers.get("authorization"))
        return answer_json(reads.trace(project, trace_id))

    def raw(find: Callable[[str, str], Raw]) -> Callable[[Request, str], Response]:
        def answer(request: Request, trace_id: str) -> Response:
            project = reads.project_of(request.headers.get("authorization"))
            found = find(project, trace_id)
            return answer_bytes(found.content, found.content_type)

        return answer

    app.add_api_route("/api/traces", traces, methods=["GET"])
    app.add_api_route("/api/traces/{trace_id}", trace, methods=["GET"])
    app.add_api_route("/api/traces/{trace_id}/request", raw(reads.request), methods=["GET"])
    app.add_api_route("/api/traces/{trace_id}/response", raw(reads.response), methods=["GET"])


def _add_tasks(app: FastAPI, reads: Reads) -> None:
    def tasks(request: Request) -> Response:
        project = reads.project_of(request.headers.get("authorization"))
        once_each(request.query_params.multi_items(), ())
        return answer_json(reads.tasks(project))

    def costs(request: Request, task_id: str) -> Response:
        project = reads.project_of(request.headers.get("authorization"))
        if not task_id:
            raise ParameterInvalid("The path has no task id: use /api/tasks/<task_id>/costs.", param="task_id")
        query = read_costs_query(request.query_params.multi_items(), reads.now())
        return answer_json(reads.costs(project, task_id, query))

    app.add_api_route("/api/tasks", tasks, methods=["GET"])
    # The path is already decoded, so a task id may contain slashes.
    app.add_api_route("/api/tasks/{task_id:path}/costs", costs, methods=["GET"])


def _shown(page: Page) -> Callable[[], Awaitable[Response]]:
    async def show() -> Response:
        return Response(page.content, headers=page.headers())

    return show


def _add_refusals(app: FastAPI, log: Log) -> None:
    async def refused(request: Request, error: Exception) -> Response:
        refusal = cast("ReadRefused", error)  # Starlette's declared type is wider
        if KINDS[type(refusal)].http_status in LOGGED:
            log.info("request.refused", extra=_facts(request, refusal))
        return answer_error(refusal)

    async def unavailable(request: Request, error: Exception) -> Response:
        answer = ReadsUnavailable("The store of traces did not respond. Try again.")
        log.error("request.failed", extra={**_facts(request, answer), "reason": str(error)})
        return answer_error(answer)

    async def failed(request: Request, error: Exception) -> Response:
        answer = ConsoleFailed("The console failed. The reason is in its log.")
        log.error("request.failed", extra=_facts(request, answer), exc_info=error)
        return answer_error(answer)

    async def left(_request: Request, _error: Exception) -> Response:
        return Response(status_code=LEFT_EARLY)  # nobody reads it: it is for the server's own log

    app.add_exception_handler(ClientDisconnect, left)
    app.add_exception_handler(ReadRefused, refused)
    app.add_exception_handler(StoreUnavailable, unavailable)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, failed)


async def _no_route(request: Request, error: Exception) -> Response:
    is_method = isinstance(error, HTTPException) and error.status_code == 405  # noqa: PLR2004
    asked = f"{request.method} {request.url.path}"
    refused = (MethodRefused if is_method else RouteUnknown)(
        f"There is nothing at {asked}. See /api/traces and /api/tasks."
    )
    response = answer_error(refused)
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


def _facts(request: Request, error: ReadRefused) -> dict[str, object]:
    # The route, not the path, which could contain a key that was pasted in the wrong place.
    kind = KINDS[type(error)]
    return {
        "route": getattr(request.scope.get("route"), "path", None),
        "http_status": kind.http_status,
        "code": kind.code,
        "key_id": error.key_id,
    }
