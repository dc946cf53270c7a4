"""An event loop on which waiting takes no time: whenever nothing is left to do, its clock jumps to what is due next."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, override

_TICK_S = 1e-6
"""A jump lands behind what it is for: durations are rounded, and one that falls short would be waited for again."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """For what waits on timers alone. Whatever waits for a socket, a thread or another process would wait for ever."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_Jumping(self))

    @override
    def time(self) -> float:
        return self.now_s


class _Jumping(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everything waits, and no timer is set")
        if not ready and timeout:
            self._loop.now_s += timeout + _TICK_S
        return ready


def run_virtually[T](main: Coroutine[Any, Any, T]) -> T:
    """What the coroutine comes to, on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
