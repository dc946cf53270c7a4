"""`switchboard prices`: a project's own prices, and settling calls anew."""

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from switchboard.domain.limits import MAX_PRICE_BYTES
from switchboard.domain.price_json import PriceInvalid, parse_price, price_json
from switchboard.domain.rates import RateCard
from switchboard.store.prices.price_ports import PriceExists, PricesFull
from switchboard_cli import price_corrections
from switchboard_cli.failure import CommandFailed, errors_reported
from switchboard_cli.moments import written
from switchboard_cli.projects import check_project
from switchboard_cli.table_text import table_text
from switchboard_cli.target import DataDirOption, EndpointOption, StackOption, TableOption, target

app = typer.Typer(
    help="Prices: a project's own, which outrank the price book; and calls with a wrong one.", no_args_is_help=True
)
app.command()(price_corrections.reprice)
app.command()(price_corrections.correct)

ProjectOption = Annotated[str, typer.Option("--project", help="The project whose prices they are.")]

_STDIN = "-"
_HEAD = ("ID", "PROVIDER", "MODEL", "FROM", "UNTIL", "INPUT", "OUTPUT")
_EFFECTIVE = "Calls that are settled from now on have it within a minute; calls without a price with the next sweep."


@app.command("list")
def list_prices(
    *,
    project: ProjectOption = "default",
    as_json: Annotated[bool, typer.Option("--json", help="The prices as JSON, a line each.")] = False,
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """List the project's own prices, in USD per million tokens."""
    with errors_reported():
        where = target(stack, data_dir, table, endpoint_url)
        check_project(where, project)
        cards = where.price_store().project_prices(project)
        if as_json:
            for card in cards:
                typer.echo(json.dumps(price_json(card), ensure_ascii=False))
            return
        typer.echo(table_text(_HEAD, [_row(card) for card in cards]))


@app.command()
def add(
    file: Annotated[str, typer.Argument(help="A file with the price as JSON; - reads it from stdin.")],
    *,
    project: ProjectOption = "default",
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Add a price with the fields of an overrides entry: provider, model, from, input, output, and optional ones."""
    with errors_reported():
        where = target(stack, data_dir, table, endpoint_url)
        check_project(where, project)
        try:
            card = parse_price(_content(file))
            where.price_store().add_price(project, card)
        except PriceInvalid as invalid:
            raise CommandFailed("\n".join(invalid.problems)) from invalid
        except (PriceExists, PricesFull) as refused:
            raise CommandFailed(str(refused)) from refused
        typer.echo(f"Added {card.entry_id}: {card.provider} {card.model} from {written(card.valid_from)}. {_EFFECTIVE}")


@app.command()
def remove(
    price_id: Annotated[str, typer.Argument(help="The price's id, as `list` shows it.")],
    *,
    project: ProjectOption = "default",
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Remove a price. Calls that it was applied to keep their cost."""
    with errors_reported():
        where = target(stack, data_dir, table, endpoint_url)
        check_project(where, project)
        if not where.price_store().remove_price(project, price_id):
            raise CommandFailed(f"Project {project} has no price {price_id}: `switchboard prices list` shows them.")
        typer.echo(f"Removed {price_id}. Calls that are settled from now on are without it within a minute.")


def _content(file: str) -> bytes:
    try:
        with nullcontext(sys.stdin.buffer) if file == _STDIN else Path(file).open("rb") as source:
            return source.read(MAX_PRICE_BYTES + 1)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.") from error


def _row(card: RateCard) -> tuple[str, ...]:
    shown = price_json(card)
    amounts = str(shown["input"]), str(shown["output"])
    return (card.entry_id, card.provider, card.model, written(card.valid_from), written(card.valid_until), *amounts)
