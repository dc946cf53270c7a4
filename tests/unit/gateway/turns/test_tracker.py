"""Calls of a conversation in one process and in several, over one store."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, override

import pytest

from gateway.domain.clock import Clock
from gateway.recording.telemetry import Telemetry
from gateway.turns import tracker
from gateway.turns.tracker import NO_TURN, TurnTracker
from gateway.turns.turns import Turns
from switchboard.domain.trace import Turn
from switchboard.domain.turns import Arrival, Stop, TurnCall, TurnRow
from switchboard.store.ports import StoreUnavailable
from testkit.memory_store import MemoryStore
from testkit.running_gateway import RecordedLog
from testkit.samples import NOON

LOOK_EVERY_S = 0.003
SYSTEM = {"role": "system", "content": "You take bookings."}
ASKED = [SYSTEM, {"role": "user", "content": "A table for two."}]
LATER = [*ASKED, {"role": "assistant", "content": "For"}, {"role": "user", "content": "Tonight!"}]
ASIDE = [{"role": "system", "content": "Summarise."}, *ASKED[1:]]


class WatchedStore(MemoryStore):
    """A store that tells when something was asked of it, and answers when its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.asked: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._answered: asyncio.Queue[str] = asyncio.Queue()

    def _answer[T](self, what: str, ask: Callable[[], T]) -> T:
        self.asked.append(what)
        assert self.gate.wait(5)
        try:
            return ask()
        finally:
            self._loop.call_soon_threadsafe(self._answered.put_nowait, what)

    @override
    def record_arrival(self, call: TurnCall) -> Arrival:
        return self._answer("arrival", lambda: super(WatchedStore, self).record_arrival(call))

    @override
    def mark_answered(self, call: TurnCall, spoken_ms: int) -> None:
        self._answer("mark", lambda: super(WatchedStore, self).mark_answered(call, spoken_ms))

    @override
    def read_turn(self, call: TurnCall) -> TurnRow | None:
        return self._answer("look", lambda: super(WatchedStore, self).read_turn(call))

    async def answered(self, what: str, times: int = 1) -> None:
        """Return when that has been answered so many times more."""
        async with asyncio.timeout(5):
            while times:
                times -= await self._answered.get() == what

    @property
    def row(self) -> TurnRow:
        """The one row that there is."""
        [row] = self.turns.values()
        return row


class Town:
    """Processes that share a store, and the time of day, which is moved by hand."""

    def __init__(self) -> None:
        self.store = WatchedStore()
        self.log = RecordedLog()
        self.now = NOON
        self.watches: list[TurnTracker] = []
        self._names = iter("abcdefghijklmnopqrstuvwxyz")

    def process(self, **options: float) -> Turns:
        """One more process."""
        telemetry = Telemetry(self.log, lambda _metrics, _dimensions: None)
        return Turns(self.store, telemetry, Clock(now=lambda: self.now), **{"look_every_s": LOOK_EVERY_S} | options)

    def call(self, process: Turns, messages: list[dict[str, str]] = ASKED, **options: Any) -> TurnTracker:
        """A call that arrives now."""
        watch = process.begin("acme", "conv_1", messages, self.now, next(self._names), **options)
        assert isinstance(watch, TurnTracker)
        self.watches.append(watch)
        return watch

    async def sent(self, process: Turns, messages: list[dict[str, str]] = ASKED, **options: Any) -> TurnTracker:
        """A call that arrives now and has told the table so."""
        watch = self.call(process, messages, **options)
        watch.start()
        await self.store.answered("arrival")
        return watch

    def tasks(self) -> set[asyncio.Task[Any]]:
        """What goes on for watches."""
        return {task for task in asyncio.all_tasks() if "TurnTracker" in repr(task.get_coro())}

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    town = Town()
    yield town
    town.store.gate.set()
    for watch in town.watches:
        await watch.close()
    assert not town.tasks(), "a closed watch leaves no task behind"


async def done[T](future: "asyncio.Future[T]") -> T:
    async with asyncio.timeout(5):
        return await future


