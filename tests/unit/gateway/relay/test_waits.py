"""One timer for many waits ends each of them as `asyncio.timeout` would."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.relay.waits import Waits


async def _after(*pauses_s: float) -> AsyncIterator[int]:
    for number, pause_s in enumerate(pauses_s):
        await asyncio.sleep(pause_s)
        yield number


async def test_values_that_come_in_time_are_passed_on_and_then_the_end() -> None:
    waits, source = Waits(), _after(0, 0.01, 0.01)
    assert [await waits.next_of(source, 30) for _ in range(5)] == [0, 1, 2, None, None]
    waits.close()


async def test_a_wait_that_takes_too_long_is_ended_and_the_task_goes_on() -> None:
    waits, task = Waits(), asyncio.current_task()
    with pytest.raises(TimeoutError):
        await waits.next_of(_after(30), 0.01)
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)
    assert await waits.next_of(_after(0), 30) == 0
    waits.close()


async def test_a_later_wait_has_its_own_time() -> None:
    waits, source = Waits(), _after(0.02, 0.05, 30)
    assert await waits.next_of(source, 0.04) == 0
    assert await waits.next_of(source, 30) == 1  # the first wait's timer comes due meanwhile
    with pytest.raises(TimeoutError):
        await waits.next_of(source, 0.01)  # sooner than the timer that is set
    waits.close()


async def test_where_no_time_is_left_nothing_is_read() -> None:
    source = _after(0)
    with pytest.raises(TimeoutError):
        await Waits().next_of(source, 0)
    assert await anext(source) == 0


async def test_a_cancellation_of_the_task_is_no_timeout() -> None:
    waits = Waits()
    waiting = asyncio.create_task(waits.next_of(_after(30), 30))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    waits.close()


async def test_a_cancellation_counts_though_the_time_is_over_as_well() -> None:
    waits, is_cancelled = Waits(), asyncio.Event()

    async def slow_to_end() -> AsyncIterator[int]:
        try:
            await asyncio.sleep(30)
        finally:
            is_cancelled.set()
            await asyncio.sleep(0.01)
        yield 0

    waiting = asyncio.create_task(waits.next_of(slow_to_end(), 0.01))
    await is_cancelled.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    waits.close()


async def test_what_the_source_raises_is_passed_on() -> None:
    async def broken() -> AsyncIterator[int]:
        raise KeyError("x")
        yield 0

    with pytest.raises(KeyError):
        await Waits().next_of(broken(), 30)


async def test_a_timer_that_comes_due_between_two_waits_ends_none() -> None:
    waits, source = Waits(), _after(0, 0.01)
    assert await waits.next_of(source, 0.01) == 0
    await asyncio.sleep(0.03)
    assert await waits.next_of(source, 30) == 1
    waits.close()
