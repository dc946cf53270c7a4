"""The turns of this process: rows and their subscribers, without a read of the DynamoDB table."""

from collections.abc import Callable

from switchboard.domain.bounded_dict import BoundedDict
from switchboard.domain.turns import Arrival, TurnCall, TurnRow, mark_answered, merge_rows, record_arrival

MAX_ROWS = 2000

type OnRow = Callable[[TurnRow], None]


class LocalTurnTable:
    """Rows by thread; beyond MAX_ROWS the least recently written are dropped. Subscribers get each changed row."""

    def __init__(self) -> None:
        self._rows = BoundedDict[tuple[str, str], TurnRow](MAX_ROWS)
        self._subscribers: dict[tuple[str, str], list[OnRow]] = {}

    def find(self, call: TurnCall) -> TurnRow | None:
        """The row of the call's thread; None where this process has none."""
        return self._rows.get(_thread(call))

    def record_arrival(self, call: TurnCall) -> Arrival:
        """Count the call."""
        arrived = record_arrival(self.find(call), call)
        self._keep(call, arrived.row)
        return arrived

    def mark_answered(self, call: TurnCall, spoken_ms: int) -> None:
        """Mark the call's turn as answered by it."""
        self._keep(call, mark_answered(self.find(call), call, spoken_ms))

    def merge(self, call: TurnCall, row: TurnRow | None) -> None:
        """Merge the table's row of the call's thread into the local one."""
        self._keep(call, merge_rows(self.find(call), row))

    def subscribe(self, call: TurnCall, on_row: OnRow) -> None:
        """Call `on_row` with the row of the call's thread each time it changes."""
        self._subscribers.setdefault(_thread(call), []).append(on_row)

    def unsubscribe(self, call: TurnCall, on_row: OnRow) -> None:
        """Undo `subscribe`; has no effect without it."""
        subscribers = self._subscribers.get(_thread(call), [])
        if on_row in subscribers:
            subscribers.remove(on_row)
            if not subscribers:
                del self._subscribers[_thread(call)]

    def _keep(self, call: TurnCall, row: TurnRow | None) -> None:
        if row is None:
            return
        thread = _thread(call)
        before = self._rows.get(thread)
        self._rows[thread] = row
        if row != before:
            for on_row in tuple(self._subscribers.get(thread, ())):
                on_row(row)


def _thread(call: TurnCall) -> tuple[str, str]:
    return call.project, call.ids.thread_id
