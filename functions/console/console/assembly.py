"""The composition root: builds the console from settings."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fastapi import FastAPI

from console.app import create_app
from console.no_prices import NO_PRICES
from console.observability import Log, logger
from console.page import load_page
from console.prices import Prices
from console.queries import NOTHING, Queries
from console.reads import Reads, Store, utc_now
from console.settings import Settings
from switchboard.domain.totals import PeriodTotals, TaskTotals
from switchboard.store.conversations.conversation_reader import DynamoConversations
from switchboard.store.dynamodb import DynamoStore, connect
from switchboard.store.ledger.dimensions import DynamoDimensions
from switchboard.store.ledger.totals import DynamoTotals
from switchboard.store.ports import TotalsReader
from switchboard.store.prices.price_book import DynamoBook
from switchboard.store.prices.project_prices import DynamoPrices
from switchboard.store.search.facet_reader import TotalsFacets
from switchboard.store.search.trace_finder import DynamoTraceFinder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def build(
    settings: Settings,
    store: Store | None = None,
    log: Log | None = None,
    totals: TotalsReader | None = None,
    prices: Prices = NO_PRICES,
) -> FastAPI:
    """The console's ASGI application, by default on DynamoDB with its log on stdout.

    If a store is given without totals, the totals are empty; `prices` are those beside it.
    """
    if store is None:
        reads, queries, prices = _dynamodb(settings)
    else:
        reads, queries = Reads(store, totals or _NoTotals()), NOTHING
    return create_app(reads, load_page(), log or logger(), queries, prices)


def _dynamodb(settings: Settings) -> tuple[Reads, Queries, Prices]:
    client = connect(endpoint=settings.dynamodb_endpoint or None)
    # The console only writes policies and prices, which do not expire.
    store = DynamoStore(client, settings.table_name, retention=timedelta(0), clock=utc_now)
    totals = DynamoTotals(client, settings.table_name)
    prices = Prices(DynamoPrices(client, settings.table_name), DynamoBook(client, settings.table_name), utc_now)
    return Reads(store, totals), dynamodb_queries(client, settings, totals), prices


def dynamodb_queries(
    client: "DynamoDBClient", settings: Settings, totals: TotalsReader, now: Callable[[], datetime] = utc_now
) -> Queries:
    """The readers of what many calls add up to, on the settings' table."""
    costs = DynamoDimensions(client, settings.table_name)
    return Queries(
        costs=costs,
        conversations=DynamoConversations(client, settings.table_name),
        finder=DynamoTraceFinder(
            client,
            settings.table_name,
            costs=costs,
            totals=totals,
            metadata_names=settings.search_metadata,
            now=now,
        ),
        facets=TotalsFacets(costs),
    )


class _NoTotals:
    """Empty totals, for a store whose calls are not settled."""

    def task_totals(self, project: str) -> tuple[TaskTotals, ...]:  # noqa: ARG002
        return ()

    def period_totals(self, project: str, task_id: str, **_range: object) -> PeriodTotals:  # noqa: ARG002
        return PeriodTotals.of(())
