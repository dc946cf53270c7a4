"""`switchboard audit`: whether the totals are the sums over the calls, and the repair of those that are not."""

import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated

import typer

from switchboard.domain.audit import DayAudit, Difference, Outcome, is_closed, is_kept, last_closed_day
from switchboard.domain.rates import usd
from switchboard.store.audit.audit_store import DynamoAudit
from switchboard.store.audit.auditor import Auditor
from switchboard.store.ledger.total_items import whole_name
from switchboard_cli.failure import CommandFailed, errors_reported
from switchboard_cli.moments import now
from switchboard_cli.projects import check_project
from switchboard_cli.table_text import table_text
from switchboard_cli.target import DataDirOption, EndpointOption, StackOption, TableOption, target

_MONEY = "_pico_usd"
_SAID = {
    Outcome.CLEAN: "right",
    Outcome.DIFFERS: "wrong",
    Outcome.UNSETTLED: "not compared: a call is not settled yet",
    Outcome.EXPIRED: "not compared: its calls have expired, or may have",
    Outcome.TOO_LARGE: "not compared: it has too many rows",
    Outcome.MOVING: "not compared: its totals are changing just now",
}


def audit(
    day: Annotated[str | None, typer.Argument(help="The UTC day; the last closed one if left out.")] = None,
    *,
    days: Annotated[int, typer.Option(min=1, max=400, help="How many days, the last of which is that day.")] = 1,
    project: Annotated[str, typer.Option("--project", help="The project whose totals are compared.")] = "default",
    repair: Annotated[bool, typer.Option("--repair", help="Correct the totals that are wrong.")] = False,
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Sum the calls of closed days anew, and compare the sums with the totals, to the pico-dollar."""
    with errors_reported():
        where = target(stack, data_dir, table, endpoint_url)
        check_project(where, project)
        wanted = _days(project, where.dimensions_since(project), _day(day), days)
        audited = list(_audits(where.audits(), project, wanted, repair=repair))
    for found in audited:
        typer.echo(f"{found.day}  {_SAID[found.outcome]}  ({found.calls} calls, {found.rows} totals)")
        if found.differences:
            typer.echo(table_text(("partition", "row", "counter", "stored", "right", ""), _rows(found.differences)))
    if any(not each.is_repaired for found in audited for each in found.differences):
        raise typer.Exit(1)


def _day(text: str | None) -> date:
    at = now()
    try:
        day = last_closed_day(at) if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise CommandFailed(f"{text!r} is not a day: write it like 2027-01-31.") from error
    if not is_closed(day, at):
        raise CommandFailed(f"{day} is not closed yet. The last closed day is {last_closed_day(at)}.")
    return day


def _days(project: str, since: date | None, last: date, count: int) -> list[date]:
    """The days, without those before the first whose totals are complete. Raises CommandFailed if none is left."""
    wanted = [last - timedelta(days=back) for back in reversed(range(count))]
    if since is None or last < since:
        begin = "the first UTC day that begins after the aggregator's first sweep" if since is None else str(since)
        raise CommandFailed(f"Complete totals of {project} begin with {begin}: there is no earlier day to audit.")
    return [day for day in wanted if day >= since]


def _audits(store: DynamoAudit, project: str, days: Sequence[date], *, repair: bool) -> Iterator[DayAudit]:
    history, auditor = store.retention_history(), Auditor(store)
    with typer.progressbar(days, label="Auditing", file=sys.stderr) as progress:
        for day in progress:
            if not is_kept(day, history, now()):
                yield DayAudit(project, day, Outcome.EXPIRED)
            elif found := auditor.audit(project, day, lambda: True, repair=repair):
                yield found


def _rows(differences: Sequence[Difference]) -> list[tuple[str, ...]]:
    return [
        (
            each.pk.rpartition("#")[0],
            each.sk,
            whole_name(each.counter),
            _amount(each.counter, each.stored),
            _amount(each.counter, each.counted),
            "repaired" if each.is_repaired else "",
        )
        for each in differences
    ]


def _amount(counter: str, count: int) -> str:
    return f"{usd(count)} USD" if whole_name(counter).endswith(_MONEY) else str(count)
