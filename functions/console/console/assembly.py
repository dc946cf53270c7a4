"""The composition root: builds the console from settings."""

from datetime import timedelta

from fastapi import FastAPI

from console.app import create_app
from console.observability import Log, logger
from console.page import load_page
from console.reads import Reads, Store, utc_now
from console.settings import Settings
from switchboard.domain.totals import PeriodTotals, TaskTotals
from switchboard.store.dynamodb import DynamoStore, connect
from switchboard.store.ledger_totals import DynamoTotals
from switchboard.store.ports import TotalsReader


def build(
    settings: Settings, store: Store | None = None, log: Log | None = None, totals: TotalsReader | None = None
) -> FastAPI:
    """The console's ASGI application, by default on DynamoDB with its log on stdout.

    If a store is given without totals, the totals are empty.
    """
    reads = _dynamodb(settings) if store is None else Reads(store, totals or _NoTotals())
    return create_app(reads, load_page(), log or logger())


def _dynamodb(settings: Settings) -> Reads:
    client = connect(endpoint=settings.dynamodb_endpoint or None)
    # The console only writes policies, which do not expire.
    store = DynamoStore(client, settings.table_name, retention=timedelta(0), clock=utc_now)
    return Reads(store, DynamoTotals(client, settings.table_name))


class _NoTotals:
    """Empty totals, for a store whose calls are not settled."""

    def task_totals(self, project: str) -> tuple[TaskTotals, ...]:  # noqa: ARG002
        return ()

    def period_totals(self, project: str, task_id: str, **_range: object) -> PeriodTotals:  # noqa: ARG002
        return PeriodTotals.of(())
