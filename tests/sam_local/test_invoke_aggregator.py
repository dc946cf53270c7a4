"""The aggregator's events through the built function in a container: a batch of the stream, and the schedule."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from switchboard.domain.totals import Granularity
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store.attributes import decode_item
from switchboard.store.traces import trace_items
from testkit.containers import Kept
from testkit.sam import EVENTS, BuiltStack, Invocation
from testkit.samples import an_open_trace

pytestmark = pytest.mark.sam_local

AGGREGATOR = "CostAggregatorFunction"
COST_PICO_USD = 8_085_000_000  # 212 fresh at 3 USD a million, 20,480 cached at 0.30, 87 of answer at 15


def told_traces() -> list[Trace]:
    """The calls of the batch: one that was answered, and one that was refused."""
    records = json.loads((EVENTS / "dynamodb-stream.json").read_text())["Records"]
    return [trace_items.from_item(decode_item(record["dynamodb"]["NewImage"])) for record in records]


def lines(done: Invocation, message: str) -> list[dict[str, Any]]:
    return [line for line in done.lines if line.get("message") == message]


def test_a_batch_of_the_stream_is_settled_once_in_two_sandboxes(stack: BuiltStack, kept: Kept) -> None:
    priced, refused = told_traces()
    for trace in (priced, refused):
        kept.store.complete_trace(trace, Bodies())

    first, second = (stack.invoke(AGGREGATOR, "dynamodb-stream") for _ in range(2))

    assert json.loads(first.result) == json.loads(second.result) == {"batchItemFailures": []}
    found = kept.store.find_trace(priced.project, priced.trace_id)
    assert found is not None
    assert found.settlement is not None
    assert found.settlement.cost_pico_usd == COST_PICO_USD
    assert found.settlement.price is not None
    assert found.settlement.price.source.startswith("genai-prices ")
    [task] = kept.totals.task_totals(priced.project)
    assert (task.task_id, task.seen.first, task.seen.last) == (priced.task_id, priced.started_at, refused.started_at)
    assert (task.totals.calls, task.totals.errors, task.totals.cost_pico_usd) == (2, 1, COST_PICO_USD)
    for granularity in Granularity:
        by_period = kept.totals.period_totals(
            priced.project, priced.task_id, since=None, until=None, granularity=granularity
        )
        assert [period.totals for period in by_period.periods] == [task.totals]
    told = [(line["trace_id"], line["cost_usd"]) for line in lines(first, "call.settled")]
    assert told == [(priced.trace_id, "0.008085"), (refused.trace_id, "0")]
    assert [(line["trace_id"], line["cost_usd"]) for line in lines(second, "call.settled")] == told


def test_the_schedule_ends_a_call_that_was_left_open(stack: BuiltStack, kept: Kept) -> None:
    begun = an_open_trace(kept.project, "lost", datetime.now(UTC) - timedelta(minutes=20))
    recent = an_open_trace(kept.project, "lost", datetime.now(UTC))
    for trace in (begun, recent):
        kept.store.open_trace(trace)

    done = stack.invoke(AGGREGATOR, "scheduled")

    assert json.loads(done.result) == {}
    assert [line["trace_id"] for line in lines(done, "call.lost")] == [begun.trace_id]
    lost, under_way = (kept.store.find_trace(kept.project, trace.trace_id) for trace in (begun, recent))
    assert lost is not None
    assert under_way is not None
    assert (lost.status, under_way.status) == (Status.LOST, Status.OPEN)
    assert lost.failure is not None
    assert lost.failure.code == "lost"
