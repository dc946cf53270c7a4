"""The ledger's contract on a real engine: atomic, exactly once, safe with concurrent writers, read without scans."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from switchboard.domain.pricing import settled
from switchboard.domain.totals import ZERO, Span, totals_of
from switchboard.domain.trace import Bodies, SettledTraces, Status, Trace
from switchboard.store.ledger.dimensions import DynamoDimensions
from switchboard.store.ledger.group import MAX_ROWS, MAX_TRACES, Group, pack
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.totals import DynamoTotals
from switchboard.store.ports import StoreBusy, StoreUnavailable, WriteRefused
from testkit.dynamodb import item_bytes, items_of
from testkit.ledger_books import CARD, Books
from testkit.samples import NOON, a_usual_call, an_open_trace, one_price
from testkit.stream_events import connect_once

pytestmark = pytest.mark.thorough


def test_the_row_of_a_usual_call_stays_below_one_kilobyte(books: Books) -> None:
    trace = a_usual_call()
    books.store.open_trace(replace(trace, status=Status.OPEN))
    books.store.complete_trace(trace, Bodies())
    priced = settled(trace, one_price(CARD), NOON + timedelta(seconds=5, microseconds=123_456))
    books.ledger().settle([priced])
    [row] = [item for item in items_of(books.client, books.table) if item["kind"] == {"S": "trace"}]
    assert item_bytes(row) < 1024
    found = books.store.find_trace("acme", trace.trace_id)
    assert found is not None
    assert replace(found, expires_at=None) == priced


def test_a_group_is_settled_once_and_returns_earlier_settlements(books: Books) -> None:
    ledger, other = books.ledger(1), books.ledger(2)
    first, second, third = (books.call(minutes) for minutes in range(3))
    assert ledger.settle([first, second]) == SettledTraces((first, second), ())
    later = [replace(trace, settlement=None) for trace in (second, third)]
    repriced = [settled(trace, one_price(None), NOON + timedelta(hours=1)) for trace in later]
    assert other.settle(repriced) == SettledTraces((repriced[1],), (second,))
    assert books.store.find_trace("acme", second.trace_id) == second
    [task] = books.totals.task_totals("acme")
    assert task.totals == totals_of(first) + totals_of(second) + totals_of(repriced[1])
    assert task.totals.unpriced_calls == 1


def test_deleted_and_changed_traces_are_left_out(books: Books) -> None:
    gone = settled(replace(an_open_trace(), status=Status.OK), one_price(CARD), NOON)
    changed = replace(books.call(), status=Status.TIMEOUT)
    there = books.call()
    assert books.ledger().settle([gone, changed, there]) == SettledTraces((there,), ())
    assert books.store.find_trace("acme", gone.trace_id) is None
    kept = books.store.find_trace("acme", changed.trace_id)
    assert kept
    assert kept.settlement is None
    assert books.ledger().settle([gone]) == SettledTraces((), ())


def test_concurrent_ledgers_count_a_call_once(books: Books) -> None:
    calls = [books.call(number, prompt_version=f"{number % 3:012x}") for number in range(60)]
    random = Random(5)
    fresh: list[Trace] = []

    def settle_all(seed: int) -> None:
        ledger = books.ledger(seed)
        for _ in range(6):
            for group in pack(random.sample(calls, 40)):
                fresh.extend(ledger.settle(group).fresh)
        for group in pack(calls):
            fresh.extend(ledger.settle(group).fresh)

    threads = [threading.Thread(target=settle_all, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(trace.trace_id for trace in fresh) == sorted(trace.trace_id for trace in calls)
    [task] = books.totals.task_totals("acme")
    assert task.totals == sum(map(totals_of, calls), ZERO)
    assert task.seen == Span(calls[0].started_at, calls[-1].started_at)
    dimensions = DynamoDimensions(books.client, books.table)
    assert (
        sum((row.totals for row in dimensions.combination_days("acme", NOON.date(), NOON.date())), ZERO) == task.totals
    )
    assert {
        version.version: (version.totals.calls, version.seen) for version in dimensions.prompt_versions("acme")
    } == {f"{number:012x}": (20, Span(calls[number].started_at, calls[57 + number].started_at)) for number in range(3)}


def test_first_and_last_seen_are_right_in_any_order(books: Books) -> None:
    for seed in range(4):
        books.ledger(seed).settle([books.call(0)])
    ledger = books.ledger(9)
    for minutes in (-10, 50, -90, 20, -91, 51):
        ledger.settle([books.call(minutes)])
        books.ledger(10 + minutes % 4).settle([books.call(minutes / 2)])
    [task] = books.totals.task_totals("acme")
    assert task.seen == Span(NOON - timedelta(minutes=91), NOON + timedelta(minutes=51))
    assert task.totals.calls == 16


def test_groups_fit_a_transaction_and_keep_a_task_together() -> None:
    traces = [
        settled(
            an_open_trace(task_id=f"task-{number % 40}", started_at=NOON + timedelta(hours=number % 3)),
            one_price(CARD),
            NOON,
        )
        for number in range(300)
    ]
    groups = list(pack(traces))
    assert sorted(trace.trace_id for group in groups for trace in group) == sorted(trace.trace_id for trace in traces)
    for group in groups:
        assert len(group) <= MAX_TRACES
        assert len(Group(group, 0).updates({})) <= MAX_ROWS
    assert len(list(pack(traces[0::40]))) == 1
    assert sum(len(Group(group, 0).updates({})) for group in groups) < 300 * 2.5
    assert list(pack([])) == []


def test_calls_that_share_no_row_fit_transactions_too() -> None:
    traces = [
        replace(
            a_usual_call(task_id=f"task-{number}", metadata={"caller-id": str(number), "conversation-id": str(number)}),
            trace_id=an_open_trace().trace_id,
        )
        for number in range(30)
    ]
    groups = list(pack(settled(trace, one_price(CARD), NOON) for trace in traces))
    assert [len(Group(group, 0).updates({})) for group in groups] == [
        99,
        99,
        72,
    ]  # each call has 9 rows, its own one too


def test_a_row_that_would_be_too_large_is_refused(books: Books) -> None:
    def refuse(parsed: dict[str, Any], **_event: object) -> None:
        parsed.clear()
        parsed["Error"] = {"Code": "TransactionCanceledException", "Message": "cancelled"}
        parsed["CancellationReasons"] = [
            {"Code": "ValidationError", "Message": "Item size to update has exceeded the maximum allowed size"},
            {"Code": "ConditionalCheckFailed"},
        ]

    with pytest.raises(WriteRefused, match="maximum allowed size"):
        _answered(books, refuse).settle([books.call()])


def test_a_conflict_moves_the_ledger_to_another_shard(books: Books) -> None:
    shards = []

    def note(params: dict[str, Any], **_event: object) -> None:
        shards.append(params["TransactItems"][1]["Update"]["Key"]["pk"]["S"][-1])

    def conflict(parsed: dict[str, Any], **_event: object) -> None:
        parsed.clear()
        parsed["Error"] = {"Code": "TransactionCanceledException", "Message": "cancelled"}
        parsed["CancellationReasons"] = [{"Code": "None"}, {"Code": "TransactionConflict"}]

    ledger = _answered(books, conflict, note)
    for _ in range(6):
        with pytest.raises(StoreBusy, match="TransactionConflict"):
            ledger.settle([books.call()])
    assert all(one != next_one for one, next_one in pairwise(shards))


def _answered(books: Books, answer: Callable[..., None], asked: Callable[..., None] | None = None) -> DynamoLedger:
    """A ledger whose transactions are applied and then answered with this error."""
    client = connect_once(books.endpoint)

    def status(http_response: Any, parsed: dict[str, Any], **event: object) -> None:
        http_response.status_code = 400
        answer(parsed, **event)

    client.meta.events.register("after-call.dynamodb.TransactWriteItems", status)
    if asked:
        client.meta.events.register("provide-client-params.dynamodb.TransactWriteItems", asked)
    return DynamoLedger(client, books.table, random=Random(1))


def test_an_unreachable_engine_is_busy_and_a_missing_table_is_unavailable(books: Books) -> None:
    with pytest.raises(StoreBusy):
        DynamoLedger(connect_once("http://127.0.0.1:9"), books.table, random=Random(1)).settle([books.call()])
    with pytest.raises(StoreUnavailable) as missing:
        DynamoLedger(connect_once(books.endpoint), "no-such-table", random=Random(1)).settle([books.call()])
    assert not isinstance(missing.value, StoreBusy)
    with pytest.raises(StoreUnavailable):
        DynamoTotals(books.client, "no-such-table").task_totals("acme")
