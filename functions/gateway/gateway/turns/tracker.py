"""Tracks one call of a conversation: which retry of its turn it is, and whether its caller still waits for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.domain.clock import Clock
from gateway.recording.telemetry import Telemetry
from gateway.turns.local_table import LocalTurnTable
from switchboard.domain.trace import NO_REQUEST_IDS, RequestIds, Turn
from switchboard.domain.turns import RETRY_WINDOW_MS, Stop, TurnCall, TurnRow, stop_reason
from switchboard.store.ports import TurnStore

CLOSE_TIMEOUT_S = 1.0
"""How long the end of a call waits for writes to its turn's row."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TurnDependencies:
    """What all trackers of a process share."""

    store: TurnStore
    telemetry: Telemetry
    clock: Clock
    local_turns: LocalTurnTable
    executor: Executor
    poll_every_s: float
    grace_ms: float


class TurnTracker:
    """One call of a conversation. `close` must be called; `start` and `answer_started` may not be.

    1. Created: `retry` is the number by this process's own rows. `stopped` may be done already.
    2. `start()`, when a request to a provider was sent: writes the arrival to the table and starts to poll it.
       `renumbered` resolves to a number of 1 or more that only the table knew (`retry` is set to it as well), `stopped`
       to the reason why the caller no longer waits. Neither gets an exception; either may never be done.
    3. `answer_started()`, at the first token: from now on only a later turn stops the call.
    4. `await close()`, when the reply was sent: no task is left running.
    """

    def __init__(
        self,
        dependencies: TurnDependencies,
        call: TurnCall,
        platform_ids: RequestIds = NO_REQUEST_IDS,
        *,
        has_choice: bool = True,
        counts_retries: bool = True,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.renumbered: asyncio.Future[int] = loop.create_future()
        self.stopped: asyncio.Future[Stop] = loop.create_future()
        self._dependencies = dependencies
        self._call = call
        self._platform_ids = platform_ids
        self._has_choice = has_choice
        self._counts_retries = counts_retries
        self._began = dependencies.clock.monotonic()
        self._is_silent = True
        self._has_failed = False
        self._arriving: asyncio.Task[None] | None = None
        self._polling: asyncio.Task[None] | None = None
        self._marking: asyncio.Task[None] | None = None
        known = dependencies.local_turns.find(call)
        self._was_asked = known is not None and _was_asked_before(known, call)
        arrived = dependencies.local_turns.record_arrival(call)
        self.retry = arrived.retry if counts_retries else 0
        self._on_row(arrived.row)
        dependencies.local_turns.subscribe(call, self._on_row)

    @property
    def turn(self) -> Turn:
        """The call's turn, for its trace."""
        return Turn(self._call.ids.turn_id, self.retry, self._call.ids.thread_id)

    def start(self) -> None:
        """A request was sent to a provider. Has an effect once."""
        if self._arriving is None:
            self._arriving = asyncio.create_task(self._arrive())
            self._polling = asyncio.create_task(self._poll())

    def answer_started(self) -> None:
        """The call has its first token. Has an effect once."""
        if not self._is_silent:
            return
        self._is_silent = False
        spoken_ms = milliseconds(self._dependencies.clock.now())
        self._dependencies.local_turns.mark_answered(self._call, spoken_ms)
        is_known = self._arriving is not None and self._arriving.done()
        if self._arriving is not None and self._counts_retries and (not is_known or self._needs_mark(spoken_ms)):
            self._marking = asyncio.create_task(self._mark(self._arriving, spoken_ms))

    async def close(self) -> None:
        """Stop polling, and wait for pending writes for CLOSE_TIMEOUT_S at most."""
        self._dependencies.local_turns.unsubscribe(self._call, self._on_row)
        tasks = [task for task in (self._polling, self._arriving, self._marking) if task is not None]
        if self._polling is None:
            return
        self._polling.cancel()
        try:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S)
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.wait(tasks)

    def _on_row(self, row: TurnRow) -> None:
        """The thread's row has changed, here or in the table."""
        stop = stop_reason(row, self._call, is_silent=self._is_silent and self._counts_retries)
        if stop is not None and not self.stopped.done():
            self.stopped.set_result(stop)

    async def _arrive(self) -> None:
        arrived = await self._ask("arrival", lambda: self._dependencies.store.record_arrival(self._call))
        if arrived is None:
            return
        self._merge(arrived.row)
        row = self._dependencies.local_turns.find(self._call)
        is_last = row is not None and row.arrived_by == self._call.trace_id
        # Where this process has counted other calls of the turn, it has used its own numbers already.
        if arrived.retry and is_last and not self._was_asked and self._counts_retries:
            self.retry = arrived.retry
            if not self.renumbered.done():
                self.renumbered.set_result(arrived.retry)

    async def _poll(self) -> None:
        now, due = self._dependencies.clock.monotonic, self._began
        while not self.stopped.done():
            due = max(due + self._dependencies.poll_every_s, now())
            await asyncio.sleep(due - now())
            row = await self._ask("look", lambda: self._dependencies.store.read_turn(self._call))
            if row is not None:
                self._merge(row)
            elif self._has_failed:
                return  # a failing store is not polled

    async def _mark(self, arriving: "asyncio.Task[None]", spoken_ms: int) -> None:
        await asyncio.wait((arriving,))
        if self._needs_mark(spoken_ms):
            await self._ask("mark", lambda: self._dependencies.store.mark_answered(self._call, spoken_ms))

    def _needs_mark(self, spoken_ms: int) -> bool:
        is_slow = spoken_ms - self._call.arrived_ms >= self._dependencies.grace_ms
        return self._has_choice or self.retry > 0 or is_slow

    def _merge(self, row: TurnRow) -> None:
        self._on_row(row)
        self._dependencies.local_turns.merge(self._call, row)

    async def _ask[T](self, what: str, ask: Callable[[], T]) -> T | None:
        """The store's answer; None where it fails: the call then goes on as if it were the only one."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._dependencies.executor, ask)
        except Exception as error:  # noqa: BLE001 - whatever it is, the call must go on
            if not self._has_failed:
                self._has_failed = True
                telemetry = self._dependencies.telemetry
                telemetry.turn_untracked(self._call.trace_id, what, str(error), self._platform_ids)
            return None


class NoTurn:
    """The tracker of a call without a conversation: it has no retries and is never stopped."""

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

    def answer_started(self) -> None:
        """Has no effect."""

    async def close(self) -> None:
        """Has no effect."""


NO_TURN = NoTurn()

type Tracker = TurnTracker | NoTurn


def milliseconds(moment: datetime) -> int:
    """The moment in whole milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _was_asked_before(row: TurnRow, call: TurnCall) -> bool:
    """Whether the row counts a call of the same turn that this one may be a retry of."""
    return row.turn_id == call.ids.turn_id and row.arrived_ms >= call.arrived_ms - RETRY_WINDOW_MS