@pytest.mark.parametrize(("conversation", "messages"), [(None, ASKED), ("", ASKED), ("conv_1", [])])
async def test_without_a_conversation_nothing_happens(
    town: Town, conversation: str | None, messages: list[dict[str, str]]
) -> None:
    watch = town.process().begin("acme", conversation, messages, NOON, "a")
    assert watch is NO_TURN
    watch.start()
    watch.spoke()
    await watch.close()
    assert (watch.retry, watch.turn) == (0, None)
    assert not watch.stopped.done()
    assert not watch.renumbered.done()
    assert town.store.asked == []


async def test_a_call_tells_the_table_when_its_request_is_out(town: Town) -> None:
    watch = town.call(town.process())
    assert watch.retry == 0
    assert town.store.turns == {}
    watch.start()
    watch.start()
    assert len(town.tasks()) == 2
    await town.store.answered("arrival")
    assert (town.store.row.arrivals, town.store.row.arrived_by) == (1, "a")
    assert watch.turn == Turn(town.store.row.turn_id, 0)
    await watch.close()
    assert town.store.asked.count("arrival") == 1


async def test_a_retry_in_the_same_process_knows_its_number_at_once(town: Town) -> None:
    process = town.process()
    watches = [await town.sent(process) for _ in range(3)]
    await town.store.answered("look", 3)
    assert [watch.retry for watch in watches] == [0, 1, 2]
    assert not any(watch.renumbered.done() or watch.stopped.done() for watch in watches)


async def test_a_retry_in_another_process_learns_its_number_from_the_table(town: Town) -> None:
    numbers = []
    for _ in range(4):
        watch = await town.sent(town.process())
        numbers.append(watch.retry)
        if len(numbers) > 1:
            assert await done(watch.renumbered) == watch.retry
        town.later(4)
    assert [watch.retry for watch in town.watches] == [0, 1, 2, 3]
    assert not any(watch.stopped.done() for watch in town.watches), "a retry's arrival cancels nothing"


@pytest.mark.parametrize(("earlier", "pause_s"), [(ASKED[:1], 1), (ASKED, 40)])
async def test_what_a_process_knows_of_an_earlier_turn_gives_no_number(
    town: Town, earlier: list[dict[str, str]], pause_s: float
) -> None:
    process = town.process()
    await town.sent(process, earlier)
    town.later(pause_s)
    await town.sent(town.process())
    town.later(4)
    assert await done((await town.sent(process)).renumbered) == 1


async def test_numbers_that_were_given_out_hold(town: Town) -> None:
    process = town.process()
    town.store.gate.clear()
    first, second = town.call(process), town.call(process)
    second.start()
    first.start()
    town.store.gate.set()
    await town.store.answered("arrival", 2)
    await town.store.answered("look")
    assert (first.retry, second.retry) == (0, 1)
    assert not first.renumbered.done()


async def test_the_table_may_know_of_more_retries_than_the_process(town: Town) -> None:
    process = town.process()
    await town.sent(town.process())
    await done((await town.sent(process)).renumbered)
    assert town.call(process).retry == 2


@pytest.mark.parametrize(("silent_s", "is_marked"), [(0.999, False), (1.0, True)])
async def test_an_only_call_marks_its_turn_when_it_has_been_silent_for_long(
    town: Town, silent_s: float, is_marked: bool
) -> None:
    watch = await town.sent(town.process(), has_choice=False)
    await town.store.answered("look")
    town.later(silent_s)
    watch.spoke()
    watch.spoke()
    await watch.close()
    assert town.store.asked.count("mark") == is_marked
    assert town.store.row.spoken_by == ("a" if is_marked else None)


async def test_a_retry_marks_its_turn_however_soon_it_speaks(town: Town) -> None:
    await town.sent(town.process())
    town.store.gate.clear()
    watch = town.call(town.process())
    watch.start()
    watch.spoke()  # before the table has said that it is one
    town.store.gate.set()
    await watch.close()
    assert town.store.row.spoken_by == "b"


