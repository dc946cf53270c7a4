import pytest

from gateway.turns import local_table
from gateway.turns.local_table import LocalTurnTable
from switchboard.domain.turns import TurnCall, TurnIds, TurnRow


def a_call(thread: str = "t", trace_id: str = "a", turn: str = "turn", arrived_ms: int = 1000) -> TurnCall:
    return TurnCall("acme", TurnIds(thread, turn), trace_id, arrived_ms)


def test_subscribers_get_each_changed_row_and_nothing_else() -> None:
    table, received = LocalTurnTable(), list[TurnRow]()
    first = a_call()
    table.record_arrival(first)
    table.subscribe(first, received.append)
    table.record_arrival(first)  # is counted already
    table.record_arrival(a_call("another thread"))
    table.merge(first, table.find(first))
    table.merge(first, None)
    assert received == []
    table.record_arrival(a_call(trace_id="b"))
    table.mark_answered(first, 2000)
    assert received[-1] == table.find(first)
    assert [(row.arrivals, row.spoken_by) for row in received] == [(2, None), (2, "a")]
    table.unsubscribe(first, received.append)
    table.unsubscribe(first, received.append)
    table.record_arrival(a_call(trace_id="c", arrived_ms=3000))
    assert len(received) == 2


def test_the_tables_row_is_merged_into_the_local_one() -> None:
    table, call = LocalTurnTable(), a_call()
    table.merge(call, TurnRow("turn", (), 500, 900, "z", arrivals=3))
    assert table.record_arrival(call).retry == 3


def test_without_an_arrival_there_is_no_row() -> None:
    table = LocalTurnTable()
    table.mark_answered(a_call(), 1000)
    table.merge(a_call(), None)
    assert table.find(a_call()) is None


def test_the_least_recently_written_row_is_dropped_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_table, "MAX_ROWS", 2)
    table = LocalTurnTable()
    for thread, trace_id in (("one", "a"), ("two", "b"), ("one", "c"), ("three", "d")):
        table.record_arrival(a_call(thread, trace_id))
    assert table.find(a_call("two")) is None
    assert table.find(a_call("one")) is not None
    assert table.find(a_call("three")) is not None
