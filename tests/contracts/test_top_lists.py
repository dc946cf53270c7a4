"""The lists of the slowest and dearest calls on a real engine: exact, in any order, written again or by several."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from switchboard.domain.settlement import Settlement
from switchboard.domain.trace import Status, Trace
from switchboard.domain.trace_search import Order, TraceSearch
from switchboard.store.keyspace import Key
from switchboard.store.query_ports import SearchRefused
from switchboard.store.search import top_search
from switchboard.store.search.top_items import TopList
from switchboard.store.search.top_lists import DynamoTopLists
from switchboard.store.search.top_mending import DynamoTopMending
from testkit.samples import NOON, an_open_trace
from testkit.search_world import SearchWorld, highest
from testkit.stream_events import connect_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

ORDERS = (Order.SLOWEST, Order.DEAREST)


def call(ttft_ms: float | None, cost: int | None, minutes: float = 0, task: str = "booking") -> Trace:
    trace = an_open_trace(task_id=task, started_at=NOON + timedelta(minutes=minutes))
    return replace(trace, status=Status.OK, ttft_ms=ttft_ms, settlement=Settlement(NOON, cost))


def some_calls(count: int, seed: int = 5, task: str = "booking", days: int = 1) -> list[Trace]:
    """Calls with few different values, so that many are equal."""
    random = Random(seed)
    return [
        call(
            random.randrange(300) / 8,
            random.randrange(200),
            random.randrange(12 * 60) - random.randrange(days) * 1440,
            task,
        )
        for _ in range(count)
    ]


@pytest.fixture
def world(dynamodb: "DynamoDBClient", table: str) -> SearchWorld:
    return SearchWorld(dynamodb, table, now=NOON + timedelta(hours=12))


def in_groups(calls: Sequence[Trace], size: int) -> list[Sequence[Trace]]:
    return [calls[start : start + size] for start in range(0, len(calls), size)]


@pytest.mark.parametrize("order", ORDERS)
def test_the_hundred_highest_of_a_day_are_exact_in_any_order_and_when_written_again(
    world: SearchWorld, dynamodb: "DynamoDBClient", order: Order
) -> None:
    calls = some_calls(330)
    world.add(calls)
    others = [DynamoTopLists(dynamodb, world.table) for _ in range(2)]
    for number, group in enumerate(in_groups(Random(1).sample(calls, 330), 40)):
        others[number % 2].write(group)
    found = world.found("acme", TraceSearch(task_id="booking", order=order), limit=30)
    assert found == highest(calls, order)[:100]


@pytest.mark.parametrize("order", ORDERS)
def test_over_days_and_tasks_what_is_shown_is_exact(world: SearchWorld, order: Order) -> None:
    calls = [*some_calls(250, days=2), *some_calls(130, 6, "other", days=3), *some_calls(20, 7, "small")]
    world.add(calls)
    found = world.found("acme", TraceSearch(order=order), limit=40)
    assert found == highest(calls, order)[: len(found)]
    assert len(found) >= 100
    today = [trace for trace in calls if trace.started_at >= NOON - timedelta(hours=12)]
    since = TraceSearch(order=order, since=NOON - timedelta(hours=12))
    assert world.found("acme", since) == highest(today, order)[: len(world.found("acme", since))]
    small = TraceSearch(order=order, task_id="small", until=NOON + timedelta(hours=2))
    before = [each for each in calls if each.task_id == "small" and each.started_at < NOON + timedelta(hours=2)]
    assert world.found("acme", small) == highest(before, order)
    assert before


def test_only_ok_calls_with_a_value_are_listed(world: SearchWorld) -> None:
    listed = call(5, 5)
    world.add([listed, replace(call(9, 9), status=Status.TIMEOUT), call(None, None)])
    for order in ORDERS:
        assert world.found("acme", TraceSearch(order=order)) == [listed.trace_id]
        assert world.found("acme", TraceSearch(order=order, environment="staging")) == []
        assert world.found("other", TraceSearch(order=order)) == []
    with pytest.raises(SearchRefused) as refused:
        world.finder.find_traces("acme", TraceSearch(order=Order.SLOWEST, status=Status.TIMEOUT), limit=5)
    assert refused.value.field == "status"


def test_a_call_below_the_floor_and_a_repetition_cost_no_request(world: SearchWorld, dynamodb_endpoint: str) -> None:
    calls = [call(1000 + number, 1000 + number, number) for number in range(120)]
    client, asked = connect_once(dynamodb_endpoint), list[str]()
    client.meta.events.register("before-call.dynamodb", lambda model, **_event: asked.append(model.name))
    lists = DynamoTopLists(client, world.table)
    lists.write(calls)
    assert sorted(asked) == ["GetItem"] * 2 + ["PutItem"] * 2
    lists.write(calls)
    lists.write([call(1000.5, 1000, 200), call(7, 7)])
    assert sorted(asked) == ["GetItem"] * 2 + ["PutItem"] * 2
    lists.write([call(1020.5, 0, 200)])
    assert sorted(asked) == ["GetItem"] * 2 + ["PutItem"] * 2 + ["PutItem"]


def test_a_corrected_cost_moves_a_call(world: SearchWorld, dynamodb: "DynamoDBClient") -> None:
    calls = [call(1, 1000 + number, number) for number in range(130)]
    world.add(calls)
    search = TraceSearch(order=Order.DEAREST, task_id="booking")
    raised = replace(calls[3], settlement=Settlement(NOON, 5000))
    lowered = [replace(each, settlement=Settlement(NOON, 1)) for each in calls[128:]]
    DynamoTopLists(dynamodb, world.table).move([raised, *lowered])
    expected = [calls[3], *reversed(calls[30:128])]
    assert world.found("acme", search) == [trace.trace_id for trace in expected]
    world.tops.write([call(1, 1029, 140)])
    assert len(world.found("acme", search)) == 99, "a call below the floor is not listed, though there is room"


def test_a_list_that_corrections_have_shortened_is_filled_again(world: SearchWorld, dynamodb: "DynamoDBClient") -> None:
    calls = [call(number, 1000 + number, number / 2 - 1440) for number in range(130)]
    lowered = [replace(each, settlement=Settlement(NOON, number)) for number, each in enumerate(calls[60:])]
    world.add([*calls[:60], *lowered])
    lists = DynamoTopLists(dynamodb, world.table)
    lists.move(calls)
    lists.move(lowered)
    search = TraceSearch(order=Order.DEAREST, task_id="booking")
    assert len(world.found("acme", search)) == 30
    mending = DynamoTopMending(dynamodb, world.table, world.counted, lambda: NOON + timedelta(hours=14))
    today = NOON - timedelta(hours=12)
    assert mending.mend("acme", today, NOON) == 0
    assert mending.mend("acme", NOON - timedelta(days=3), NOON) == 1
    assert world.found("acme", search) == highest([*calls[:60], *lowered], Order.DEAREST)[:100]
    assert mending.mend("acme", NOON - timedelta(days=3), NOON) == 0


def test_writers_at_the_same_time_lose_no_call(world: SearchWorld, dynamodb: "DynamoDBClient") -> None:
    one, other = DynamoTopLists(dynamodb, world.table), DynamoTopLists(dynamodb, world.table)
    calls = [call(number, number, number) for number in range(60)]
    for number, each in enumerate(calls):
        (one, other)[number % 2].write([each])
    world.add(calls)
    assert world.found("acme", TraceSearch(order=Order.SLOWEST)) == [each.trace_id for each in reversed(calls)]


def test_a_request_is_bounded_and_says_how_far_back_it_looked(
    world: SearchWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = some_calls(60, days=3)
    world.add(calls)
    monkeypatch.setattr(top_search, "MAX_LISTS", 2)
    monkeypatch.setattr(top_search, "MAX_ENTRIES", 5)
    midnight = NOON - timedelta(hours=36)
    pages = [*world.pages("acme", TraceSearch(order=Order.SLOWEST, since=NOON - timedelta(days=9)), limit=30)]
    recent = [each for each in calls if each.started_at >= midnight + timedelta(days=1)]
    assert [trace.trace_id for page in pages for trace in page.traces] == highest(recent, Order.SLOWEST)
    assert {page.searched_since for page in pages} == {midnight + timedelta(days=1)}
    assert max(page.examined for page in pages) == 5


@pytest.mark.parametrize("cursor", ["", "x", "A" * 31, "A" * 33, "ä" * 32, "A" * 28])
def test_an_invalid_cursor_is_refused(world: SearchWorld, cursor: str) -> None:
    with pytest.raises(SearchRefused) as refused:
        world.finder.find_traces("acme", TraceSearch(order=Order.DEAREST), limit=5, cursor=cursor)
    assert refused.value.field == "cursor"


def test_lists_of_different_tasks_are_written_at_once(
    dynamodb: "DynamoDBClient", table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, together = DynamoTopLists._read, Barrier(8, timeout=10)

    def read_together(lists: DynamoTopLists, key: Key) -> TopList:
        together.wait()
        return read(lists, key)

    monkeypatch.setattr(DynamoTopLists, "_read", read_together)
    DynamoTopLists(dynamodb, table).write([call(1, 2, task=f"task {number}") for number in range(8)])
    assert not together.broken
