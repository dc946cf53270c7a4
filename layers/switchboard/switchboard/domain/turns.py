"""Turns: calls of one conversation with the same history. Decides which are retries, and which are no longer needed.

Both follow from one row per thread, which describes the thread's latest turn. Times are whole milliseconds since 1970,
by the wall clock of the sandbox that received the call.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

RETRY_WINDOW_MS = 30_000
"""A call with the same history as an earlier one is a retry if at most this much time lies between them."""


class Stop(StrEnum):
    """Why a call is stopped: no caller needs its answer. The value is the status that the call ends with."""

    SUPERSEDED = "superseded"
    """Another call of the same turn answered first."""
    INTERRUPTED = "interrupted"
    """A later turn of the conversation began."""


@dataclass(frozen=True, slots=True)
class TurnIds:
    """The hashes that identify a history. No text can be recovered from them.

    `thread_id` identifies the conversation and its first message, and is the key of the thread's row; `turn_id`
    identifies the history; `ancestors` the histories that earlier calls of the thread can have had, oldest first.
    """

    thread_id: str
    turn_id: str
    ancestors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnCall:
    """The facts about a call that its turn depends on."""

    project: str
    ids: TurnIds
    trace_id: str
    arrived_ms: int


@dataclass(frozen=True, slots=True)
class TurnRow:
    """The latest turn of a thread.

    `began_ms`: its first call's arrival. `arrivals`: how many calls it has had; the last one arrived at `arrived_ms`,
    with the trace id `arrived_by`. `spoken_ms` and `spoken_by`: when one of them sent its first content, and which;
    None until one is marked.
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
    """The result of counting a call: the thread's row as it is now, and the call's number within its turn, from 0."""

    row: TurnRow
    retry: int


def first_row(call: TurnCall) -> TurnRow:
    """The row of a turn that begins with this call."""
    return TurnRow(call.ids.turn_id, call.ids.ancestors, call.arrived_ms, call.arrived_ms, call.trace_id)


def begins_turn(row: TurnRow | None, call: TurnCall) -> bool:
    """Whether the call begins a turn, so that the thread's row is replaced.

    A call whose history is that of an earlier turn does not replace the row until `RETRY_WINDOW_MS` after the last call
    of the later turn: it may have been delayed. It runs, but does not count as a retry.
    """
    if row is None or row.arrived_ms < call.arrived_ms - RETRY_WINDOW_MS:
        return True
    if row.turn_id == call.ids.turn_id:
        return row.spoken_ms is not None and row.spoken_ms < call.arrived_ms
    return row.began_ms <= call.arrived_ms and call.ids.turn_id not in row.ancestors


def record_arrival(row: TurnRow | None, call: TurnCall) -> Arrival:
    """Count the call. Idempotent."""
    if row is None or begins_turn(row, call):
        return Arrival(first_row(call), 0)
    if row.turn_id != call.ids.turn_id:
        return Arrival(row, 0)
    if row.arrived_by == call.trace_id:
        return Arrival(row, row.arrivals - 1)
    counted = replace(row, arrived_ms=call.arrived_ms, arrived_by=call.trace_id, arrivals=row.arrivals + 1)
    return Arrival(counted, row.arrivals)


def mark_answered(row: TurnRow | None, call: TurnCall, spoken_ms: int) -> TurnRow | None:
    """Mark the turn as answered by the call, unless it was begun anew or marked since the call arrived."""
    if row is None or row.turn_id != call.ids.turn_id or row.began_ms > call.arrived_ms:
        return row
    if row.spoken_ms is not None and row.spoken_ms >= call.arrived_ms:
        return row
    return replace(row, spoken_ms=spoken_ms, spoken_by=call.trace_id)


def stop_reason(row: TurnRow | None, call: TurnCall, *, is_silent: bool) -> Stop | None:
    """Why the call should stop, according to the thread's row; None if its caller may still be waiting."""
    if row is None:
        return None
    if row.turn_id == call.ids.turn_id:
        is_answered = row.spoken_ms is not None and row.spoken_ms >= call.arrived_ms
        return Stop.SUPERSEDED if is_silent and is_answered and row.spoken_by != call.trace_id else None
    is_later = row.began_ms >= call.arrived_ms and call.ids.turn_id in row.ancestors
    return Stop.INTERRUPTED if is_later else None


def merge_rows(one: TurnRow | None, other: TurnRow | None) -> TurnRow | None:
    """Merge two versions of a thread's row: the later turn wins; two versions of the same turn are combined."""
    if one is None or other is None:
        return other if one is None else one
    if one.turn_id != other.turn_id:
        return max(one, other, key=lambda row: (row.began_ms, row.turn_id))
    older, newer = sorted((one, other), key=lambda row: (row.began_ms, row.arrived_ms, row.arrived_by))
    if older.spoken_ms is not None and older.spoken_ms < newer.began_ms:
        return newer  # the turn was begun anew after its answer: it has a count of its own
    last = max(one, other, key=lambda row: (row.arrived_ms, row.arrived_by))
    spoken = max(one, other, key=lambda row: (row.spoken_ms or 0, row.spoken_by or ""))
    return replace(
        last,
        began_ms=min(one.began_ms, other.began_ms),
        arrivals=max(one.arrivals, other.arrivals),
        spoken_ms=spoken.spoken_ms,
        spoken_by=spoken.spoken_by,
    )
