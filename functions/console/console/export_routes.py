"""The route of exports: lines of JSON, and in headers what a client of lines has to know beside them."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from console.access import QueriesOfApp, Reader, ReadsOfApp
from console.answers import MAX_ANSWER_BYTES, answer_bytes, refusals, text_length
from console.errors import ParameterInvalid
from console.export_lines import Skipped
from console.export_query import ExportQuery
from console.exports import PAGE, Bounds, CursorInvalid, Pages, Part, Source, export
from console.moments import iso_utc
from console.queries import Queries
from console.reads import Reads
from console.searches import Searches
from switchboard.domain.limits import MAX_EXPORT_BYTES
from switchboard.domain.trace_search import FoundTraces

LINES = "application/jsonl"
NEXT_CURSOR = "x-switchboard-next-cursor"
EXPORTED = "x-switchboard-exported"
TOO_LONG = "x-switchboard-too-long"
SEARCHED_SINCE = "x-switchboard-searched-since"

router = APIRouter(prefix="/api/exports", tags=["traces"])


def _header(reason: Skipped) -> str:
    return f"x-switchboard-{reason.value.replace('_', '-')}"


_DESCRIBED = {
    NEXT_CURSOR: "The `cursor` of the next part; absent at the end.",
    EXPORTED: "How many lines this part has.",
    **{_header(reason): "How many calls of this part have no line for this reason." for reason in Skipped},
    TOO_LONG: "The ids of calls whose line is too long for a part; their bodies are at their raw routes.",
    SEARCHED_SINCE: "In the last part: calls that began before may be missing. Absent if none can be.",
}


@router.get(
    "",
    response_class=Response,
    responses={
        200: {
            "content": {LINES: {}},
            "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in _DESCRIBED.items()},
        },
        **refusals(),
    },
)
def export_calls(
    reads: ReadsOfApp, queries: QueriesOfApp, project: Reader, query: Annotated[ExportQuery, Query()]
) -> Response:
    """Requests and responses of the project's calls as lines of JSON, newest first, at most 4 MB in an answer."""
    pages = _found(queries, project, query) if query.are_indexed else _listed(reads, project, query)
    source = Source(pages, partial(reads.store.find_bodies, project))
    try:
        part = export(source, query.format, query.cursor, _bounds(reads.monotonic))
    except CursorInvalid as invalid:
        raise ParameterInvalid(str(invalid), param="cursor") from invalid
    answer = answer_bytes(b"".join(part.lines), LINES)
    answer.headers.update(_headers(part))
    return answer


def _listed(reads: Reads, project: str, query: ExportQuery) -> Pages:
    def page(cursor: str | None) -> FoundTraces:
        listed = reads.store.list_traces(
            project, limit=PAGE, task_id=query.task_id, since=query.since, until=query.until, cursor=cursor
        )
        return FoundTraces(listed.traces, listed.next_cursor)

    return page


def _found(queries: Queries, project: str, query: ExportQuery) -> Pages:
    searches = Searches(queries.finder)
    return lambda cursor: searches.find(project, query, limit=PAGE, cursor=cursor)


def _bounds(monotonic: Callable[[], float]) -> Bounds:
    began = monotonic()
    return Bounds(lambda: (monotonic() - began) * 1000, _size)


def _size(line: bytes) -> int:
    """The size of a line in bytes, or what it takes of Lambda's response, in which it is a JSON string."""
    return max(len(line), text_length(line) * MAX_EXPORT_BYTES // (MAX_ANSWER_BYTES - 100_000) + 1)


def _headers(part: Part) -> dict[str, str]:
    counts = {EXPORTED: len(part.lines)} | {_header(reason): part.skipped.get(reason, 0) for reason in Skipped}
    headers = {name: str(count) for name, count in counts.items()}
    if part.too_long:
        headers[TOO_LONG] = ", ".join(part.too_long)
    if part.searched_since is not None:
        headers[SEARCHED_SINCE] = iso_utc(part.searched_since)
    if part.next_cursor is not None:
        headers[NEXT_CURSOR] = part.next_cursor
    return headers
