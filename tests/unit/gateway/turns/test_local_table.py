import pytest

from gateway.turns import local_table
from gateway.turns.local_table import LocalTurnTable
from switchboard.domain.turns import TurnCall, TurnIds, TurnRow


def a_call(thread: str = "t", trace_id: str = "a", turn: str = "turn", arrived_ms: int = 1000) -> TurnCall:
    return TurnCall("acme", TurnIds(thread, turn), trace_id, arrived_ms)


def test_followers_hear_of_each_change_and_of_nothing_else() -> None:
    book, heard = LocalTurnTable(), list[TurnRow]()
    first = a_call()
    book.arrive(first)
    book.follow(first, heard.append)
    book.arrive(first)  # is counted already
    book.arrive(a_call("another thread"))
    book.learn(first, book.find(first))
    book.learn(first, None)
    assert heard == []
    book.arrive(a_call(trace_id="b"))
    book.speak(first, 2000)
    assert heard[-1] == book.find(first)
    assert [(row.arrivals, row.spoken_by) for row in heard] == [(2, None), (2, "a")]
    book.leave(first, heard.append)
    book.leave(first, heard.append)
    book.arrive(a_call(trace_id="c", arrived_ms=3000))
    assert len(heard) == 2


def test_what_the_table_says_is_added_to_what_is_known() -> None:
    book, call = LocalTurnTable(), a_call()
    book.learn(call, TurnRow("turn", (), 500, 900, "z", arrivals=3))
    assert book.arrive(call).retry == 3


def test_nothing_is_known_before_anything_was_said() -> None:
    book = LocalTurnTable()
    book.speak(a_call(), 1000)
    book.learn(a_call(), None)
    assert book.find(a_call()) is None


def test_the_thread_that_was_quiet_longest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_table, "MAX_ROWS", 2)
    book = LocalTurnTable()
    for thread, trace_id in (("one", "a"), ("two", "b"), ("one", "c"), ("three", "d")):
        book.arrive(a_call(thread, trace_id))
    assert book.find(a_call("two")) is None
    assert book.find(a_call("one")) is not None
    assert book.find(a_call("three")) is not None
