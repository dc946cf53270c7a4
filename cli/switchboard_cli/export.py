"""`switchboard export`: a project's calls as lines of JSON, in a file or on stdout."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Annotated, BinaryIO

import typer

from console.export_lines import Format, Skipped
from console.exports import PAGE, Bounds, CursorInvalid, Part, Source, export
from switchboard.domain.trace import TracePage
from switchboard.store.ports import TraceStore
from switchboard_cli.failure import CommandFailed, errors_reported
from switchboard_cli.moments import moment
from switchboard_cli.projects import check_project
from switchboard_cli.target import DataDirOption, EndpointOption, StackOption, TableOption, target

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
        span = _moment(since), _moment(until)
        source = _source(where.trace_store(timedelta(0)), project, task_id, span)
        with _opened(file, is_continued=cursor is not None) as out:
            _export(source, line_format, cursor, out)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)


def _source(
    store: TraceStore, project: str, task_id: str | None, span: tuple[datetime | None, datetime | None]
) -> Source:
    def page(cursor: str | None) -> TracePage:
        return store.list_traces(project, limit=PAGE, task_id=task_id, since=span[0], until=span[1], cursor=cursor)

    return Source(page, partial(store.find_bodies, project))


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
            _say(f"{lines:,} calls", *(f"{count:,} left out, {reason}" for reason, count in sorted(skipped.items())))
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
