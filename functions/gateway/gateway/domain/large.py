"""Work on large bodies runs beside the event loop, so that other calls of the process go on meanwhile."""

import asyncio
from collections.abc import Callable

LARGE_FROM_COMMAS = 5_000
"""Reading and repairing a body takes time by its values. This many take up to 30 ms, and text takes far less."""
LARGE_FROM_BYTES = 1024 * 1024
"""Of an answer. Its text is looked at several times, and each look at so many bytes takes a millisecond or two."""


def is_large(body: bytes) -> bool:
    """Whether work on a body may take long. Commas inside of texts count too: it is quick and never too low."""
    return body.count(b",") >= LARGE_FROM_COMMAS


async def beside_the_loop[T](body: bytes, work: Callable[[], T]) -> T:
    """The result of some work on a body: of a large one, done in another thread."""
    return await asyncio.to_thread(work) if is_large(body) else work()


async def read_beside_the_loop[T](size: int, read: Callable[[], T]) -> T:
    """What is read of an answer of so many bytes: of a large one, in another thread.

    A cancellation waits for the thread: it may write to what the call is recorded from.
    """
    if size < LARGE_FROM_BYTES:
        return read()
    reading = asyncio.ensure_future(asyncio.to_thread(read))
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        await asyncio.wait((reading,))
        raise
