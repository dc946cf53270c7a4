"""What settles calls anew on a target: the aggregator's own use cases, with the prices of this installation."""

import time
from collections.abc import Mapping
from random import SystemRandom

import typer

from cost_aggregator.backoff import Backoff
from cost_aggregator.correcting import Correcting
from cost_aggregator.overrides import shipped_overrides
from cost_aggregator.price_library import PriceLibrary
from cost_aggregator.prices import PriceBook
from cost_aggregator.project_books import ProjectBooks
from cost_aggregator.repricing import Repricing
from cost_aggregator.revising import Revising
from cost_aggregator.telemetry import Telemetry
from switchboard.store.dynamodb_client import connect
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.period_calls import DynamoPeriodCalls
from switchboard.store.ledger.totals import DynamoTotals
from switchboard.store.prices.unpriced_calls import DynamoUnpriced
from switchboard.store.search.top_lists import DynamoTopLists
from switchboard.store.search.top_mending import DynamoTopMending
from switchboard_cli.moments import now
from switchboard_cli.target import Target


class SettlingAnew:
    """All use cases, for one command. `version`: of the prices that all projects share."""

    def __init__(self, where: Target) -> None:
        client, random = connect(endpoint=where.endpoint), SystemRandom()
        book = PriceBook(shipped_overrides(), PriceLibrary())
        books = ProjectBooks(book, where.price_store(), now, time.monotonic)
        unpriced = DynamoUnpriced(client, where.table)
        telemetry, backoff = Telemetry(_Terminal(), _no_metrics), Backoff(time.sleep, random)
        ledger = DynamoLedger(client, where.table, random=random)
        revising = Revising(ledger, unpriced, telemetry, backoff, DynamoTopLists(client, where.table))
        self.version = book.version
        self.repricing = Repricing(books, unpriced, revising, telemetry, backoff, now)
        self.mending = DynamoTopMending(client, where.table, DynamoTotals(client, where.table), now)
        self.correcting = Correcting(DynamoPeriodCalls(client, where.table), books, revising, now)


class _Terminal:
    """The log of a command: errors alone."""

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Nothing: the command's own lines tell it."""

    warning = info

    def error(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """A line on stderr."""
        typer.echo(f"{msg}: {', '.join(f'{name}={value}' for name, value in extra.items())}", err=True)


def _no_metrics(_metrics: object) -> None:
    """Nothing: only the aggregator has metrics."""
