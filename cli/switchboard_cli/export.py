"""`switchboard export`: a project's calls as lines of JSON, in a file or on stdout."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Annotated, BinaryIO

import typer

from console.export_lines import Format, Skipped
from console.exports import PAGE, Bounds, CursorInvalid, Part, Source, export
from switchboard.domain.trace import Status
from switchboard.domain.trace_search import FoundTraces, TraceSearch
from switchboard.store.query_ports import SearchRefused
from switchboard_cli.failure import CommandFailed, errors_reported
from switchboard_cli.moments import moment, written
from switchboard_cli.projects import check_project
from switchboard_cli.target import DataDirOption, EndpointOption, StackOption, TableOption, Target, target

MAX_PART_BYTES = 64 * 1024 * 1024
"""Held in memory at once. Every line fits: a request has 6 MB at most, and 8 MB of its response are kept."""
PROGRESS_MS = 2_000
"""How often the progress is written."""
_SAID = {
    Skipped.WITHOUT_BODIES: "without stored bodies",
    Skipped.ZERO_RETENTION: "under zero retention",
    Skipped.WITHOUT_ANSWER: "without an answer",
}


def export_calls(
    file: Annotated[Path | None, typer.Argument(help="The file to write; stdout if left out.")] = None,
    *,
    line_format: Annotated[
        Format, typer.Option("--format", help="catalyst: {request, response}; messages: {messages, id, tools}.")
    ] = Format.CATALYST,
    project: Annotated[str, typer.Option("--project", help="The project whose calls are exported.")] = "default",
    task_id: Annotated[str | None, typer.Option("--task", help="Only this task's calls.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Calls that began at this time or later.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Calls that began before this time.")] = None,
    environment: Annotated[str | None, typer.Option("--environment", help="Only this environment's calls.")] = None,
    key_id: Annotated[str | None, typer.Option("--key-id", help="Only this key's calls.")] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Only this provider's calls.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Only this model's calls.")] = None,
    status: Annotated[Status | None, typer.Option("--status", help="Only calls that ended so.")] = None,
    metadata: Annotated[list[str] | None, typer.Option("--metadata", help="Only calls with this NAME:VALUE.")] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Goes on after an export that ended early.")] = None,
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Write requests and responses as lines of JSON, newest first."""
    with errors_reported():
        where = target(stack, data_dir, table, endpoint_url)
        check_project(where, project)
        search = TraceSearch(
            task_id=task_id,
            environment=environment,
            key_id=key_id,
            provider=provider,
            model=model,
            status=status,
            metadata=_entries(metadata or ()),
            since=_moment(since),
            until=_moment(until),
        )
        with _opened(file, is_continued=cursor is not None) as out:
            _export(_source(where, project, search), line_format, cursor, out)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)


def _entries(texts: Iterable[str]) -> dict[str, str]:
    entries = dict[str, str]()
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon or not value or name in entries:
            raise CommandFailed(f"{text!r} is no metadata: write NAME:VALUE, such as conversation-id:17, a name once.")
        entries[name] = value
    return entries


def _source(where: Target, project: str, search: TraceSearch) -> Source:
    """Where the calls come from: from the index, if they are chosen by more than task and time."""
    store = where.trace_store(timedelta(0))
    plain = TraceSearch(task_id=search.task_id, since=search.since, until=search.until)

    def listed(cursor: str | None) -> FoundTraces:
        times = {"since": search.since, "until": search.until}
        page = store.list_traces(project, limit=PAGE, task_id=search.task_id, cursor=cursor, **times)
        return FoundTraces(page.traces, page.next_cursor)

    finder = where.trace_finder()

    def found(cursor: str | None) -> FoundTraces:
        try:
            return finder.find_traces(project, search, limit=PAGE, cursor=cursor)
        except SearchRefused as refused:
            raise CommandFailed(str(refused)) from refused

    return Source(listed if search == plain else found, partial(store.find_bodies, project))


@contextmanager
def _opened(file: Path | None, *, is_continued: bool) -> Iterator[BinaryIO]:
    """The file, which must not exist yet unless an export goes on in it."""
    if file is None:
        yield sys.stdout.buffer
        return
    try:
        out = file.open("ab" if is_continued else "xb")
    except FileExistsError as error:
        raise CommandFailed(f"{file} exists. Choose another name, or go on with --cursor.") from error
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror}.") from error
    with out:
        yield out


def _export(source: Source, line_format: Format, cursor: str | None, out: BinaryIO) -> None:
    lines, skipped = 0, Counter[str]()
    try:
        for part in _parts(source, line_format, cursor):
            out.writelines(part.lines)
            out.flush()
            cursor = part.next_cursor
            lines += len(part.lines)
            skipped.update({_SAID[reason]: count for reason, count in part.skipped.items()})
            skipped.update({"too long": len(part.too_long)} if part.too_long else {})
            _say(f"exported: {lines:,}", *(f"{reason}: {count:,}" for reason, count in sorted(skipped.items())))
            if part.searched_since is not None:
                _say(f"Calls before {written(part.searched_since)} may be missing: not all of them are indexed.")
    except BaseException:  # Ctrl-C too
        if cursor is not None:
            _say(f"Ended early. It goes on with --cursor {cursor}")
        raise


def _parts(source: Source, line_format: Format, cursor: str | None) -> Iterator[Part]:
    while True:
        began = monotonic()
        bounds = Bounds(lambda began=began: (monotonic() - began) * 1000, len, MAX_PART_BYTES, PROGRESS_MS)  # type: ignore[misc]
        try:
            part = export(source, line_format, cursor, bounds)
        except CursorInvalid as invalid:
            raise CommandFailed(str(invalid)) from invalid
        yield part
        if part.next_cursor is None:
            return
        cursor = part.next_cursor


def _say(*words: str) -> None:
    typer.echo("; ".join(words), err=True)
