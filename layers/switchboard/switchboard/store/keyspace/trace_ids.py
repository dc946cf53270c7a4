"""Trace ids as sort keys: shards, ranges of time, and cursors."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from switchboard.domain.trace_id import created_at, earliest_trace_id
from switchboard.store.keyspace.parts import hashed

SHARDS = range(8)

_TRACE_ID_CHARACTERS = 36
_LAST_TRACE_ID = (1 << 128) - 1


@dataclass(frozen=True, slots=True)
class TraceRange:
    """Trace ids from `first` to `last`, both included; empty if `first` is greater than `last`."""

    first: str
    last: str

    @property
    def is_empty(self) -> bool:
        """Whether the range has no ids."""
        return self.first > self.last


def shard_of(trace_id: str) -> int:
    """The shard of a trace, of its search rows and of its place in its task."""
    return hashed(trace_id) % len(SHARDS)


def is_trace_id(text: str) -> bool:
    """Whether the text is a trace id in canonical form."""
    if len(text) != _TRACE_ID_CHARACTERS:
        return False
    try:
        created_at(text)
    except ValueError:
        return False
    return str(UUID(text)) == text


def trace_range(since: datetime | None, until: datetime | None, cursor: str | None) -> TraceRange:
    """The ids of calls that began in [since, until), older than the cursor's. Raises ValueError for a bad cursor."""
    last = _LAST_TRACE_ID
    if until is not None:
        last = min(last, UUID(earliest_trace_id(_next_millisecond(until))).int - 1)
    if cursor is not None:
        last = min(last, UUID(read_cursor(cursor)).int - 1)
    first = str(UUID(int=0)) if since is None else earliest_trace_id(_next_millisecond(since))
    return TraceRange(first, str(UUID(int=max(last, 0))))


def later_ids(cursor: str | None) -> TraceRange:
    """The ids of calls later than the cursor's; of all without one. Raises ValueError for a bad cursor."""
    first = 0 if cursor is None else UUID(read_cursor(cursor)).int + 1
    return TraceRange(str(UUID(int=min(first, _LAST_TRACE_ID))), str(UUID(int=_LAST_TRACE_ID)))


def write_cursor(trace_id: str) -> str:
    """The cursor that continues after this trace: 22 characters, safe in URLs."""
    return base64.urlsafe_b64encode(UUID(trace_id).bytes).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """The trace id in a cursor. Raises ValueError for an invalid cursor."""
    try:
        trace_id = str(UUID(bytes=base64.urlsafe_b64decode(cursor + "==")))
    except ValueError:
        trace_id = ""
    if not is_trace_id(trace_id) or write_cursor(trace_id) != cursor:
        raise ValueError("The cursor is invalid: use the `next_cursor` of a previous page.")
    return trace_id


def _next_millisecond(moment: datetime) -> datetime:
    """The time rounded up to a whole millisecond, the resolution of ids."""
    try:
        return moment + timedelta(microseconds=-moment.microsecond % 1000)
    except OverflowError:
        return moment
