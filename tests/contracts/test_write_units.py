"""What settled calls cost in write units, as the engine reports them, and how large the rows become."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from switchboard.domain.trace import Bodies, Trace
from switchboard.store.dynamodb import DynamoStore
from testkit.dynamodb import item_bytes, items_of
from testkit.samples import NOON, a_usual_call, an_open_trace
from testkit.stream_events import Seen, an_aggregator, connect_once, stream_event
from testkit.write_units import WriteUnits

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

KB = 1024


def _usual(number: int, tasks: int, conversations: int) -> Trace:
    """A turn of one of these phone calls, for one of these tasks."""
    usual, started_at, random = a_usual_call(), NOON + timedelta(seconds=number), Random(number)
    phone_call = number % conversations
    return replace(
        usual,
        trace_id=an_open_trace(started_at=started_at).trace_id,
        task_id=f"task-{number % tasks}",
        started_at=started_at,
        metadata={
            **usual.metadata,
            "conversation-id": f"conv_01jzq8w6v3kf{phone_call:04d}",
            "caller-id": f"+4930123{phone_call:04d}",
            "call-sid": f"CA{phone_call:032x}",
        },
        ttft_ms=random.uniform(250, 1500),
        first_sentence_ms=random.uniform(500, 2500),
        duration_ms=random.uniform(900, 6000),
        prompt_version=f"{number % tasks:012x}",
    )


class Costs:
    """Usual calls, settled by an aggregator whose writes are counted."""

    def __init__(self, client: "DynamoDBClient", endpoint: str, table: str) -> None:
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        writer = connect_once(endpoint)
        self.units = WriteUnits(writer)
        self.settling = an_aggregator(writer, table, Seen()).settling

    def settle(self, traces: list[Trace]) -> dict[str, float]:
        """The units of settling these calls, by what was written."""
        for trace in traces:
            self.store.complete_trace(trace, Bodies())
        self.units.used.clear()
        assert self.settling.settle(stream_event(traces)["Records"], lambda: 60_000) == ()
        return dict(self.units.used)


@pytest.fixture
def costs(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Costs:
    return Costs(dynamodb, dynamodb_endpoint, table)


def _of_the_ledger(used: dict[str, float]) -> tuple[float, float]:
    """The units of the transactions, and of the facts of conversations. Search rows are counted apart."""
    return used["TransactWriteItems"], used["conversation"]


def test_a_lone_call_costs_20_units_at_most(costs: Costs) -> None:
    assert _of_the_ledger(costs.settle([_usual(1, 1, 1)])) == (18, 2)
    assert _of_the_ledger(costs.settle([_usual(2, 1, 1)])) == (18, 1)  # its conversation is listed already


def test_a_batch_of_5_tasks_and_10_conversations_costs_8_units_a_call_at_most(costs: Costs) -> None:
    assert _of_the_ledger(costs.settle([_usual(number, 5, 10) for number in range(50)])) == (200, 20)
    assert _of_the_ledger(costs.settle([_usual(number, 5, 10) for number in range(50, 100)])) == (200, 10)
    assert len(costs.units.transactions) == 2


def test_a_batch_of_one_conversation(costs: Costs) -> None:
    assert _of_the_ledger(costs.settle([_usual(number, 1, 1) for number in range(50)])) == (116, 2)


def test_a_batch_of_9_calls_of_3_tasks_and_9_conversations(costs: Costs) -> None:
    """What docs/scale.md takes for a usual batch of a million calls a day."""
    costs.settle([_usual(number, 3, 9) for number in range(9)])
    assert _of_the_ledger(costs.settle([_usual(number, 3, 9) for number in range(9, 18)])) == (90, 9)


def test_rows_stay_below_a_kilobyte(costs: Costs, dynamodb: "DynamoDBClient", table: str) -> None:
    for start in range(0, 500, 50):
        costs.settle([_usual(number, 1, 10) for number in range(start, start + 50)])
    sizes: dict[str, int] = {}
    for item in items_of(dynamodb, table):
        kind = item["pk"]["S"].split("#")[2]
        sizes[kind] = max(sizes.get(kind, 0), item_bytes(item))
    totals = {"TASKS", "TOTALS", "DAYS", "LATENCY", "CALLERS", "PROMPTS", "CONVERSATION"}
    assert totals <= sizes.keys()
    assert all(sizes[kind] < KB for kind in totals | {"TRACES"}), sizes
