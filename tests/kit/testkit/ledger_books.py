"""A table with finished calls, the ledgers that settle them, and their totals."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.totals import Granularity, PeriodTotals
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.totals import DynamoTotals
from testkit.samples import NOON, a_usual_attempt, a_usual_usage, an_open_trace, one_price
from testkit.stream_events import connect_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CARD = RateCard(
    "anthropic",
    "claude-sonnet-4-5",
    Rates(
        fresh_input=3_000_000, output=15_000_000, cache_read=300_000, cache_write_5m=3_750_000, cache_write_1h=6_000_000
    ),
    ALWAYS,
    "genai-prices 0.2.3",
)


class Books:
    """A table with its store, its totals, and any number of ledgers."""

    def __init__(self, client: "DynamoDBClient", endpoint: str, table: str) -> None:
        self.client = client
        self.endpoint = endpoint
        self.table = table
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.totals = DynamoTotals(client, table)

    def ledger(self, seed: int = 1) -> DynamoLedger:
        return DynamoLedger(connect_once(self.endpoint), self.table, random=Random(seed))

    def call(self, minutes: float = 0, **fields: Any) -> Trace:
        """A finished call in the table, with a settlement that is not yet stored."""
        trace = an_open_trace(started_at=NOON + timedelta(minutes=minutes))
        ended = {
            "status": Status.OK,
            "usage": a_usual_usage(),
            "attempts": (a_usual_attempt(),),
            "finish_reason": "stop",
        }
        times = {"ttft_ms": 412.25, "duration_ms": 1843.617, "gateway_ms": 3.117, "queue_ms": 12.0}
        trace = replace(trace, **{**ended, **times, **fields})
        self.store.open_trace(replace(trace, status=Status.OPEN))
        self.store.complete_trace(trace, Bodies())
        return settled(trace, one_price(CARD), NOON)

    def periods(
        self, granularity: Granularity, since: datetime | None = None, until: datetime | None = None
    ) -> PeriodTotals:
        return self.totals.period_totals("acme", "booking", since=since, until=until, granularity=granularity)
