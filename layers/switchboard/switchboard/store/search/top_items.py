"""The list of a task's slowest or dearest `ok` calls of a day, in one row: 24 bytes for each call.

An entry sorts by its value: 8 bytes of the value, then the call's id with every bit inverted, so that of equal values
the earlier call comes first. A list also has its floor: every call above it is in the list, and none that is not.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from switchboard.domain.trace import Status, Trace
from switchboard.domain.trace_search import Order
from switchboard.store.attributes import Item
from switchboard.store.keyspace import Key

MOST = 100
"""Entries of a list."""

_VALUE_BYTES = 8
_ID_BITS = 128
_ENTRY_BYTES = _VALUE_BYTES + _ID_BITS // 8
_HIGHEST = (1 << 8 * _VALUE_BYTES) - 1
_ALL_BITS = (1 << _ID_BITS) - 1
NO_FLOOR = b""


@dataclass(frozen=True, slots=True)
class TopList:
    """Entries, highest first. `version` counts writes of the row. `expires_at`: of the call that is kept longest."""

    entries: tuple[bytes, ...] = ()
    floor: bytes = NO_FLOOR
    version: int = 0
    expires_at: int | None = None

    def is_changed_by(self, entry: bytes) -> bool:
        """Whether the entry belongs in the list and is not there, or replaces another of its call."""
        if entry in self.entries:
            return False
        return entry > self.floor or any(_same_call(entry, each) for each in self.entries)

    @property
    def is_short(self) -> bool:
        """Whether there are fewer entries than the list had, so that others may belong in it."""
        return len(self.entries) < MOST and self.floor != NO_FLOOR

    def with_calls(self, entries: Iterable[bytes], expires_at: int | None) -> "TopList":
        """The list with these calls' entries in place of their earlier ones."""
        by_id = {entry[_VALUE_BYTES:]: entry for entry in (*self.entries, *entries)}
        ends = [each for each in (self.expires_at, expires_at) if each is not None]
        above = (entry for entry in by_id.values() if entry > self.floor)
        return self._ranked(above, self.floor, max(ends, default=None))

    def made_of(self, entries: Iterable[bytes]) -> "TopList":
        """The list of these entries alone."""
        return self._ranked(entries, NO_FLOOR, self.expires_at)

    def _ranked(self, entries: Iterable[bytes], floor: bytes, expires_at: int | None) -> "TopList":
        ranked = sorted(entries, reverse=True)
        floor = ranked[MOST] if len(ranked) > MOST else floor
        return TopList(tuple(ranked[:MOST]), floor, self.version + 1, expires_at)


def entry_of(trace: Trace, order: Order) -> bytes | None:
    """The call's entry in the lists of that order; None if it has no place there."""
    if trace.status is not Status.OK:
        return None
    value = _microseconds(trace.ttft_ms) if order is Order.SLOWEST else _cost(trace)
    if value is None:
        return None
    inverted = _ALL_BITS - UUID(trace.trace_id).int
    return min(value, _HIGHEST).to_bytes(_VALUE_BYTES) + inverted.to_bytes(_ID_BITS // 8)


def trace_id(entry: bytes) -> str:
    """The id of the entry's call."""
    return str(UUID(int=_ALL_BITS - int.from_bytes(entry[_VALUE_BYTES:])))


def to_item(key: Key, top: TopList) -> Item:
    """The list as a row."""
    return {
        "pk": key.pk,
        "sk": key.sk,
        "entries": b"".join(top.entries),
        "floor": top.floor or None,
        "version": top.version,
        "expires_at": top.expires_at,
    }


def from_item(item: Mapping[str, Any]) -> TopList:
    """The list in a row."""
    packed = item["entries"]
    entries = (packed[start : start + _ENTRY_BYTES] for start in range(0, len(packed), _ENTRY_BYTES))
    return TopList(tuple(entries), item.get("floor") or NO_FLOOR, item["version"], item.get("expires_at"))


def write_cursor(entry: bytes) -> str:
    """The cursor that continues after this entry: 32 characters, safe in URLs."""
    return base64.urlsafe_b64encode(entry).decode()


def read_cursor(cursor: str) -> bytes:
    """The entry in a cursor. Raises ValueError for an invalid cursor."""
    try:
        entry = base64.b64decode(cursor, altchars=b"-_", validate=True)
    except ValueError:
        entry = b""
    if len(entry) != _ENTRY_BYTES:
        raise ValueError("The cursor is invalid: use the `next_cursor` of a previous page.")
    return entry


def _same_call(one: bytes, other: bytes) -> bool:
    return one[_VALUE_BYTES:] == other[_VALUE_BYTES:]


def _microseconds(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else max(0, round(milliseconds * 1000))


def _cost(trace: Trace) -> int | None:
    return None if trace.settlement is None else trace.settlement.cost_pico_usd
