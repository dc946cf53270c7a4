"""Turns in the table: the rules of `switchboard.domain.turns`, each enforced by one conditional write."""

from switchboard.domain.turns import RETRY_WINDOW_MS, Arrival, TurnCall, TurnRow, first_row, record_arrival
from switchboard.store import keyspace, turn_items
from switchboard.store.attributes import Item
from switchboard.store.dynamodb_table import Table
from switchboard.store.dynamodb_update import Update

_MAX_ROUNDS = 4
"""A round fails if another call begins a turn between its two writes."""

_BEGINS_TURN = (
    "attribute_not_exists(pk) OR #arrived_ms < :stale_ms"
    " OR (#turn_id = :turn_id AND #spoken_ms < :now_ms)"
    " OR (#turn_id <> :turn_id AND #began_ms <= :now_ms AND NOT contains(#ancestors, :turn_id))"
)
_IS_UNCOUNTED = "#turn_id = :turn_id AND #arrived_by <> :trace_id"
_COUNT = "SET #arrived_ms = :now_ms, #arrived_by = :trace_id, #expires_at = :expires_at ADD #arrivals :one"
_IS_UNMARKED = (
    "#turn_id = :turn_id AND #began_ms <= :now_ms AND (attribute_not_exists(#spoken_ms) OR #spoken_ms < :now_ms)"
)
_MARK = "SET #spoken_ms = :spoken_ms, #spoken_by = :trace_id"


class TurnTable:
    """TurnStore on one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record_arrival(self, call: TurnCall) -> Arrival:
        """Count the call (see the port)."""
        for _ in range(_MAX_ROUNDS):
            existing = self._begin(call)
            arrived = record_arrival(existing, call)
            if existing is None or arrived.row == existing:
                return arrived
            counted = self._count(call)
            if counted is not None:
                return Arrival(counted, counted.arrivals - 1)
        return arrived

    def mark_answered(self, call: TurnCall, spoken_ms: int) -> None:
        """Mark the turn (see the port)."""
        values: Item = {
            "turn_id": call.ids.turn_id,
            "trace_id": call.trace_id,
            "now_ms": call.arrived_ms,
            "spoken_ms": spoken_ms,
        }
        self._table.update(Update(_place(call), _MARK, values, _IS_UNMARKED))

    def read_turn(self, call: TurnCall) -> TurnRow | None:
        """The row of the call's thread (see the port)."""
        item = self._table.get(_place(call), consistent=False)
        return None if item is None else turn_items.from_item(item)

    def _begin(self, call: TurnCall) -> TurnRow | None:
        """Replace the row if the call begins a turn, and return None; else return the existing row."""
        item = turn_items.to_item(first_row(call), _place(call))
        values: Item = {
            "turn_id": call.ids.turn_id,
            "now_ms": call.arrived_ms,
            "stale_ms": call.arrived_ms - RETRY_WINDOW_MS,
        }
        existing = self._table.put_or_get(item, _BEGINS_TURN, values)
        return None if existing is None else turn_items.from_item(existing)

    def _count(self, call: TurnCall) -> TurnRow | None:
        """Count the call and return the row; None if the row is another turn's by now, or the call is counted."""
        values: Item = {
            "turn_id": call.ids.turn_id,
            "trace_id": call.trace_id,
            "now_ms": call.arrived_ms,
            "expires_at": turn_items.expires_at(call.arrived_ms),
            "one": 1,
        }
        item = self._table.update(Update(_place(call), _COUNT, values, _IS_UNCOUNTED))
        return None if item is None else turn_items.from_item(item)


def _place(call: TurnCall) -> keyspace.Key:
    return keyspace.turn(call.project, call.ids.thread_id)
