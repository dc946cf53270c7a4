"""Turns: calls of one conversation that ask the same. Which of them is a retry, and which nobody waits for any more.

All of it follows from one row, which belongs to the turn that a call began last. Moments are whole milliseconds since
1970, by the wall clocks of whoever took the call.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

RETRY_WINDOW_MS = 30_000
"""A call that asks the same as one before it is a retry when no more than this lies between them."""


class Stop(StrEnum):
    """Why a call goes on for nobody. Spelled as the status that it ends with."""

    SUPERSEDED = "superseded"
    """Another call of the same turn spoke first."""
    INTERRUPTED = "interrupted"
    """A later turn of the conversation began."""


@dataclass(frozen=True, slots=True)
class TurnIds:
    """What a history is known by. No text can be read from it.

    `thread_id` names the conversation with this beginning, whose row it is; `turn_id` the history; `ancestors` the
    histories that earlier calls of the thread can have had, oldest first.
    """

    thread_id: str
    turn_id: str
    ancestors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnCall:
    """One call, as its turn sees it."""

    project: str
    ids: TurnIds
    trace_id: str
    arrived_ms: int


@dataclass(frozen=True, slots=True)
class TurnRow:
    """The turn that was begun last in a thread.

    `began_ms`: its first call's arrival. `arrivals`: how many calls it has had; the last one came at `arrived_ms`, with
    the trace id `arrived_by`. `spoken_ms` and `spoken_by`: when one of them spoke, and which; None while all are silent
    or none found it worth a mark.
    """

    turn_id: str
    ancestors: tuple[str, ...]
    began_ms: int
    arrived_ms: int
    arrived_by: str
    arrivals: int = 1
    spoken_ms: int | None = None
    spoken_by: str | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an arrival came to: the thread's row as it is now, and the call's number among those of its turn, from 0."""

    row: TurnRow
    retry: int


def first_row(call: TurnCall) -> TurnRow:
    """The row of a turn whose first call this is."""
    return TurnRow(call.ids.turn_id, call.ids.ancestors, call.arrived_ms, call.arrived_ms, call.trace_id)


def begins_turn(row: TurnRow | None, call: TurnCall) -> bool:
    """Whether the call begins a turn, and the thread's row becomes its turn's.

    A history that goes back to an earlier turn has to wait for it until the later one is out of use: the call may be a
    straggler. It runs, but it is none's retry.
    """
    if row is None or row.arrived_ms < call.arrived_ms - RETRY_WINDOW_MS:
        return True
    if row.turn_id == call.ids.turn_id:
        return row.spoken_ms is not None and row.spoken_ms < call.arrived_ms
    return row.began_ms <= call.arrived_ms and call.ids.turn_id not in row.ancestors


def record_arrival(row: TurnRow | None, call: TurnCall) -> Arrival:
    """Count the call. Counting it twice is counting it once."""
    if row is None or begins_turn(row, call):
        return Arrival(first_row(call), 0)
    if row.turn_id != call.ids.turn_id:
        return Arrival(row, 0)
    if row.arrived_by == call.trace_id:
        return Arrival(row, row.arrivals - 1)
    counted = replace(row, arrived_ms=call.arrived_ms, arrived_by=call.trace_id, arrivals=row.arrivals + 1)
    return Arrival(counted, row.arrivals)


def mark_answered(row: TurnRow | None, call: TurnCall, spoken_ms: int) -> TurnRow | None:
    """Mark the turn as answered by the call, if the turn was not begun anew or marked since the call arrived."""
    if row is None or row.turn_id != call.ids.turn_id or row.began_ms > call.arrived_ms:
        return row
    if row.spoken_ms is not None and row.spoken_ms >= call.arrived_ms:
        return row
    return replace(row, spoken_ms=spoken_ms, spoken_by=call.trace_id)


def stop_reason(row: TurnRow | None, call: TurnCall, *, is_silent: bool) -> Stop | None:
    """Why the call should stop, going by the thread's row; None when somebody may still be waiting for it."""
    if row is None:
        return None
    if row.turn_id == call.ids.turn_id:
        is_answered = row.spoken_ms is not None and row.spoken_ms >= call.arrived_ms
        return Stop.SUPERSEDED if is_silent and is_answered and row.spoken_by != call.trace_id else None
    is_later = row.began_ms >= call.arrived_ms and call.ids.turn_id in row.ancestors
    return Stop.INTERRUPTED if is_later else None


def merge_rows(one: TurnRow | None, other: TurnRow | None) -> TurnRow | None:
    """What two views of one thread's row say together: the turn begun last, and of one turn all that is known."""
    if one is None or other is None:
        return other if one is None else one
    if one.turn_id != other.turn_id:
        return max(one, other, key=lambda row: (row.began_ms, row.turn_id))
    older, newer = sorted((one, other), key=lambda row: (row.began_ms, row.arrived_ms, row.arrived_by))
    if older.spoken_ms is not None and older.spoken_ms < newer.began_ms:
        return newer  # asked again after it was answered: its count is its own
    last = max(one, other, key=lambda row: (row.arrived_ms, row.arrived_by))
    spoken = max(one, other, key=lambda row: (row.spoken_ms or 0, row.spoken_by or ""))
    return replace(
        last,
        began_ms=min(one.began_ms, other.began_ms),
        arrivals=max(one.arrivals, other.arrivals),
        spoken_ms=spoken.spoken_ms,
        spoken_by=spoken.spoken_by,
    )
