"""What becomes of records where the store is slow, away, or refuses them."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from gateway.recording.record_queue import ENDING, FULL, MAX_PAUSE_S, Record, RecordQueue
from switchboard.domain.trace import Bodies, Status, Trace
from switchboard.store.ports import BodiesUnwritten, RowRefused, StoreUnavailable
from testkit.inline_executor import InlineExecutor
from testkit.memory_store import MemoryStore
from testkit.samples import an_open_trace
from testkit.virtual_time import run_in_virtual_time

BODIES = Bodies(b"a request", b"an answer")


def ignore(_waiting: int) -> None:
    """Nobody watches."""


class ScriptedStore(MemoryStore):
    """A store that asks `fails` before each write: an exception is raised, None lets the write through."""

    def __init__(self, fails: Callable[[Trace], Exception | None]) -> None:
        super().__init__()
        self._fails = fails

    def open_trace(self, trace: Trace) -> None:
        """Write it, or raise."""
        self._raise(trace)
        super().open_trace(trace)

    def complete_trace(self, trace: Trace, bodies: Bodies) -> None:
        """Write it, or raise."""
        self._raise(trace)
        super().complete_trace(trace, bodies)

    def _raise(self, trace: Trace) -> None:
        error = self._fails(trace)
        if error is not None:
            raise error


class Bench:
    """A queue before a scripted store. `unwritten`: what was given up, with the reason."""

    def __init__(
        self, fails: Callable[[Trace], Exception | None] = lambda _trace: None, max_waiting_bytes: int = 10**9
    ) -> None:
        self.store, self.executor = ScriptedStore(fails), InlineExecutor()
        self.unwritten: list[tuple[Trace, str, bool]] = []
        self.queue = RecordQueue(
            self.store,
            lambda record, reason: self.unwritten.append((record.trace, reason, record.has_row)),
            Random(1),
            writers=self.executor,
            max_waiting_bytes=max_waiting_bytes,
        )

    def put(self, bodies: Bodies = BODIES, *, is_open: bool = False) -> Record:
        """A new record."""
        trace = replace(an_open_trace(), status=Status.OPEN if is_open else Status.OK)
        record = Record(trace, asyncio.get_running_loop().create_future(), bodies, is_open=is_open)
        self.queue.put(record)
        return record

    def statuses(self) -> list[Status]:
        """Of all rows in the store."""
        return [trace.status for trace in self.store.traces.values()]


def test_a_store_that_is_away_for_four_seconds_loses_no_record() -> None:
    async def scenario() -> Bench:
        loop = asyncio.get_running_loop()
        bench = Bench(lambda _trace: StoreUnavailable("away") if loop.time() < 4 else None)
        for _ in range(200):
            bench.put()
        assert await bench.queue.drain(until_s=None, progress=ignore) == 0
        assert loop.time() < 4 + MAX_PAUSE_S + 0.1
        return bench

    bench = run_in_virtual_time(scenario())
    assert bench.statuses() == [Status.OK] * 200
    assert bench.unwritten == []
    assert set(bench.store.bodies.values()) == {BODIES}


def test_a_store_that_fails_a_third_of_its_writes_loses_no_record() -> None:
    async def scenario() -> Bench:
        chance = Random(3)
        bench = Bench(lambda _trace: StoreUnavailable("500") if chance.random() < 0.3 else None)
        for _ in range(100):
            bench.put()
            await asyncio.sleep(0.025)
        assert await bench.queue.drain(until_s=5, progress=ignore) == 0
        return bench

    bench = run_in_virtual_time(scenario())
    assert (bench.statuses(), bench.unwritten) == ([Status.OK] * 100, [])


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "is away"])
def test_what_is_left_when_the_process_ends_is_told_once(hangs: bool) -> None:
    async def scenario() -> Bench:
        bench = Bench(lambda _trace: StoreUnavailable("away"))
        bench.executor.hangs = hangs
        records = [bench.put() for _ in range(5)]
        assert await bench.queue.drain(until_s=3, progress=ignore) == 5
        assert asyncio.get_running_loop().time() == pytest.approx(3, abs=0.01)
        assert [record.over.result() for record in records] == [False] * 5
        assert bench.queue.waiting == 0
        return bench

    bench = run_in_virtual_time(scenario())
    assert len({trace.trace_id for trace, _, _ in bench.unwritten}) == len(bench.unwritten) == 5
    assert {reason for _, reason, _ in bench.unwritten} <= {ENDING, "away"}


def test_records_are_told_when_the_loop_ends_or_the_drain_is_cancelled() -> None:
    async def scenario(bench: Bench, *, drains: bool) -> None:
        bench.executor.hangs = True
        bench.put()
        draining = asyncio.create_task(bench.queue.drain(until_s=None, progress=ignore)) if drains else None
        await asyncio.sleep(0.1)
        if draining is not None:
            draining.cancel()
            await asyncio.wait((draining,))
            assert len(bench.unwritten) == 1

    for drains in (True, False):
        bench = Bench()
        run_in_virtual_time(scenario(bench, drains=drains))
        assert [reason for _, reason, _ in bench.unwritten] == [ENDING]


def test_progress_counts_down() -> None:
    async def scenario() -> list[int]:
        bench, heard = Bench(lambda _trace: None), []  # type: tuple[Bench, list[int]]
        bench.put(is_open=True)
        for _ in range(3):
            bench.put()
        assert bench.queue.waiting == 3
        await bench.queue.drain(until_s=None, progress=heard.append)
        return heard

    heard = run_in_virtual_time(scenario())
    assert (heard[0], heard) == (3, sorted(heard, reverse=True))


def test_a_row_that_the_store_will_never_take_holds_up_no_other() -> None:
    async def scenario() -> Bench:
        answers = iter([RowRefused("too large"), None])
        bench = Bench(lambda _trace: next(answers))
        bench.put()
        bench.put()
        assert await bench.queue.drain(until_s=1, progress=ignore) == 0
        return bench

    bench = run_in_virtual_time(scenario())
    assert bench.statuses() == [Status.OK]
    assert [reason for _, reason, _ in bench.unwritten] == ["too large"]


def test_an_error_that_is_not_the_stores_is_told_without_its_text() -> None:
    tries = 0

    def break_down(_trace: Trace) -> Exception:
        nonlocal tries
        tries += 1
        return KeyError("what the caller said")

    async def scenario() -> Bench:
        bench = Bench(break_down)
        record = bench.put()
        await record.over
        return bench

    bench = run_in_virtual_time(scenario())
    assert tries == 3
    [(_, reason, _)] = bench.unwritten
    assert reason.startswith("KeyError at test_record_queue.py:")
    assert "said" not in reason


def test_bodies_alone_that_are_not_written_are_told_as_such() -> None:
    def refuse(_trace: Trace) -> Exception:
        error = BodiesUnwritten("too large")
        error.__cause__ = RowRefused("too large")
        return error

    async def scenario() -> Bench:
        bench = Bench(refuse)
        await bench.put().over
        return bench

    [(_, reason, has_row)] = run_in_virtual_time(scenario()).unwritten
    assert (reason, has_row) == ("too large", True)


def test_beyond_the_bound_a_record_is_given_up_at_once_and_later_ones_have_room_again() -> None:
    async def scenario() -> Bench:
        is_away = True
        bench = Bench(lambda _trace: StoreUnavailable("away") if is_away else None, max_waiting_bytes=100_000)
        large = Bodies(b"x" * 30_000, b"")
        kept = [bench.put(large) for _ in range(2)]
        beyond = bench.put(large)
        assert beyond.over.result() is False
        assert [(trace, reason) for trace, reason, _ in bench.unwritten] == [(beyond.trace, FULL)]
        is_away = False
        assert [await record.over for record in kept] == [True, True]
        assert await bench.put(large).over
        return bench

    assert len(run_in_virtual_time(scenario()).unwritten) == 1


def test_an_open_row_that_is_dropped_is_not_told() -> None:
    async def scenario() -> Bench:
        bench = Bench(lambda _trace: StoreUnavailable("away"))
        opening = bench.put(is_open=True)
        await asyncio.sleep(1)
        bench.queue.drop(opening)
        await asyncio.sleep(MAX_PAUSE_S)
        return bench

    bench = run_in_virtual_time(scenario())
    assert (bench.unwritten, bench.statuses()) == ([], [])


def test_a_store_that_fails_some_writes_is_not_slowed_down() -> None:
    async def scenario() -> float:
        chance = Random(3)
        bench = Bench(lambda _trace: StoreUnavailable("500") if chance.random() < 0.5 else None)
        for _ in range(300):
            bench.put()
        assert await bench.queue.drain(until_s=None, progress=ignore) == 0
        return asyncio.get_running_loop().time()

    assert run_in_virtual_time(scenario()) < 6


def test_a_store_that_is_away_is_asked_about_once_a_second() -> None:
    async def scenario() -> int:
        tries = 0

        def count(_trace: Trace) -> Exception:
            nonlocal tries
            tries += 1
            return StoreUnavailable("away")

        bench = Bench(count)
        for _ in range(300):
            bench.put()
        await bench.queue.drain(until_s=60, progress=ignore)
        return tries

    assert 60 < run_in_virtual_time(scenario()) < 180


def test_after_a_record_is_written_the_next_one_finds_a_worker_at_any_moment() -> None:
    async def scenario() -> None:
        bench = Bench()
        for turns in range(8):
            assert await bench.put().over
            for _ in range(turns):
                await asyncio.sleep(0)

    run_in_virtual_time(scenario())
