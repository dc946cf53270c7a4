"""Repricing by several processes, by one that ends anywhere, and what it tells and costs."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cost_aggregator.project_books import FRESH_S
from switchboard.store import keyspace
from switchboard.store.ledger.conditions import LedgerTable
from switchboard.store.search import top_items
from testkit.misfortune import Killed
from testkit.samples import NOON
from testkit.stream_events import an_aggregator, connect_once
from testkit.waiting_calls import CARD, Waiting, settle, sum_of
from testkit.write_units import WriteUnits

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def ledger(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Waiting:
    return Waiting(dynamodb, dynamodb_endpoint, table)


@pytest.mark.parametrize("request_name", ["TransactWriteItems", "DeleteItem", "UpdateItem", "PutItem"])
def test_a_process_that_ends_anywhere_leaves_nothing_undone(ledger: Waiting, request_name: str) -> None:
    traces = ledger.calls(6)
    settle(ledger.sandbox(), traces)
    ledger.prices.add_price("acme", CARD)
    for number in range(12):
        client = connect_once(ledger.endpoint)
        left = [number // 2]

        def end(left: list[int] = left, **_event: object) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        client.meta.events.register(f"{('before-send', 'after-call')[number % 2]}.dynamodb.{request_name}", end)
        with suppress(Killed):
            an_aggregator(client, ledger.table, ledger.seen, seed=number).repricing.reprice(["acme"], lambda: 60_000)
        assert ledger.total() == sum_of(ledger, traces)
    ledger.sandbox(99).repricing.reprice(["acme"], lambda: 60_000)
    assert ledger.total() == sum_of(ledger, traces)
    assert ledger.total().unpriced_calls == ledger.waiting() == 0
    told = {line["trace_id"] for line in ledger.seen.named("call.settled") if line["revision"] == 1}
    assert told == {trace.trace_id for trace in traces}


def test_two_processes_at_the_same_time_count_each_call_once(ledger: Waiting) -> None:
    traces = ledger.calls(40)
    settle(ledger.sandbox(), traces)
    ledger.prices.add_price("acme", CARD)
    sandboxes = [ledger.sandbox(seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(sandbox.repricing.reprice, ["acme"], lambda: 60_000) for sandbox in sandboxes]
    assert sum(run.result().calls for run in runs) == 40
    assert all(run.result().is_complete for run in runs)
    assert ledger.total() == sum_of(ledger, traces)
    assert (ledger.total().unpriced_calls, ledger.waiting()) == (0, 0)
    assert {found.settlement.revision for trace in traces if (found := ledger.stored(trace)).settlement} == {1}


def test_the_list_of_the_dearest_calls_is_told(ledger: Waiting) -> None:
    traces = ledger.calls(3)
    settle(ledger.sandbox(), traces)
    key = keyspace.top_list("acme", "booking", NOON, "dearest")
    table = LedgerTable(ledger.client, ledger.table)
    assert table.get(key) is None
    ledger.prices.add_price("acme", CARD)
    ledger.sandbox().repricing.reprice(["acme"], lambda: 60_000)
    item = table.get(key)
    assert item
    assert len(top_items.from_item(item).entries) == 3


def test_what_waiting_and_repricing_cost_in_write_units(ledger: Waiting) -> None:
    """The figures of docs/ledger.md."""
    client = connect_once(ledger.endpoint)
    units = WriteUnits(client)
    sandbox = an_aggregator(client, ledger.table, ledger.seen, now=lambda: ledger.now)
    settle(sandbox, ledger.calls(50, provider="anthropic", model="claude-sonnet-4-5"))
    priced = units.used["BatchWriteItem"]
    units.used.clear()
    settle(sandbox, ledger.calls(50))
    assert units.used["BatchWriteItem"] - priced == 50
    ledger.prices.add_price("acme", CARD)
    ledger.now += timedelta(seconds=FRESH_S)
    units.used.clear()
    sandbox.repricing.reprice(["acme"], lambda: 60_000)
    assert ledger.waiting() == 0
    assert 0 < units.used["TransactWriteItems"] <= 4 * 50
