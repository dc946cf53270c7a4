"""A table with calls that wait for a price, and sandboxes that settle them anew."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cost_aggregator.assembly import Aggregator
from switchboard.domain.rates import RateCard, Rates
from switchboard.domain.totals import Totals, totals_of
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.unpriced import UnpricedModel
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.totals import DynamoTotals
from switchboard.store.prices.project_prices import DynamoPrices
from switchboard.store.prices.unpriced_calls import DynamoUnpriced
from testkit.samples import NOON, a_key, a_usual_usage, an_open_trace
from testkit.stream_events import Seen, an_aggregator, connect_once, stream_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MINE = UnpricedModel("acme", "azure", "my-deployment")
CARD = RateCard(
    "azure",
    "my-deployment",
    Rates(3, 15, 1, 4, 6),
    NOON - timedelta(days=1),
    "project 2026-11-19",
    entry_id="price_1",
)


class Waiting:
    """A table with one project, and sandboxes whose clocks can be moved."""

    def __init__(self, client: "DynamoDBClient", endpoint: str, table: str) -> None:
        self.client, self.endpoint, self.table = client, endpoint, table
        self.now = NOON
        self.seen = Seen()
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.store.put_key(a_key())
        self.prices = DynamoPrices(client, table)
        self.unpriced = DynamoUnpriced(client, table)

    def sandbox(self, seed: int = 1) -> Aggregator:
        client = connect_once(self.endpoint)
        return an_aggregator(client, self.table, self.seen, seed=seed, now=lambda: self.now)

    def calls(self, number: int, **fields: Any) -> list[Trace]:
        """Finished calls in the table; their model has no price unless the fields say otherwise."""
        traces = []
        for minute in range(number):
            trace = an_open_trace(started_at=NOON - timedelta(minutes=minute))
            ended = {"status": Status.OK, "usage": a_usual_usage(), "provider": "azure", "model": "my-deployment"}
            traces.append(replace(trace, **{**ended, **fields}))
            self.store.complete_trace(traces[-1], Bodies())
        return [self.stored(trace) for trace in traces]

    def stored(self, trace: Trace) -> Trace:
        found = self.store.find_trace(trace.project, trace.trace_id)
        assert found
        return found

    def costs(self, traces: list[Trace]) -> list[int | None]:
        return [found.settlement.cost_pico_usd for trace in traces if (found := self.stored(trace)).settlement]

    def total(self) -> Totals:
        [task] = DynamoTotals(self.client, self.table).task_totals("acme")
        return task.totals

    def waiting(self) -> int:
        return sum(len(part.trace_ids) for part in self.unpriced.calls(MINE, None))


def settle(sandbox: Aggregator, traces: list[Trace]) -> None:
    assert sandbox.handle(stream_event(traces), lambda: 60_000) == {"batchItemFailures": []}


def sum_of(ledger: Waiting, traces: list[Trace]) -> Totals:
    return sum((totals_of(ledger.stored(trace)) for trace in traces), Totals())
