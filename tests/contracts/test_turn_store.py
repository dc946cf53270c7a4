"""The contract of every turn store."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchboard.domain import turns
from switchboard.domain.turns import RETRY_WINDOW_MS, Arrival, Stop, TurnCall, TurnIds, TurnRow, stop_reason
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ports import TurnStore
from testkit.dynamodb import item_bytes, items_of
from testkit.samples import NOON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = 1_795_000_000_000
FIRST = TurnIds("thread", "turn-1")
SECOND = TurnIds("thread", "turn-2", ("turn-1",))
ASIDE = TurnIds("thread", "turn-aside", ("turn-0",))


@pytest.fixture
def dynamo_store(dynamodb: "DynamoDBClient", table: str) -> DynamoStore:
    """The real one, on a table of its own."""
    return DynamoStore(dynamodb, table, retention=timedelta(days=30), clock=lambda: NOON)


def a_call(ids: TurnIds = FIRST, trace_id: str = "a", at_s: float = 0) -> TurnCall:
    return TurnCall("acme", ids, trace_id, T + int(at_s * 1000))


def numbers(store: TurnStore, *calls: TurnCall) -> Iterator[int]:
    return (store.record_arrival(call).retry for call in calls)


def test_the_first_call_begins_its_turn(store: TurnStore) -> None:
    row = TurnRow("turn-1", (), T, T, "a")
    assert store.read_turn(a_call()) is None
    assert store.record_arrival(a_call()) == Arrival(row, 0)
    assert store.read_turn(a_call()) == row


def test_retries_are_numbered(store: TurnStore) -> None:
    calls = [a_call(trace_id=name, at_s=at_s) for name, at_s in (("a", 0), ("b", 4), ("c", 8), ("d", 37))]
    assert list(numbers(store, *calls)) == [0, 1, 2, 3]
    assert store.read_turn(a_call()) == TurnRow("turn-1", (), T, T + 37_000, "d", arrivals=4)


def test_the_same_arrival_is_counted_once(store: TurnStore) -> None:
    first, second = a_call(), a_call(trace_id="b", at_s=4)
    assert list(numbers(store, first, first, second, second)) == [0, 0, 1, 1]


def test_after_the_retry_window_the_turn_begins_anew(store: TurnStore) -> None:
    late = a_call(trace_id="c", at_s=4 + RETRY_WINDOW_MS / 1000 + 0.001)
    assert list(numbers(store, a_call(), a_call(trace_id="b", at_s=4), late)) == [0, 1, 0]
    assert store.read_turn(late) == TurnRow("turn-1", (), late.arrived_ms, late.arrived_ms, "c")


def test_the_first_call_to_answer_marks_the_turn(store: TurnStore) -> None:
    first, second = a_call(), a_call(trace_id="b", at_s=4)
    list(numbers(store, first, second))
    store.mark_answered(second, T + 5000)
    store.mark_answered(first, T + 5001)
    row = store.read_turn(first)
    assert row == TurnRow("turn-1", (), T, T + 4000, "b", arrivals=2, spoken_ms=T + 5000, spoken_by="b")
    assert stop_reason(row, first, is_silent=True) is Stop.SUPERSEDED
    assert stop_reason(row, second, is_silent=True) is None


def test_an_answered_turn_that_is_asked_again_begins_anew(store: TurnStore) -> None:
    first, beside, again = a_call(), a_call(trace_id="b", at_s=5), a_call(trace_id="c", at_s=5.001)
    store.record_arrival(first)
    store.mark_answered(first, T + 5000)
    assert list(numbers(store, beside, again)) == [1, 0]
    assert store.read_turn(again) == TurnRow("turn-1", (), T + 5001, T + 5001, "c")


def test_a_call_from_before_a_turn_began_anew_does_not_mark_it(store: TurnStore) -> None:
    first, again = a_call(), a_call(trace_id="c", at_s=6)
    store.record_arrival(first)
    store.mark_answered(first, T + 5000)
    store.record_arrival(again)
    store.mark_answered(a_call(trace_id="b", at_s=4), T + 7000)
    row = store.read_turn(again)
    assert row is not None
    assert row.spoken_ms is None


def test_a_later_turn_replaces_the_row_and_interrupts_its_ancestors(store: TurnStore) -> None:
    store.record_arrival(a_call())
    assert store.record_arrival(a_call(SECOND, "b", 7)) == Arrival(
        TurnRow("turn-2", ("turn-1",), T + 7000, T + 7000, "b"), 0
    )
    assert stop_reason(store.read_turn(a_call()), a_call(), is_silent=False) is Stop.INTERRUPTED


def test_a_delayed_call_gets_the_later_turns_row(store: TurnStore) -> None:
    store.record_arrival(a_call(SECOND, "b", 7))
    arrived = store.record_arrival(a_call(at_s=6.5))
    assert (arrived.row.turn_id, arrived.retry) == ("turn-2", 0)
    assert stop_reason(arrived.row, a_call(at_s=6.5), is_silent=True) is Stop.INTERRUPTED


def test_a_history_of_an_earlier_turn_does_not_replace_the_row(store: TurnStore) -> None:
    back = a_call(at_s=9)
    store.record_arrival(a_call(SECOND, "b", 7))
    arrived = store.record_arrival(back)
    assert (arrived.row.turn_id, arrived.retry) == ("turn-2", 0)
    assert stop_reason(arrived.row, back, is_silent=True) is None
    assert list(numbers(store, a_call(SECOND, "c", 11))) == [1]


def test_other_histories_replace_the_row_and_interrupt_no_call(store: TurnStore) -> None:
    first, aside = a_call(), a_call(ASIDE, "b")  # at the same moment
    assert list(numbers(store, first, aside)) == [0, 0]
    row = store.read_turn(first)
    assert row is not None
    assert row.turn_id == "turn-aside"
    assert stop_reason(row, first, is_silent=True) is None
    store.mark_answered(first, T + 2000)
    assert store.read_turn(first) == row


def test_projects_and_threads_have_rows_of_their_own(store: TurnStore) -> None:
    others = (
        TurnCall("acme", TurnIds("other", "turn-1"), "b", T + 1),
        TurnCall("acme#", FIRST, "c", T + 1),
    )
    assert list(numbers(store, a_call(), *others)) == [0, 0, 0]


def test_a_mark_without_a_row_has_no_effect(store: TurnStore) -> None:
    store.mark_answered(a_call(), T)
    assert store.read_turn(a_call()) is None


def test_concurrent_calls_get_different_numbers(store: TurnStore) -> None:
    gate = Barrier(8)

    def arrive(number: int) -> int:
        gate.wait(5)
        return store.record_arrival(a_call(trace_id=str(number), at_s=number / 1000)).retry

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(arrive, range(8))) == list(range(8))


@pytest.mark.parametrize("speaker", ["a", "b"])
def test_of_concurrent_answers_one_marks_the_turn(store: TurnStore, speaker: str) -> None:
    calls = [a_call(trace_id=name) for name in ("a", "b", "c", "d")]
    list(numbers(store, *calls))
    gate = Barrier(4)

    def speak(call: TurnCall) -> None:
        gate.wait(5)
        store.mark_answered(call, T + 1 + (call.trace_id == speaker))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(speak, calls))
    row = store.read_turn(calls[0])
    assert row is not None
    superseded = [call for call in calls if stop_reason(row, call, is_silent=True)]
    assert len(superseded) == 3


def test_concurrent_turns_leave_one_consistent_row(store: TurnStore) -> None:
    calls = [a_call(ids, name, at_s) for ids, name, at_s in ((FIRST, "a", 0), (SECOND, "b", 1), (ASIDE, "c", 2))] * 2
    gate = Barrier(len(calls))

    def arrive(call: TurnCall) -> Arrival:
        gate.wait(5)
        return store.record_arrival(call)

    with ThreadPoolExecutor(len(calls)) as threads:
        arrived = list(threads.map(arrive, calls))
    assert {one.retry for one in arrived} == {0}
    assert store.read_turn(calls[0]) == TurnRow("turn-aside", ("turn-0",), T + 2000, T + 2000, "c")


def test_a_row_takes_one_write_unit_and_expires_after_an_hour(
    dynamodb: "DynamoDBClient", table: str, dynamo_store: DynamoStore
) -> None:
    ids = TurnIds("t" * 24, "u" * 24, tuple(f"{number:024}" for number in range(8)))
    first, second = (TurnCall("acme", ids, "0" * 35 + name, T + 5) for name in "ab")
    dynamo_store.record_arrival(first)
    dynamo_store.record_arrival(second)
    dynamo_store.mark_answered(second, T + 5000)
    [item] = items_of(dynamodb, table)
    assert item_bytes(item) < 600
    assert item["kind"] == {"S": "turn"}
    assert item["expires_at"] == {"N": str(T // 1000 + 3600)}


moves = st.lists(
    st.tuples(st.sampled_from([FIRST, SECOND, ASIDE]), st.booleans(), st.integers(0, 20), st.sampled_from("abcde")),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves)
def test_the_table_follows_the_rules(dynamo_store: DynamoStore, script: list[tuple[TurnIds, bool, int, str]]) -> None:
    project, row, now_ms = uuid4().hex, None, T
    for ids, speaks, pause_s, trace_id in script:
        now_ms += pause_s * 1000
        call = TurnCall(project, ids, trace_id, now_ms - 5000 * (trace_id == "e"))
        if speaks:
            dynamo_store.mark_answered(call, now_ms)
            row = turns.mark_answered(row, call, now_ms)
        else:
            arrived = turns.record_arrival(row, call)
            assert dynamo_store.record_arrival(call) == arrived
            row = arrived.row
        assert dynamo_store.read_turn(call) == row


def test_unnecessary_writes_are_skipped(dynamodb: "DynamoDBClient", dynamo_store: DynamoStore) -> None:
    asked: list[str] = []

    def note(model: Any, **_event: object) -> None:
        asked.append(model.name)

    dynamodb.meta.events.register("before-call.dynamodb", note)
    try:
        dynamo_store.record_arrival(a_call(SECOND, "b", 7))
        dynamo_store.record_arrival(a_call(at_s=6))  # a straggler
        assert asked == ["PutItem", "PutItem"]
        dynamo_store.record_arrival(a_call(SECOND, "c", 11))
        assert asked[2:] == ["PutItem", "UpdateItem"]
        dynamo_store.record_arrival(a_call(SECOND, "c", 11))
        assert asked[4:] == ["PutItem"]
    finally:
        dynamodb.meta.events.unregister("before-call.dynamodb", note)


def test_a_retry_after_a_lost_response_is_not_counted_twice(
    dynamodb: "DynamoDBClient", dynamo_store: DynamoStore
) -> None:
    lost: list[object] = []

    def lose(request: Any, **_event: object) -> None:
        if not lost:
            lost.append(cast("Any", dynamodb)._endpoint.http_session.send(request))
            raise ReadTimeoutError(endpoint_url=request.url)

    for operation, number in (("PutItem", 0), ("UpdateItem", 1)):
        lost.clear()
        dynamodb.meta.events.register(f"before-send.dynamodb.{operation}", lose)
        try:
            assert dynamo_store.record_arrival(a_call(trace_id=operation, at_s=number)).retry == number
        finally:
            dynamodb.meta.events.unregister(f"before-send.dynamodb.{operation}", lose)
        assert lost
