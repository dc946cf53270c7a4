"""`switchboard prices reprice` and `correct`: settle calls anew at today's prices."""

import math
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cost_aggregator.correcting import Order, Sums
from switchboard.domain.limits import MAX_CORRECTION_CHARACTERS
from switchboard.domain.rates import usd
from switchboard_cli.failure import CommandFailed, errors_reported
from switchboard_cli.moments import moment, written
from switchboard_cli.projects import check_project
from switchboard_cli.target import DataDirOption, EndpointOption, StackOption, TableOption, Target, target

if TYPE_CHECKING:
    from switchboard_cli.settling_anew import SettlingAnew

ProjectOption = Annotated[str, typer.Option("--project", help="The project whose calls they are.")]

_PROGRESS_CALLS = 5000


def reprice(
    *,
    project: ProjectOption = "default",
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Settle the calls without a price that have one by now, as the next sweep would."""
    with errors_reported():
        where = target(stack, data_dir, table, endpoint_url)
        check_project(where, project)
        done = _parts(where).repricing.reprice([project], _no_end)
        typer.echo(f"Calls that got a price: {done.calls:,}, {usd(done.pico_usd)} USD in all.")
        if not done.is_complete:
            raise CommandFailed("The table was busy: run the same command again for the rest.")


def correct(
    *,
    provider: Annotated[str, typer.Option(help="The provider of the calls.")],
    model: Annotated[str, typer.Option(help="The model of the calls, by the name that they used.")],
    since: Annotated[str, typer.Option("--from", help="Calls that began at this time or later.")],
    until: Annotated[str, typer.Option("--to", help="Calls that began before this time.")],
    reason: Annotated[str, typer.Option(help="Why; it stays on every corrected call, with its old cost.")],
    project: ProjectOption = "default",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Settle the priced calls of a model anew, at today's prices. It shows what would change, and asks first."""
    with errors_reported():
        order = _order(project, provider, model, moment(since), moment(until), reason)
        where = target(stack, data_dir, table, endpoint_url)
        check_project(where, project)
        parts = _parts(where)
        correcting = parts.correcting
        found = _followed(correcting.preview(order), "read")
        typer.echo(_told(order, found))
        if not found.changed:
            parts.mending.mend(project, order.since, order.until)  # an earlier command may have ended before this
            return
        if not yes:
            typer.confirm("Correct them?", abort=True)
        done = _followed(correcting.correct(order, _no_end), "corrected")
        parts.mending.mend(project, order.since, order.until)
        typer.echo(f"Corrected calls: {done.changed:,}, {usd(done.before_pico_usd)} → {usd(done.after_pico_usd)} USD.")
        if not done.is_complete:
            raise CommandFailed("The table was busy: run the same command again for the rest.")


def _order(project: str, provider: str, model: str, since: datetime, until: datetime, reason: str) -> Order:
    if since >= until:
        raise CommandFailed("--from must be earlier than --to, which is exclusive.")
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_CORRECTION_CHARACTERS:
        raise CommandFailed(f"--reason must have 1 to {MAX_CORRECTION_CHARACTERS} characters.")
    return Order(project, provider, model, since, until, reason)


def _parts(where: Target) -> "SettlingAnew":
    """What settles calls anew. Raises CommandFailed unless its prices are those of the table's system."""
    from switchboard_cli.settling_anew import SettlingAnew  # noqa: PLC0415 - the price library takes a third of a second

    parts = SettlingAnew(where)
    mark = where.price_book().book_mark()
    if mark is None:
        raise CommandFailed("No price book is published yet: the system does it within minutes after its start.")
    if mark.version != parts.version:
        raise CommandFailed(
            f"The system has the prices of {mark.version}; this installation has {parts.version}. "
            "Deploy this one, or use the one that is deployed."
        )
    return parts


def _followed(parts: Iterator[Sums], what: str) -> Sums:
    """The last sums, with a line of progress on stderr now and then."""
    sums, told = Sums(), 0
    for sums in parts:
        if sums.read >= told + _PROGRESS_CALLS:
            told = sums.read
            typer.echo(f"Calls {what}: {sums.changed if what == 'corrected' else sums.read:,} …", err=True)
    return sums


def _told(order: Order, found: Sums) -> str:
    named = f"{order.provider} {order.model} from {written(order.since)} to {written(order.until)}"
    if not found.changed:
        return f"Calls of {named}: {found.calls:,}. Nothing changes: they cost what today's prices say, or have none."
    before, after = usd(found.before_pico_usd), usd(found.after_pico_usd)
    return f"Calls of {named}: {found.calls:,}. {found.changed:,} of them change, from {before} to {after} USD in all."


def _no_end() -> float:
    return math.inf
