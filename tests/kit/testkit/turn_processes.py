"""Calls of one conversation in several gateway processes over one store, for the tests of turns."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, override

from gateway.domain.clock import Clock
from gateway.recording.telemetry import Telemetry
from gateway.turns.tracker import TurnTracker
from gateway.turns.turns import Turns, ids_of
from switchboard.domain.turns import Arrival, TurnCall, TurnRow
from testkit.memory_store import MemoryStore
from testkit.running_gateway import RecordedLog
from testkit.samples import NOON

POLL_EVERY_S = 0.003
SYSTEM = {"role": "system", "content": "You take bookings."}
ASKED = [SYSTEM, {"role": "user", "content": "A table for two."}]
LATER = [*ASKED, {"role": "assistant", "content": "For"}, {"role": "user", "content": "Tonight!"}]
OTHER_PROMPT = [{"role": "system", "content": "Summarise."}, *ASKED[1:]]


class ObservedStore(MemoryStore):
    """A store that records requests, and answers them while its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.requests: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._answered: asyncio.Queue[str] = asyncio.Queue()

    def _answer[T](self, what: str, ask: Callable[[], T]) -> T:
        self.requests.append(what)
        assert self.gate.wait(5)
        try:
            return ask()
        finally:
            self._loop.call_soon_threadsafe(self._answered.put_nowait, what)

    @override
    def record_arrival(self, call: TurnCall) -> Arrival:
        return self._answer("record_arrival", lambda: super(ObservedStore, self).record_arrival(call))

    @override
    def mark_answered(self, call: TurnCall, spoken_ms: int) -> None:
        self._answer("mark", lambda: super(ObservedStore, self).mark_answered(call, spoken_ms))

    @override
    def read_turn(self, call: TurnCall) -> TurnRow | None:
        return self._answer("poll", lambda: super(ObservedStore, self).read_turn(call))

    async def answered(self, what: str, times: int = 1) -> None:
        """Return when that request was answered `times` more times."""
        async with asyncio.timeout(5):
            while times:
                times -= await self._answered.get() == what

    @property
    def row(self) -> TurnRow:
        """The only row."""
        [row] = self.turns.values()
        return row


class Processes:
    """Gateway processes that share a store, and a time of day that is moved by hand."""

    def __init__(self) -> None:
        self.store = ObservedStore()
        self.log = RecordedLog()
        self.now = NOON
        self.trackers: list[TurnTracker] = []
        self._names = iter("abcdefghijklmnopqrstuvwxyz")

    def start(self, **options: float) -> Turns:
        """One more process."""
        telemetry = Telemetry(self.log, lambda _metrics, _dimensions: None)
        return Turns(self.store, telemetry, Clock(now=lambda: self.now), **{"poll_every_s": POLL_EVERY_S} | options)

    def call(
        self, process: Turns, messages: list[dict[str, str]] = ASKED, *, kind: tuple[str, ...] = (), **options: Any
    ) -> TurnTracker:
        """A call that arrives now."""
        ids = ids_of("acme", "conv_1", messages, kind=kind)
        tracker = process.begin("acme", ids, self.now, next(self._names), **options)
        assert isinstance(tracker, TurnTracker)
        self.trackers.append(tracker)
        return tracker

    async def sent(self, process: Turns, messages: list[dict[str, str]] = ASKED, **options: Any) -> TurnTracker:
        """A call that arrives now, was sent, and is counted in the table."""
        tracker = self.call(process, messages, **options)
        tracker.start()
        await self.store.answered("record_arrival")
        return tracker

    def tasks(self) -> set[asyncio.Task[Any]]:
        """The running tasks of all trackers."""
        return {task for task in asyncio.all_tasks() if "TurnTracker" in repr(task.get_coro())}

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


async def done[T](future: "asyncio.Future[T]") -> T:
    """The future's result, within 5 s."""
    async with asyncio.timeout(5):
        return await future
