"""Settling anew on a real engine: the difference once, whatever is repeated, lost or done at the same time."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.repricing import Revision, corrected, repriced
from switchboard.domain.totals import ZERO, Granularity, Totals, totals_of
from switchboard.domain.trace import Bodies, SettledTraces, Status, Trace
from switchboard.store import keyspace
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.addition import OUTLIVES_BY_S
from switchboard.store.ledger.group import pack
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.totals import DynamoTotals
from switchboard.store.ports import StoreBusy
from testkit.dynamodb import items_of
from testkit.samples import NOON, a_lost_hedge, a_usual_usage, an_open_trace, one_price
from testkit.stream_events import connect_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

CARD = RateCard("anthropic", "claude-sonnet-4-5", Rates(3, 15, 1, 4, 6), ALWAYS, "a test")
DEARER = replace(CARD, rates=Rates(30, 150, 10, 40, 60), source="a later test")


class Books:
    """A table with its store, its totals, and any number of ledgers."""

    def __init__(self, client: "DynamoDBClient", endpoint: str, table: str) -> None:
        self.endpoint = endpoint
        self.table = table
        self.store = DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)
        self.totals = DynamoTotals(client, table)

    def ledger(self, seed: int = 1) -> DynamoLedger:
        return DynamoLedger(connect_once(self.endpoint), self.table, random=Random(seed))

    def settled_call(self, card: RateCard | None, minutes: float = 0, **fields: Any) -> Trace:
        """A call in the table, settled with this card."""
        trace = replace(
            an_open_trace(started_at=NOON + timedelta(minutes=minutes)),
            **{"status": Status.OK, "usage": a_usual_usage(), "attempts": (a_lost_hedge(),), **fields},
        )
        self.store.complete_trace(trace, Bodies())
        trace = settled(trace, one_price(card), NOON)
        assert self.ledger().settle([trace]).fresh == (trace,)
        return trace

    def stored(self, trace: Trace) -> Trace:
        found = self.store.find_trace(trace.project, trace.trace_id)
        assert found
        return found

    def task(self) -> Totals:
        [task] = self.totals.task_totals("acme")
        by_day = self.totals.period_totals("acme", "booking", since=None, until=None, granularity=Granularity.DAY)
        by_hour = self.totals.period_totals("acme", "booking", since=None, until=None, granularity=Granularity.HOUR)
        assert by_day.total == by_hour.total == task.totals
        return task.totals


@pytest.fixture
def books(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Books:
    return Books(dynamodb, dynamodb_endpoint, table)


def priced(trace: Trace, card: RateCard = CARD) -> Revision:
    revision = repriced(trace, one_price(card), NOON + timedelta(hours=1))
    assert revision
    return revision


def correction(trace: Trace, card: RateCard = DEARER) -> Revision:
    revision = corrected(
        trace, one_price(card), "anthropic", "claude-sonnet-4-5", reason="a typo", at=NOON + timedelta(hours=2)
    )
    assert revision
    return revision


def test_an_unpriced_call_gets_its_cost_once(books: Books) -> None:
    unpriced, other = books.settled_call(None), books.settled_call(CARD, 1)
    assert books.task().unpriced_calls == 1
    revision = priced(unpriced)
    assert books.ledger(2).revise([revision]) == SettledTraces((revision.after,), ())
    assert books.ledger(3).revise([revision]) == SettledTraces((), (revision.after,))
    assert books.stored(unpriced) == revision.after
    assert revision.after.settlement
    assert revision.after.settlement.revision == 1
    assert books.task() == totals_of(revision.after) + totals_of(other)
    assert books.task().unpriced_calls == 0


def test_a_correction_keeps_the_earlier_cost_and_its_reason(books: Books) -> None:
    first = books.settled_call(CARD)
    once = correction(first)
    twice = correction(once.after, replace(DEARER, rates=Rates(0, 0, 0, 0, 0)))
    for revision in (once, twice):
        assert books.ledger().revise([revision]).fresh == (revision.after,)
    stored = books.stored(first)
    assert stored == twice.after
    assert stored.settlement
    assert [each.cost_pico_usd for each in stored.settlement.corrections] == [
        trace.settlement.cost_pico_usd for trace in (first, once.after) if trace.settlement
    ]
    assert {each.reason for each in stored.settlement.corrections} == {"a typo"}
    assert stored.settlement.revision == 2
    assert books.task() == totals_of(twice.after)


def test_a_conversation_expires_with_its_last_call_whichever_is_settled_anew(
    books: Books, dynamodb: "DynamoDBClient"
) -> None:
    first = books.settled_call(None, expires_at=2_000_000_000)
    books.settled_call(None, 60, expires_at=2_000_003_600)
    books.ledger().revise([priced(first)])
    books.ledger(2).revise([correction(priced(first).after)])
    sums = [item for item in items_of(dynamodb, books.table) if item["sk"] == {"S": keyspace.CONVERSATION_SUMS}]
    ends = {int(item["expires_at"]["N"]) - OUTLIVES_BY_S for item in sums}
    assert ends == {2_000_003_600, 2_000_000_000}
    [first_shard] = [item for item in sums if item.get("calls") == {"N": "2"}]
    assert first_shard["expires_at"] == {"N": str(2_000_003_600 + OUTLIVES_BY_S)}


def test_a_row_of_the_version_before_is_revised(books: Books, dynamodb: "DynamoDBClient") -> None:
    trace = books.settled_call(None)
    revision = priced(trace)
    place = keyspace.trace("acme", trace.trace_id)
    key: Any = {"pk": {"S": place.pk}, "sk": {"S": place.sk}}
    dynamodb.update_item(
        TableName=books.table,
        Key=key,
        UpdateExpression="SET attempt_costs = :costs REMOVE costs",
        ExpressionAttributeValues={":costs": {"L": [{"M": {"attempt": {"N": "0"}}}]}},
    )
    assert books.stored(trace) == trace
    assert books.ledger().revise([revision]).fresh == (revision.after,)
    assert "attempt_costs" not in dynamodb.get_item(TableName=books.table, Key=key)["Item"]
    assert books.stored(trace) == revision.after


def test_deleted_calls_are_left_out(books: Books) -> None:
    there = books.settled_call(None)
    gone = settled(replace(an_open_trace(), status=Status.OK, usage=a_usual_usage()), one_price(None), NOON)
    revision = priced(there)
    assert books.ledger().revise([priced(gone), revision]) == SettledTraces((revision.after,), ())
    assert books.store.find_trace("acme", gone.trace_id) is None
    assert books.task() == totals_of(revision.after)


def test_a_lost_answer_does_not_count_twice(books: Books) -> None:
    trace = books.settled_call(None)
    client = connect_once(books.endpoint)

    def lose(**_event: object) -> None:
        raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    client.meta.events.register("after-call.dynamodb.TransactWriteItems", lose)
    revision = priced(trace)
    with pytest.raises(StoreBusy):
        DynamoLedger(client, books.table, random=Random(1)).revise([revision])
    assert books.ledger().revise([revision]) == SettledTraces((), (revision.after,))
    assert books.task() == totals_of(revision.after)


@pytest.mark.parametrize("revise", [priced, correction])
def test_concurrent_revisions_count_the_difference_once(books: Books, revise: Callable[[Trace], Revision]) -> None:
    card = None if revise is priced else CARD
    revisions = [revise(books.settled_call(card, minutes)) for minutes in range(12)]
    by_id = {revision.after.trace_id: revision for revision in revisions}
    fresh: list[Trace] = []

    def revise_all(seed: int) -> None:
        ledger = books.ledger(seed)
        for _ in range(3):
            sample = Random(seed).sample(revisions, 8)
            for group in pack(revision.after for revision in sample):
                fresh.extend(_patiently(ledger, [by_id[trace.trace_id] for trace in group]).fresh)
        for group in pack(revision.after for revision in revisions):
            fresh.extend(_patiently(ledger, [by_id[trace.trace_id] for trace in group]).fresh)

    threads = [threading.Thread(target=revise_all, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(trace.trace_id for trace in fresh) == sorted(by_id)
    assert books.task() == sum((totals_of(revision.after) for revision in revisions), ZERO)


def _patiently(ledger: DynamoLedger, revisions: list[Revision]) -> SettledTraces:
    while True:
        try:
            return ledger.revise(revisions)
        except StoreBusy:
            continue
