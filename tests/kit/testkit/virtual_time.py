"""An event loop whose time passes only while everybody waits, and then at once."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

_TICK_S = 1e-6
"""A jump lands behind what it is for: durations are rounded, and one that fell short would be waited for again."""


class NobodyWaits(Exception):
    """Nothing is due any more, and the work has not ended: it would wait for ever."""


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NobodyWaits
        if timeout > 0:
            self.now_s += timeout + _TICK_S
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """For work that touches neither threads nor sockets. Use it through `run_in_virtual_time`."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._virtual.now_s


def run_in_virtual_time[T](work: Coroutine[Any, Any, T]) -> T:
    """What the work comes to; an hour of waiting takes no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