async def test_a_call_that_speaks_before_the_table_has_answered_needs_no_mark_either(town: Town) -> None:
    town.store.gate.clear()
    watch = town.call(town.process(), has_choice=False)
    watch.start()
    watch.spoke()
    town.store.gate.set()
    await watch.close()
    assert town.store.row.spoken_by is None


async def test_the_silent_calls_of_an_answered_turn_stop(town: Town) -> None:
    here, there = town.process(), town.process()
    first, beside, elsewhere = await town.sent(here), await town.sent(here), await town.sent(there)
    town.later(5)
    first.spoke()
    assert beside.stopped.done(), "in the same process it is known at once"
    assert await done(beside.stopped) is Stop.SUPERSEDED
    assert await done(elsewhere.stopped) is Stop.SUPERSEDED
    assert not first.stopped.done()


async def test_a_call_that_speaks_as_well_goes_on(town: Town) -> None:
    first, second = await town.sent(town.process()), await town.sent(town.process())
    town.later(5)
    second.spoke()
    first.spoke()
    await town.store.answered("mark", 2)
    await town.store.answered("look", 4)
    assert town.store.row.spoken_by is not None
    assert not first.stopped.done()
    assert not second.stopped.done()


async def test_a_later_turn_stops_calls_that_wait_and_calls_that_stream(town: Town) -> None:
    streaming, waiting = await town.sent(town.process()), await town.sent(town.process())
    streaming.spoke()
    town.later(6)
    later = await town.sent(town.process(), LATER)
    assert await done(streaming.stopped) is Stop.INTERRUPTED
    assert await done(waiting.stopped) is Stop.INTERRUPTED
    assert not later.stopped.done()


async def test_a_later_turn_in_the_same_process_is_known_at_once(town: Town) -> None:
    process = town.process()
    streaming = town.call(process)
    streaming.spoke()
    town.call(process, LATER)
    assert streaming.stopped.result() is Stop.INTERRUPTED


async def test_a_closed_watch_hears_nothing_more(town: Town) -> None:
    process = town.process()
    watch = town.call(process)
    await watch.close()
    town.call(process, LATER)
    assert not watch.stopped.done()


async def test_what_the_table_says_counts_though_the_process_knows_of_a_turn_since(town: Town) -> None:
    process = town.process()
    watch = town.call(process)
    town.later(1)
    await town.sent(town.process(), LATER)
    town.later(1)
    town.call(process, [SYSTEM, {"role": "user", "content": "Hello?"}])
    watch.start()
    assert await done(watch.stopped) is Stop.INTERRUPTED


async def test_a_question_aside_disturbs_nobody(town: Town) -> None:
    main = await town.sent(town.process())
    aside = await town.sent(town.process(), ASIDE)
    assert await done((await town.sent(town.process())).renumbered) == 1
    await town.store.answered("look", 6)
    assert not main.stopped.done()
    assert not aside.stopped.done()


async def test_calls_of_another_kind_ask_something_else(town: Town) -> None:
    process = town.process()
    kinds = [("booking", "gpt"), ("booking", "claude"), ("booking", "gpt")]
    assert [town.call(process, kind=kind).retry for kind in kinds] == [0, 0, 1]


async def test_a_turn_that_was_answered_in_this_process_may_be_asked_again(town: Town) -> None:
    process = town.process()
    (await town.sent(process)).spoke()
    town.later(3)
    again = await town.sent(process)
    await town.store.answered("look", 2)
    assert again.retry == 0
    assert not again.renumbered.done()
    assert not again.stopped.done()


async def test_a_turn_that_was_answered_elsewhere_may_be_asked_again(town: Town) -> None:
    first = await town.sent(town.process())
    town.later(2)
    first.spoke()
    await town.store.answered("mark")
    town.later(1)
    again = await town.sent(town.process())
    await town.store.answered("look", 4)
    assert town.store.row.arrived_by == "b"
    assert not again.renumbered.done()
    assert not again.stopped.done()


