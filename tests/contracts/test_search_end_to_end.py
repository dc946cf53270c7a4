"""From the stream or a sweep to a search: what the aggregator writes is what the console's readers find."""

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from console.assembly import dynamodb_queries
from console.settings import Settings
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.domain.trace_search import FacetValue, Order, TraceSearch
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.totals import DynamoTotals
from testkit.dynamodb import items_of
from testkit.misfortune import Killed
from testkit.samples import NOON, a_key, a_usual_usage, an_open_trace
from testkit.stream_events import Seen, an_aggregator, connect_once, stream_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

HALF_AN_HOUR = timedelta(minutes=30)


def calls() -> list[Trace]:
    """Calls that ended half an hour before noon."""
    return [
        replace(
            an_open_trace(task_id=f"task-{number % 2}", started_at=NOON - HALF_AN_HOUR + timedelta(seconds=number)),
            status=Status.TIMEOUT if number == 5 else Status.OK,
            usage=a_usual_usage(),
            ttft_ms=100.0 * number,
            duration_ms=1500.0,
            environment=("production", "staging")[number % 3 == 0],
        )
        for number in range(12)
    ]


@pytest.fixture
def store(dynamodb: "DynamoDBClient", table: str) -> DynamoStore:
    return DynamoStore(dynamodb, table, retention=timedelta(days=30), clock=lambda: NOON)


def stored(store: DynamoStore) -> list[Trace]:
    traces = calls()
    store.put_key(a_key())
    for trace in traces:
        store.complete_trace(trace, Bodies())
    return traces


def test_settled_calls_are_found_and_listed_as_facets(
    dynamodb: "DynamoDBClient", table: str, store: DynamoStore
) -> None:
    traces = stored(store)
    aggregator = an_aggregator(dynamodb, table, Seen())
    aggregator.handle(stream_event(traces), lambda: 60_000)
    aggregator.sweeping.sweep(lambda: 60_000)  # finds the first day that has totals by dimension
    queries = dynamodb_queries(dynamodb, Settings(table), DynamoTotals(dynamodb, table))

    def found(search: TraceSearch) -> list[int]:
        page = queries.finder.find_traces("acme", replace(search, since=NOON - 2 * HALF_AN_HOUR, until=NOON), limit=20)
        ids = [trace.trace_id for trace in traces]
        return [ids.index(trace.trace_id) for trace in page.traces]

    assert found(TraceSearch(provider="anthropic", environment="staging")) == [9, 6, 3, 0]
    assert found(TraceSearch(status=Status.TIMEOUT, task_id="task-1")) == [5]
    assert found(TraceSearch(task_id="task-0", environment="staging")) == [6, 0]
    assert found(TraceSearch(metadata={"caller-id": "+4930123456"}, status=Status.TIMEOUT)) == [5]
    assert found(TraceSearch(order=Order.SLOWEST, environment="staging")) == [9, 6, 3, 0]
    facets = {
        facet.name: facet.values for facet in queries.facets.facets("acme", date(2026, 11, 20), date(2026, 11, 20))
    }
    assert facets["environment"] == (FacetValue("production", 8), FacetValue("staging", 4))
    assert facets["status"] == (FacetValue("ok", 11), FacetValue("timeout", 1))


@pytest.mark.parametrize("dies_before", ["BatchWriteItem", "TransactWriteItems"])
def test_no_row_is_missing_after_a_sweep_that_was_killed(
    dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str, store: DynamoStore, dies_before: str
) -> None:
    traces = stored(store)
    killed = connect_once(dynamodb_endpoint)

    def die(**_event: object) -> None:
        raise Killed

    killed.meta.events.register(f"before-call.dynamodb.{dies_before}", die)
    with pytest.raises(Killed):
        an_aggregator(killed, table, Seen()).sweeping.sweep(lambda: 60_000)
    an_aggregator(dynamodb, table, Seen()).sweeping.sweep(lambda: 60_000)
    assert all((found := store.find_trace("acme", trace.trace_id)) and found.settlement for trace in traces)
    rows = [item["sk"]["S"] for item in items_of(dynamodb, table) if "#SEARCH#" in item["pk"]["S"]]
    assert {rows.count(trace.trace_id) for trace in traces if trace.status is Status.OK} == {6}
    assert [rows.count(trace.trace_id) for trace in traces if trace.status is not Status.OK] == [7]
