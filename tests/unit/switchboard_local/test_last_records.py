"""At the end, finished calls are written as long as the database takes them; the rest is dropped, and counted."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.recording.record_queue import Record, RecordQueue
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store.ports import StoreUnavailable
from switchboard_local import last_records
from switchboard_local.last_records import CALLS_S, HURRIED_S, STALLED_S, LastRecords
from testkit.inline_executor import InlineExecutor
from testkit.memory_store import MemoryStore
from testkit.samples import an_open_trace
from testkit.virtual_time import run_in_virtual_time

WRITING = "  Writing 8 traces … (Ctrl-C again drops them)"
WRITTEN = "  All traces are written."
COUNT = 8


class Store(MemoryStore):
    """A store that takes a record only where `takes` says so."""

    def __init__(self, takes: Callable[[], bool]) -> None:
        super().__init__()
        self._takes = takes

    def complete_trace(self, trace: Trace, bodies: Bodies) -> None:
        """Write it, or raise."""
        if not self._takes():
            raise StoreUnavailable("away")
        super().complete_trace(trace, bodies)


class Scene:
    """Eight finished calls, and what the end makes of them."""

    def __init__(self, takes: Callable[[float, int], bool]) -> None:
        """`takes` is asked with the time and the number of records that are written."""
        self._loop = asyncio.get_running_loop()
        self.store = Store(lambda: takes(self._loop.time(), len(self.store.traces)))
        self.dropped: list[Record] = []
        self.queue = RecordQueue(
            self.store, lambda record, _: self.dropped.append(record), Random(1), writers=InlineExecutor()
        )
        self.shown: list[str] = []
        self.calls: list[asyncio.Task[None]] = []
        self.hurry = asyncio.Event()
        self.ended_at = 0.0

    def put(self, count: int = COUNT) -> None:
        for _ in range(count):
            trace = replace(an_open_trace(), status=Status.OK)
            self.queue.put(Record(trace, self._loop.create_future(), Bodies(b"a", b"b")))

    async def end(self, hurried_after_s: float | None = None) -> None:
        """Run the end to its end."""
        last = LastRecords(self.queue, self.shown.append, Path("gateway.log"))
        if hurried_after_s is not None:
            self._loop.call_later(hurried_after_s, self.hurry.set)
        await last.write(self.calls, self.hurry)
        self.ended_at = self._loop.time()
        assert len(self.store.traces) + len(self.dropped) == COUNT, "nothing is lost without a word"
        assert all(record.over.done() for record in self.dropped)

    def call(self, runs_s: float) -> None:
        """A call in progress, whose record comes when it ends."""

        async def run() -> None:
            await asyncio.sleep(runs_s)
            self.put(1)

        self.calls.append(self._loop.create_task(run()))


def play(act: Callable[[], Coroutine[Any, Any, Scene]]) -> Scene:
    scene: Scene = run_in_virtual_time(act())
    return scene


def always(_now: float, _written: int) -> bool:
    return True


def never(_now: float, _written: int) -> bool:
    return False


def test_a_database_that_is_well_gets_all() -> None:
    async def act() -> Scene:
        scene = Scene(always)
        scene.put()
        await scene.end()
        return scene

    scene = play(act)
    assert scene.shown == [WRITING, WRITTEN]
    assert scene.ended_at < 1


def test_without_records_nothing_is_said() -> None:
    async def act() -> Scene:
        scene = Scene(always)
        scene.put()
        await asyncio.sleep(1)
        await scene.end()
        return scene

    assert play(act).shown == []


def test_a_database_that_takes_nothing_is_soon_given_up() -> None:
    async def act() -> Scene:
        scene = Scene(never)
        scene.put()
        await scene.end()
        return scene

    scene = play(act)
    assert scene.ended_at == pytest.approx(STALLED_S, abs=0.1)
    assert len(scene.dropped) == COUNT
    assert scene.shown[0] == WRITING
    assert scene.shown[-1].startswith(
        "  8 traces could not be written. Each is a line `trace.unwritten` in gateway.log,"
    )


def test_a_slow_database_is_waited_for_as_long_as_it_takes_records() -> None:
    async def act() -> Scene:
        scene = Scene(lambda now, written: now > written * 3)
        scene.put()
        await scene.end()
        return scene

    scene = play(act)
    assert scene.ended_at > 2 * STALLED_S
    assert scene.dropped == []
    assert scene.shown[-1] == WRITTEN
    assert "  4 traces left …" in scene.shown


def test_a_database_that_would_take_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_records, "LONGEST_S", 10.0)

    async def act() -> Scene:
        scene = Scene(lambda now, written: now > written * 2.5)
        scene.put()
        await scene.end()
        return scene

    scene = play(act)
    assert scene.ended_at == pytest.approx(10, abs=0.1)
    assert 2 < len(scene.dropped) < COUNT


def test_ctrl_c_drops_the_rest_at_once() -> None:
    async def act() -> Scene:
        scene = Scene(lambda _, written: written < 3)
        scene.put()
        await scene.end(hurried_after_s=1)
        return scene

    scene = play(act)
    assert scene.ended_at == pytest.approx(1, abs=0.1)
    assert len(scene.dropped) == 5
    assert scene.shown[-1].startswith("  5 traces could not be written.")


def test_a_second_signal_before_leaves_little_time() -> None:
    async def act() -> Scene:
        scene = Scene(lambda now, written: now > written * 1.5)
        scene.put()
        scene.hurry.set()
        await scene.end()
        return scene

    scene = play(act)
    assert scene.ended_at == pytest.approx(HURRIED_S, abs=0.1)
    assert 0 < len(scene.dropped) < COUNT


@pytest.mark.parametrize("takes", [always, never])
def test_calls_that_are_being_cancelled_may_end_first(takes: Callable[[float, int], bool]) -> None:
    async def act() -> Scene:
        scene = Scene(takes)
        for _ in range(COUNT):
            scene.call(runs_s=1.5)
        await scene.end()
        return scene

    scene = play(act)
    assert len(scene.dropped) == (0 if takes is always else COUNT)
    assert scene.ended_at < CALLS_S + STALLED_S
