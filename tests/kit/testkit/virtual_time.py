"""An event loop with virtual time: it advances when all tasks wait, without waiting."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

_TICK_S = 1e-6
"""Added to every step: timeouts are rounded, and a step that is too short would be repeated."""


class Deadlock(Exception):
    """No timer is left and the work has not ended: it would wait for ever."""


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock
        if timeout > 0:
            self.now_s += timeout + _TICK_S
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """For work without threads and sockets. Use it through `run_in_virtual_time`."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._virtual.now_s


def run_in_virtual_time[T](work: Coroutine[Any, Any, T]) -> T:
    """Run the work in virtual time and return its result."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
