"""What this process knows of turns, and who wants to hear of them: numbers and marks without a look at the table."""

from collections.abc import Callable

from switchboard.domain.turns import Arrival, TurnCall, TurnRow, mark_answered, merge_rows, record_arrival

MAX_ROWS = 2000

type Hears = Callable[[TurnRow], None]


class LocalTurnTable:
    """Rows by thread, the oldest forgotten first where there are too many. Whoever follows one hears of each change."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], TurnRow] = {}
        self._followers: dict[tuple[str, str], list[Hears]] = {}

    def find(self, call: TurnCall) -> TurnRow | None:
        """The row of the call's thread, as far as this process knows it."""
        return self._rows.get(_thread(call))

    def arrive(self, call: TurnCall) -> Arrival:
        """Count the call."""
        arrived = record_arrival(self.find(call), call)
        self._keep(call, arrived.row)
        return arrived

    def speak(self, call: TurnCall, spoken_ms: int) -> None:
        """Mark the call's turn."""
        self._keep(call, mark_answered(self.find(call), call, spoken_ms))

    def learn(self, call: TurnCall, row: TurnRow | None) -> None:
        """Take in what the table says of the call's thread."""
        self._keep(call, merge_rows(self.find(call), row))

    def follow(self, call: TurnCall, hears: Hears) -> None:
        """Tell of every change of the row from now on."""
        self._followers.setdefault(_thread(call), []).append(hears)

    def leave(self, call: TurnCall, hears: Hears) -> None:
        """Tell no more."""
        followers = self._followers.get(_thread(call), [])
        if hears in followers:
            followers.remove(hears)
            if not followers:
                del self._followers[_thread(call)]

    def _keep(self, call: TurnCall, row: TurnRow | None) -> None:
        thread = _thread(call)
        before = self._rows.pop(thread, None)
        if row is None:
            return
        self._rows[thread] = row
        if len(self._rows) > MAX_ROWS:
            del self._rows[next(iter(self._rows))]
        if row != before:
            for hears in tuple(self._followers.get(thread, ())):
                hears(row)


def _thread(call: TurnCall) -> tuple[str, str]:
    return call.project, call.ids.thread_id
