"""The ledger's contract on a real engine: atomic, exactly once, safe with concurrent writers, read without scans."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.totals import ZERO, Granularity, PeriodTotals, Span, totals_of
from switchboard.domain.trace import Bodies, SettledTraces, Status, Trace
from switchboard.store import keyspace
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger import DynamoLedger
from switchboard.store.ledger_dimensions import DynamoDimensions
from switchboard.store.ledger_group import MAX_ROWS, MAX_TRACES, Group, pack
from switchboard.store.ledger_totals import DynamoTotals
from switchboard.store.ports import StoreBusy, StoreUnavailable, WriteRefused
from testkit.dynamodb import item_bytes, items_of
from testkit.samples import NOON, a_usual_attempt, a_usual_call, a_usual_usage, an_open_trace, one_price
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


@pytest.fixture
def books(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Books:
    return Books(dynamodb, dynamodb_endpoint, table)


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


def test_ranges_are_whole_hours_or_whole_days_of_utc(books: Books) -> None:
    midnight = NOON + timedelta(hours=12)
    for minutes in (0, 59, 60, 12 * 60 - 1, 12 * 60, 11 * 24 * 60):
        books.ledger().settle([books.call(minutes)])
    hours = books.periods(Granularity.HOUR)
    assert [(period.start, period.totals.calls) for period in hours.periods] == [
        (NOON, 2),
        (NOON + timedelta(hours=1), 1),
        (midnight - timedelta(hours=1), 1),
        (midnight, 1),
        (NOON + timedelta(days=11), 1),
    ]
    days = books.periods(Granularity.DAY)
    assert [period.totals.calls for period in days.periods] == [4, 1, 1]
    months = books.periods(Granularity.MONTH)
    assert [(period.start, period.totals.calls) for period in months.periods] == [
        (datetime(2026, 11, 1, tzinfo=UTC), 5),
        (datetime(2026, 12, 1, tzinfo=UTC), 1),
    ]
    assert hours.total == days.total == months.total
    half_past = NOON + timedelta(minutes=30)
    assert books.periods(Granularity.HOUR, half_past, half_past).total == ZERO
    assert books.periods(Granularity.HOUR, half_past, half_past + timedelta(minutes=1)).total.calls == 2
    assert books.periods(Granularity.HOUR, NOON, NOON + timedelta(hours=1)).total.calls == 2
    assert books.periods(Granularity.DAY, NOON, midnight).total.calls == 4
    assert books.periods(Granularity.DAY, NOON, midnight + timedelta(seconds=1)).total.calls == 5
    assert books.periods(Granularity.HOUR, until=half_past).total.calls == 2
    assert books.periods(Granularity.HOUR, since=midnight).total.calls == 2
    extremes = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert books.periods(Granularity.DAY, *extremes).total == days.total


def test_task_names_with_delimiters_do_not_collide(books: Books) -> None:
    names = ["a", "a#0", "a%230", "", "x" * 3000, "ä🙂"]
    for number, name in enumerate(names):
        books.ledger().settle([books.call(number, task_id=name), books.call(number, task_id=name)])
    tasks = books.totals.task_totals("acme")
    assert [task.task_id for task in tasks] == sorted(names)
    assert {task.totals.calls for task in tasks} == {2}
    assert books.totals.task_totals("acm") == ()
    assert books.periods(Granularity.DAY) == PeriodTotals(ZERO, ())


def test_hourly_totals_expire_and_daily_totals_do_not(books: Books) -> None:
    books.ledger().settle([books.call()])
    expires = {item["sk"]["S"]: item.get("expires_at") for item in items_of(books.client, books.table)}
    after = int((NOON + timedelta(hours=1, days=400)).timestamp())
    assert expires["HOUR#2026-11-20T12"] == {"N": str(after)}
    assert expires["DAY#2026-11-20"] is expires["TASK#booking"] is None


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


def test_totals_are_read_with_queries_only(books: Books) -> None:
    books.ledger().settle([books.call()])
    client, asked = connect_once(books.endpoint), list[str]()
    client.meta.events.register("before-call.dynamodb", lambda model, **_event: asked.append(model.name))
    totals = DynamoTotals(client, books.table)
    totals.task_totals("acme")
    totals.period_totals("acme", "booking", since=None, until=NOON, granularity=Granularity.DAY)
    assert asked == ["Query"] * 2 * len(keyspace.TOTALS_SHARDS)
