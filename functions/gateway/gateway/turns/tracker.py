"""The watch over one call: its number among those that ask the same, and whether anybody still waits for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.domain.clock import Clock
from gateway.recording.telemetry import Telemetry
from gateway.turns.local_table import LocalTurnTable
from switchboard.domain.trace import Turn
from switchboard.domain.turns import RETRY_WINDOW_MS, Stop, TurnCall, TurnRow, stop_reason
from switchboard.store.ports import TurnStore

PATIENCE_S = 1.0
"""How long the end of a call waits for what is still being written of its turn."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TurnDependencies:
    """What every watch of a process asks and tells."""

    store: TurnStore
    telemetry: Telemetry
    clock: Clock
    book: LocalTurnTable
    threads: Executor
    look_every_s: float
    grace_ms: float


class TurnTracker:
    """One call among those of its conversation. It must be closed; of the rest of its life any part may be missing.

    1. Made: `retry` is the number that this process knows. `stopped` may be done already.
    2. `start()`, when a request to a provider is out: the arrival is written, and the looks begin. `renumbered` may get
       a number of 1 or more that this process did not know (then `retry` has it too), and `stopped` the reason why
       nobody waits for the call any more. Neither ever gets an exception; either may never be done.
    3. `spoke()`, beside the first token: only a later turn stops the call from now on.
    4. `await close()`, when the reply is out: nothing goes on behind it.
    """

    def __init__(
        self, sources: TurnDependencies, call: TurnCall, *, has_choice: bool = True, counts_retries: bool = True
    ) -> None:
        loop = asyncio.get_running_loop()
        self.renumbered: asyncio.Future[int] = loop.create_future()
        self.stopped: asyncio.Future[Stop] = loop.create_future()
        self._sources = sources
        self._call = call
        self._has_choice = has_choice
        self._counts_retries = counts_retries
        self._began = sources.clock.monotonic()
        self._is_silent = True
        self._has_failed = False
        self._arriving: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._marking: asyncio.Task[None] | None = None
        known = sources.book.find(call)
        self._knew = known is not None and _has_asked(known, call)
        arrived = sources.book.arrive(call)
        self.retry = arrived.retry if counts_retries else 0
        self._hear(arrived.row)
        sources.book.follow(call, self._hear)

    @property
    def turn(self) -> Turn:
        """The call's turn, for its trace."""
        return Turn(self._call.ids.turn_id, self.retry)

    def start(self) -> None:
        """A request is out and its answer awaited. Has an effect once."""
        if self._arriving is None:
            self._arriving = asyncio.create_task(self._arrive())
            self._looking = asyncio.create_task(self._look_on())

    def spoke(self) -> None:
        """The call has said its first word. Has an effect once."""
        if not self._is_silent:
            return
        self._is_silent = False
        spoken_ms = milliseconds(self._sources.clock.now())
        self._sources.book.speak(self._call, spoken_ms)
        is_known = self._arriving is not None and self._arriving.done()
        if self._arriving is not None and self._counts_retries and (not is_known or self._needs_mark(spoken_ms)):
            self._marking = asyncio.create_task(self._mark(self._arriving, spoken_ms))

    async def close(self) -> None:
        """The call is over: end the looks, and let what is being written be written, for a second at most."""
        self._sources.book.leave(self._call, self._hear)
        tasks = [task for task in (self._looking, self._arriving, self._marking) if task is not None]
        if self._looking is None:
            return
        self._looking.cancel()
        try:
            await asyncio.wait(tasks, timeout=PATIENCE_S)
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.wait(tasks)

    def _hear(self, row: TurnRow) -> None:
        """This is the thread's row now, as the process or the table has it."""
        stop = stop_reason(row, self._call, is_silent=self._is_silent and self._counts_retries)
        if stop is not None and not self.stopped.done():
            self.stopped.set_result(stop)

    async def _arrive(self) -> None:
        arrived = await self._ask("arrival", lambda: self._sources.store.record_arrival(self._call))
        if arrived is None:
            return
        self._learn(arrived.row)
        row = self._sources.book.find(self._call)
        is_last = row is not None and row.arrived_by == self._call.trace_id
        # Where this process has counted other calls of the turn, its own numbers hold: they have been given out.
        if arrived.retry and is_last and not self._knew and self._counts_retries:
            self.retry = arrived.retry
            if not self.renumbered.done():
                self.renumbered.set_result(arrived.retry)

    async def _look_on(self) -> None:
        now, due = self._sources.clock.monotonic, self._began
        while not self.stopped.done():
            due = max(due + self._sources.look_every_s, now())
            await asyncio.sleep(due - now())
            row = await self._ask("look", lambda: self._sources.store.read_turn(self._call))
            if row is not None:
                self._learn(row)
            elif self._has_failed:
                return  # a store in trouble is not asked again and again on top

    async def _mark(self, arriving: "asyncio.Task[None]", spoken_ms: int) -> None:
        await asyncio.wait((arriving,))
        if self._needs_mark(spoken_ms):
            await self._ask("mark", lambda: self._sources.store.mark_answered(self._call, spoken_ms))

    def _needs_mark(self, spoken_ms: int) -> bool:
        is_slow = spoken_ms - self._call.arrived_ms >= self._sources.grace_ms
        return self._has_choice or self.retry > 0 or is_slow

    def _learn(self, row: TurnRow) -> None:
        self._hear(row)
        self._sources.book.learn(self._call, row)

    async def _ask[T](self, what: str, ask: Callable[[], T]) -> T | None:
        """What the store says; None where it fails, and the call goes on as if it were alone."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._sources.threads, ask)
        except Exception as error:  # noqa: BLE001 - whatever it is, no call may suffer from it
            if not self._has_failed:
                self._has_failed = True
                self._sources.telemetry.turn_untracked(self._call.trace_id, what, str(error))
            return None


class NoTurn:
    """The watch over a call that belongs to no conversation: nothing ever happens to it."""

    retry = 0
    turn = None

    @property
    def renumbered(self) -> "asyncio.Future[int]":
        """Never done."""
        return asyncio.get_running_loop().create_future()

    @property
    def stopped(self) -> "asyncio.Future[Stop]":
        """Never done."""
        return asyncio.get_running_loop().create_future()

    def start(self) -> None:
        """Has no effect."""

    def spoke(self) -> None:
        """Has no effect."""

    async def close(self) -> None:
        """Has no effect."""


NO_TURN = NoTurn()

type Watch = TurnTracker | NoTurn


def milliseconds(moment: datetime) -> int:
    """The moment in whole milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _has_asked(row: TurnRow, call: TurnCall) -> bool:
    """Whether the row counts a call of the same turn that this one may be a retry of."""
    return row.turn_id == call.ids.turn_id and row.arrived_ms >= call.arrived_ms - RETRY_WINDOW_MS
