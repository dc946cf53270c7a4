"""Large bodies are worked on beside the event loop; what belongs to a call is never left to a thread."""

import asyncio
from threading import Event, current_thread, main_thread

import pytest

from gateway.domain.large import (
    LARGE_FROM_BYTES,
    LARGE_FROM_COMMAS,
    beside_the_loop,
    is_large,
    read_beside_the_loop,
)


def _is_beside() -> bool:
    return current_thread() is not main_thread()


async def test_work_on_a_body_of_many_values_is_done_in_another_thread() -> None:
    assert await beside_the_loop(b"," * LARGE_FROM_COMMAS, _is_beside)
    assert not await beside_the_loop(b"," * (LARGE_FROM_COMMAS - 1), _is_beside)
    assert not is_large(b"a" * LARGE_FROM_BYTES)


async def test_an_answer_of_many_bytes_is_read_in_another_thread() -> None:
    assert await read_beside_the_loop(LARGE_FROM_BYTES, _is_beside)
    assert not await read_beside_the_loop(LARGE_FROM_BYTES - 1, _is_beside)


async def test_errors_of_both_are_raised() -> None:
    def fail() -> None:
        raise KeyError("x")

    for size in (0, LARGE_FROM_BYTES):
        with pytest.raises(KeyError):
            await read_beside_the_loop(size, fail)


async def test_a_cancelled_call_waits_for_the_thread_that_reads_its_answer() -> None:
    begun, may_end, over = Event(), Event(), []

    def read() -> None:
        begun.set()
        assert may_end.wait(10)
        over.append(True)

    reading = asyncio.create_task(read_beside_the_loop(LARGE_FROM_BYTES, read))
    assert await asyncio.to_thread(begun.wait, 10)
    reading.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not reading.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert over == [True]