async def test_a_quick_answer_is_marked_where_a_retry_could_go_elsewhere(town: Town) -> None:
    (await town.sent(town.process())).spoke()
    await town.store.answered("mark")
    town.later(0.5)
    again = await town.sent(town.process())
    await town.store.answered("look", 4)
    assert (again.retry, again.renumbered.done()) == (0, False)


async def test_where_retries_are_not_counted_a_later_turn_is_still_heard_of(town: Town) -> None:
    process = town.process()
    here, beside = [await town.sent(process, counts_retries=False) for _ in range(2)]
    elsewhere = await town.sent(town.process(), counts_retries=False)
    town.later(2)
    here.spoke()
    await town.store.answered("look", 4)
    for watch in (here, beside, elsewhere):
        assert (watch.retry, watch.renumbered.done(), watch.stopped.done()) == (0, False, False)
    await town.sent(town.process(), LATER)
    for watch in (here, beside, elsewhere):
        assert await done(watch.stopped) is Stop.INTERRUPTED


async def test_a_straggler_stops_when_it_tells_of_its_arrival(town: Town) -> None:
    here = town.process()
    arrived_at = town.now
    town.later(1)
    await town.sent(here, LATER)
    town.now = arrived_at
    assert await done(town.call(here).stopped) is Stop.INTERRUPTED
    elsewhere = town.call(town.process(look_every_s=60))
    elsewhere.start()
    assert await done(elsewhere.stopped) is Stop.INTERRUPTED


async def test_looks_end_when_the_call_is_stopped(town: Town) -> None:
    first, second = await town.sent(town.process()), await town.sent(town.process())
    town.later(2)
    first.spoke()
    await done(second.stopped)
    await first.close()
    assert not town.tasks()


async def test_the_first_look_comes_an_interval_after_the_arrival(town: Town) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await town.sent(town.process(look_every_s=0.05))
    await town.store.answered("look")
    assert loop.time() - began >= 0.045


@pytest.mark.parametrize("error", [StoreUnavailable("Could not connect"), KeyError("turn_id")])
async def test_no_call_suffers_from_the_table(town: Town, error: Exception) -> None:
    town.store.fail_with(error)
    watch = town.call(town.process())
    watch.start()
    await town.store.answered("look")
    if tasks := town.tasks():
        await asyncio.wait(tasks, timeout=5)
    assert not town.tasks()
    town.later(2)
    watch.spoke()
    await watch.close()
    assert not watch.stopped.done()
    assert not watch.renumbered.done()
    [(level, event, fields)] = town.log.lines
    assert (level, event) == ("warning", "turn.untracked")
    # On a busy machine the first look may be answered before the arrival is.
    assert fields["what"] in {"arrival", "look"}
    assert fields == {"trace_id": "a", "what": fields["what"], "reason": str(error)}
    assert town.store.asked.count("look") == 1, "a table in trouble is left alone"


async def test_the_end_of_a_call_waits_for_its_writes(town: Town) -> None:
    watch = town.call(town.process(look_every_s=60))
    town.store.gate.clear()
    watch.start()
    closing = asyncio.create_task(watch.close())
    await asyncio.sleep(0)
    town.store.gate.set()
    async with asyncio.timeout(tracker.PATIENCE_S / 2):
        await closing
    assert town.store.row.arrived_by == "a"


async def test_the_end_of_a_call_does_not_wait_for_ever(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    monkeypatch.setattr(tracker, "PATIENCE_S", 0.01)
    watch = town.call(town.process())
    town.store.gate.clear()
    watch.start()
    await asyncio.sleep(0)
    watch.spoke()
    async with asyncio.timeout(2):
        await watch.close()
    assert not town.tasks()
    town.store.fail_with(StoreUnavailable("too late"))
    town.store.gate.set()
    await town.store.answered("arrival")
    town.watches.clear()
    del watch
    gc.collect()
    assert complaints == []


async def test_a_call_that_was_never_sent_is_closed_without_a_word(town: Town) -> None:
    watch = town.call(town.process())
    watch.spoke()
    await watch.close()
    await watch.close()
    assert town.store.asked == []
