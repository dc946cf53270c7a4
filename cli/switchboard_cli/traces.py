"""`switchboard traces`: restore the traces that the table did not take, from the gateway's log."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from switchboard.domain.trace import Bodies, Trace
from switchboard.store.ports import FoundLost, TraceStore
from switchboard.store.traces.trace_lines import from_line
from switchboard_cli.failure import CommandFailed, errors_reported
from switchboard_cli.target import DataDirOption, EndpointOption, StackOption, TableOption, target

app = typer.Typer(help="Traces: restore those that the table did not take.", no_args_is_help=True)

_STDIN = "-"
_EVENT = "trace.unwritten"


@app.callback()
def _group() -> None:
    """Keeps `restore` a command of its own, although it is the only one."""


@app.command()
def restore(
    file: Annotated[str, typer.Argument(help="A file with lines of the gateway's log; - reads them from stdin.")],
    *,
    retention_days: Annotated[int, typer.Option(min=1, help="How long the traces are kept from now on.")] = 30,
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Write the traces of the log's `trace.unwritten` lines to the table. It may be repeated: nothing counts twice."""
    with errors_reported():
        store = target(stack, data_dir, table, endpoint_url).trace_store(timedelta(days=retention_days))
        ends = Counter(_restore(store, trace) for trace in _traces(file))
    typer.echo(f"Traces in the table: {ends['there']}. Their costs follow within seconds.")
    if ends["lost"]:
        typer.echo(f"Found lost before, and counted by an estimate: {ends['lost']}.", err=True)
    if ends["unreadable"]:
        typer.echo(f"Lines without a trace that can be read: {ends['unreadable']}.", err=True)
        raise typer.Exit(1)


def _restore(store: TraceStore, trace: Trace | None) -> str:
    if trace is None:
        return "unreadable"
    try:
        store.complete_trace(trace, Bodies())
    except FoundLost:
        return "lost"
    return "there"


def _traces(file: str) -> Iterator[Trace | None]:
    """The trace of each line that has one; None for one that cannot be read. Lines of other events are passed over."""
    try:
        with nullcontext(sys.stdin) if file == _STDIN else Path(file).open(errors="replace") as lines:
            for line in lines:
                if _EVENT in line:
                    yield from _trace(line)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.") from error


def _trace(line: str) -> Iterator[Trace | None]:
    try:
        fields = json.loads(line)
        if fields["message"] == _EVENT and fields["what"] == "completed":
            yield from_line(fields["row"])
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        yield None
