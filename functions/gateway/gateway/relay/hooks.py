"""What a race of attempts calls, and waits for, beside them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


async def _silence(_words: str) -> None:
    """Buffer words for nobody."""


def _nothing() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a race calls, and waits for, beside its targets.

    `waiting`: a request is out and its answer awaited. `say`: buffer words are due. `retry`: which retry of its turn
    the call is: it starts at the target of that number. `renumbered` resolves when that turns out later. `broken`: the
    gateway failed at an attempt, with the exception under way.
    """

    waiting: Callable[[], None]
    say: Callable[[str], Awaitable[None]] = _silence
    retry: int = 0
    renumbered: "asyncio.Future[int] | None" = None
    broken: Callable[[], None] = _nothing
