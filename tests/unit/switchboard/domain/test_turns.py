"""Edge cases of turns: calls that arrive or answer in the same millisecond, and late writes."""

from dataclasses import replace

import pytest

from switchboard.domain.turns import (
    Arrival,
    Stop,
    TurnCall,
    TurnIds,
    TurnRow,
    first_row,
    mark_answered,
    merge_rows,
    record_arrival,
    stop_reason,
)

FIRST = TurnIds("thread", "turn-1")
SECOND = TurnIds("thread", "turn-2", ("turn-1",))
OTHER = TurnIds("thread", "turn-other")


def a_call(ids: TurnIds = FIRST, trace_id: str = "a", arrived_ms: int = 1000) -> TurnCall:
    return TurnCall("acme", ids, trace_id, arrived_ms)


ASKED = first_row(a_call())
ANSWERED = replace(ASKED, spoken_ms=2000, spoken_by="a")


@pytest.mark.parametrize(("arrived_ms", "turn_id"), [(999, "turn-1"), (1000, "turn-other"), (1001, "turn-other")])
def test_another_history_replaces_the_row_unless_it_arrived_earlier(arrived_ms: int, turn_id: str) -> None:
    arrived = record_arrival(ASKED, a_call(OTHER, "b", arrived_ms))
    assert (arrived.row.turn_id, arrived.retry) == (turn_id, 0)


@pytest.mark.parametrize(("arrived_ms", "retry"), [(1999, 1), (2000, 1), (2001, 0)])
def test_a_call_that_arrived_before_the_answer_is_a_retry(arrived_ms: int, retry: int) -> None:
    assert record_arrival(ANSWERED, a_call(trace_id="b", arrived_ms=arrived_ms)).retry == retry


@pytest.mark.parametrize(("arrived_ms", "stop"), [(1999, Stop.SUPERSEDED), (2000, Stop.SUPERSEDED), (2001, None)])
def test_an_answer_stops_calls_that_arrived_before_it(arrived_ms: int, stop: Stop | None) -> None:
    assert stop_reason(ANSWERED, a_call(trace_id="b", arrived_ms=arrived_ms), is_silent=True) is stop


def test_an_answer_does_not_stop_a_call_that_has_sent_content() -> None:
    assert stop_reason(ANSWERED, a_call(trace_id="b"), is_silent=False) is None
    assert stop_reason(ANSWERED, a_call(trace_id="a"), is_silent=True) is None


@pytest.mark.parametrize(("arrived_ms", "stop"), [(1000, Stop.INTERRUPTED), (3000, Stop.INTERRUPTED), (3001, None)])
def test_a_later_turn_stops_calls_that_arrived_before_it(arrived_ms: int, stop: Stop | None) -> None:
    later = first_row(a_call(SECOND, "b", 3000))
    assert stop_reason(later, a_call(arrived_ms=arrived_ms), is_silent=False) is stop


def test_without_a_row_no_call_is_stopped() -> None:
    assert stop_reason(None, a_call(), is_silent=True) is None


@pytest.mark.parametrize(("arrived_ms", "marked"), [(1999, "a"), (2000, "a"), (2001, "b")])
def test_a_turn_is_marked_once(arrived_ms: int, marked: str) -> None:
    row = mark_answered(ANSWERED, a_call(trace_id="b", arrived_ms=arrived_ms), 5000)
    assert row is not None
    assert row.spoken_by == marked


@pytest.mark.parametrize("call", [a_call(OTHER), a_call(arrived_ms=999)])
def test_a_call_of_an_earlier_turn_does_not_mark_the_row(call: TurnCall) -> None:
    assert mark_answered(ASKED, call, 5000) == ASKED
    assert mark_answered(None, call, 5000) is None


def test_a_call_is_counted_once() -> None:
    once = record_arrival(ASKED, a_call(trace_id="b", arrived_ms=1500))
    assert once == Arrival(replace(ASKED, arrived_ms=1500, arrived_by="b", arrivals=2), 1)
    assert record_arrival(once.row, a_call(trace_id="b", arrived_ms=1500)) == once


def test_merging_keeps_the_later_turn() -> None:
    later = first_row(a_call(SECOND, "b", 3000))
    assert merge_rows(ANSWERED, later) == merge_rows(later, ANSWERED) == later
    assert merge_rows(None, later) == merge_rows(later, None) == later
    assert merge_rows(None, None) is None


def test_merging_combines_two_versions_of_one_turn() -> None:
    counted = TurnRow("turn-1", (), 1200, 1500, "b", arrivals=4)
    both = TurnRow("turn-1", (), 1000, 1500, "b", arrivals=4, spoken_ms=2000, spoken_by="a")
    assert merge_rows(ANSWERED, counted) == merge_rows(counted, ANSWERED) == both
