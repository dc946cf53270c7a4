"""What the saved queries of costs answer on lines of a real aggregator, compared with the totals that the API reads."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cost_aggregator.observability import SERVICE, telemetry
from switchboard.domain.trace import Bodies
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.totals import DynamoTotals
from testkit.insights import run
from testkit.samples import NOON
from testkit.scripted_settling import finished
from testkit.stream_events import Seen, an_aggregator, stream_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Template = dict[str, Any]
type Run = Callable[[str], list[dict[str, Any]]]

CALLS = 12
PICO = 1_000_000_000_000
UNPRICED = {4, 9}
"""The calls of a model without a price."""


@pytest.fixture
def query(written: Template, dynamodb: "DynamoDBClient", table: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """The saved queries on the lines of calls that were settled, and delivered again."""
    logging.Logger.manager.loggerDict.pop(SERVICE, None)  # a logger keeps the stream that it was made with
    store = DynamoStore(dynamodb, table, retention=timedelta(days=30), clock=lambda: NOON)
    model = {True: "no-such-model", False: "claude-sonnet-4-5"}
    traces = [
        finished(call * 900, task_id=f"task-{call % 3}", model=model[call in UNPRICED], trace_id=f"trace-{call:02}")
        for call in range(CALLS)
    ]
    for trace in traces:
        store.complete_trace(trace, Bodies())
    aggregator = an_aggregator(dynamodb, table, Seen(), telemetry=telemetry())
    for _ in range(2):
        assert aggregator.handle(stream_event(traces), lambda: 60_000) == {"batchItemFailures": []}
    lines = capsys.readouterr().out.splitlines()
    assert sum("call.settled" in line for line in lines) == 2 * CALLS
    return lambda name: run(written["Resources"][name]["Properties"]["QueryString"], lines)


def test_the_cost_per_task_is_that_of_the_totals(query: Run, dynamodb: "DynamoDBClient", table: str) -> None:
    totals = {each.task_id: each.totals for each in DynamoTotals(dynamodb, table).task_totals("acme")}
    rows = {row["task_id"]: row for row in query("CostPerTask")}
    assert rows.keys() == totals.keys()
    for task, row in rows.items():
        assert row["calls"] == totals[task].calls
        assert row["priced_calls"] == totals[task].calls - totals[task].unpriced_calls
        assert row["cost_usd"] == pytest.approx(totals[task].cost_pico_usd / PICO, rel=1e-9)
    assert sum(row["calls"] for row in rows.values()) == CALLS


def test_the_hours_add_up_to_the_tasks(query: Run) -> None:
    hours, tasks = query("CostPerHour"), query("CostPerTask")
    assert [row["hour"] for row in hours] == ["2026-11-20T12", "2026-11-20T13", "2026-11-20T14"]
    for column in ("calls", "priced_calls", "cost_usd"):
        assert sum(row[column] for row in hours) == pytest.approx(sum(row[column] for row in tasks), rel=1e-9)
    assert sum(row["cost_usd"] for row in hours) > 0


def test_models_without_a_price_are_named_with_their_last_call(query: Run) -> None:
    [row] = query("UnpricedModels")
    assert (row["unpriced_provider"], row["unpriced_model"]) == ("anthropic", "no-such-model")
    assert (row["calls"], row["last_trace"]) == (len(UNPRICED), f"trace-{max(UNPRICED):02}")
