"""In any order of arrivals, first tokens and polls, no call is stopped whose caller may still wait."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.turns import (
    Stop,
    TurnCall,
    TurnIds,
    TurnRow,
    mark_answered,
    merge_rows,
    record_arrival,
    stop_reason,
)
from switchboard.store import turn_items
from switchboard.store.keyspace import Key

TALK = ("t0", "t1", "t2", "t3")
"""Turns, each of which continues those before it; `aside` continues none."""
IDS = {turn: TurnIds("thread", turn, TALK[:place]) for place, turn in enumerate(TALK)} | {
    "aside": TurnIds("thread", "aside")
}


@dataclass
class Talk:
    """The calls of one thread and their row. Writes may be late; times are those of the events that caused them."""

    row: TurnRow | None = None
    calls: list[TurnCall] = field(default_factory=list)
    stopped: dict[str, Stop] = field(default_factory=dict)
    spoken: dict[str, int] = field(default_factory=dict)

    def going(self) -> list[TurnCall]:
        return [call for call in self.calls if call.trace_id not in self.stopped]

    def poll(self, call: TurnCall) -> None:
        stop = stop_reason(self.row, call, is_silent=call.trace_id not in self.spoken)
        if stop is not None:
            self.stopped.setdefault(call.trace_id, stop)


moves = st.lists(
    st.tuples(
        st.sampled_from(["call", "call", "mark_answered", "poll", "poll"]),
        st.sampled_from(list(IDS)),
        st.integers(0, 20_000),  # since the move before
        st.integers(0, 2_000),  # how long a call took to its write
        st.integers(0, 1000),  # which of the calls
    ),
    max_size=40,
)


def play(script: list[tuple[str, str, int, int, int]]) -> Iterator[tuple[int, Talk]]:
    """The talk after every move."""
    talk, now_ms = Talk(), 1_000_000
    for move, turn, pause_ms, delay_ms, which in script:
        now_ms += pause_ms
        if move == "call":
            call = TurnCall("acme", IDS[turn], f"c{len(talk.calls)}", now_ms - delay_ms)
            talk.calls.append(call)
            talk.row = record_arrival(talk.row, call).row
            talk.poll(call)
        elif going := talk.going():
            call = going[which % len(going)]
            if move == "poll":
                talk.poll(call)
            elif call.trace_id not in talk.spoken:
                talk.spoken[call.trace_id] = now_ms
                talk.row = mark_answered(talk.row, call, now_ms)
        yield now_ms, talk


@given(moves)
def test_a_superseded_call_has_another_of_its_turn_that_was_answered_since_it_arrived(
    script: list[tuple[str, str, int, int, int]],
) -> None:
    for _, talk in play(script):
        for call in talk.calls:
            if talk.stopped.get(call.trace_id) is Stop.SUPERSEDED:
                assert call.trace_id not in talk.spoken
                assert any(
                    other.ids == call.ids and talk.spoken.get(other.trace_id, -1) >= call.arrived_ms
                    for other in talk.calls
                    if other is not call
                )


@given(moves)
def test_an_interrupted_call_has_a_later_turn_that_continues_its_own(
    script: list[tuple[str, str, int, int, int]],
) -> None:
    for _, talk in play(script):
        for call in talk.calls:
            if talk.stopped.get(call.trace_id) is Stop.INTERRUPTED:
                assert any(
                    call.ids.turn_id in other.ids.ancestors and other.arrived_ms >= call.arrived_ms
                    for other in talk.calls
                )


@given(moves)
def test_one_call_of_the_latest_turn_runs_until_the_turn_is_answered(
    script: list[tuple[str, str, int, int, int]],
) -> None:
    for _, talk in play(script):
        if not talk.calls:
            continue
        last = max(talk.calls, key=lambda call: call.arrived_ms)
        turn = [call for call in talk.calls if call.ids == last.ids]
        is_answered = any(talk.spoken.get(call.trace_id, -1) >= last.arrived_ms for call in turn)
        rivals = [call for call in talk.calls if call.arrived_ms == last.arrived_ms and call.ids != last.ids]
        assert is_answered or rivals or any(call.trace_id not in talk.stopped for call in turn)


@given(moves)
def test_consecutive_retries_have_consecutive_numbers(script: list[tuple[str, str, int, int, int]]) -> None:
    row = None
    for number, (_, turn, pause_ms, _, _) in enumerate(script):
        before = row
        arrived = record_arrival(row, TurnCall("acme", IDS[turn], f"c{number}", 1_000_000 + number * 10 + pause_ms))
        row = arrived.row
        if arrived.retry:
            assert before is not None
            assert (before.turn_id, before.arrivals) == (turn, arrived.retry)
            assert row == replace(
                before, arrivals=before.arrivals + 1, arrived_ms=row.arrived_ms, arrived_by=f"c{number}"
            )


moments = st.integers(0, 2**45)
names = st.text("0123456789abcdef-", min_size=1, max_size=36)
rows = st.builds(
    TurnRow,
    turn_id=st.sampled_from(TALK),
    ancestors=st.lists(names, max_size=8).map(tuple),
    began_ms=moments,
    arrived_ms=moments,
    arrived_by=names,
    arrivals=st.integers(1, 1000),
) | st.builds(
    TurnRow,
    turn_id=st.sampled_from(TALK),
    ancestors=st.just(()),
    began_ms=moments,
    arrived_ms=moments,
    arrived_by=names,
    arrivals=st.integers(1, 9),
    spoken_ms=moments,
    spoken_by=names,
).map(lambda row: replace(row, spoken_ms=row.began_ms + (row.spoken_ms or 0)))


@given(rows)
def test_from_item_restores_the_row_of_to_item(row: TurnRow) -> None:
    item = {name: value for name, value in turn_items.to_item(row, Key("p", "s")).items() if value is not None}
    assert turn_items.from_item(item) == row


@given(rows, st.none() | rows, st.booleans())
def test_merged_rows_hold_what_either_holds(row: TurnRow, other: TurnRow | None, swapped: bool) -> None:
    both = merge_rows(other, row) if swapped else merge_rows(row, other)
    assert both is not None
    assert merge_rows(both, row) == both
    assert merge_rows(both, other) == both
    assert other is not None or both == row
    if other is not None and other.turn_id == row.turn_id:
        older, newer = sorted((row, other), key=lambda view: view.began_ms)
        if older.spoken_ms is not None and older.spoken_ms < newer.began_ms:
            assert both == newer, "asked again after it was answered: that counts anew"
            return
        assert both.arrivals == max(row.arrivals, other.arrivals)
        assert (both.spoken_ms or 0) == max(row.spoken_ms or 0, other.spoken_ms or 0)
