"""The routes of traces."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from console.access import QueriesOfApp, Reader, ReadsOfApp
from console.answers import answer_bytes, answering, refusals
from console.errors import BodyNotKept, TraceUnknown
from console.query import ListQuery
from console.reads import Raw
from console.searches import Searches
from console.trace_shapes import TraceJson, TracePageJson

REDACTED = "x-switchboard-redacted"
"""What was redacted in the call's content: `card=1, key=2`. Only where something was."""

router = APIRouter(prefix="/api/traces", tags=["traces"])


@router.get("", responses=refusals())
@answering
def list_traces(
    reads: ReadsOfApp, queries: QueriesOfApp, project: Reader, query: Annotated[ListQuery, Query()]
) -> TracePageJson:
    """The calls of the project, the newest first, or the slowest or dearest."""
    return Searches(queries.finder).page(project, query) if query.is_indexed else reads.page(project, query)


@router.get("/{trace_id}", responses=refusals(TraceUnknown))
@answering
def show_trace(reads: ReadsOfApp, project: Reader, trace_id: str) -> TraceJson:
    """One call, with its bodies."""
    return reads.trace(project, trace_id)


@router.get(
    "/{trace_id}/request",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}, **refusals(TraceUnknown, BodyNotKept)},
)
def show_request(reads: ReadsOfApp, project: Reader, trace_id: str) -> Response:
    """A call's request, byte for byte as it was received, but for what was redacted."""
    return _answer(reads.request(project, trace_id))


@router.get(
    "/{trace_id}/response",
    response_class=Response,
    responses={
        200: {"content": {"application/json": {}, "text/event-stream": {}}},
        **refusals(TraceUnknown, BodyNotKept),
    },
)
def show_response(reads: ReadsOfApp, project: Reader, trace_id: str) -> Response:
    """A call's response, byte for byte as it was sent, but for what was redacted."""
    return _answer(reads.response(project, trace_id))


def _answer(found: Raw) -> Response:
    answer = answer_bytes(found.content, found.content_type)
    if found.redacted:
        answer.headers[REDACTED] = ", ".join(f"{name}={count}" for name, count in sorted(found.redacted.items()))
    return answer
