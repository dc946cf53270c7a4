"""Measures how late an event loop runs what is due: the part of a measured time that is the machine's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

_EVERY_S = 0.01


@dataclass(slots=True)
class LoopLag:
    """The sum of all delays so far, in milliseconds."""

    total_ms: float = 0.0


@asynccontextmanager
async def loop_lag() -> AsyncIterator[LoopLag]:
    """Measure the running event loop for as long as the block lasts."""
    lag = LoopLag()
    measuring = asyncio.create_task(_measure(lag))
    try:
        yield lag
    finally:
        measuring.cancel()
        await asyncio.wait([measuring])


async def _measure(lag: LoopLag) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due_at = loop.time() + _EVERY_S
        await asyncio.sleep(_EVERY_S)
        lag.total_ms += max(0.0, loop.time() - due_at) * 1000
