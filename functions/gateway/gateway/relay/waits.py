"""Waits for values that may each take so long at most, where there are very many of them in a row."""

import asyncio
from collections.abc import AsyncIterator


class Waits:
    """One timer for all waits of a task: a timer for each, as of `asyncio.timeout`, takes as long as reading an event.

    The timer goes on from wait to wait; when it is due, it looks how long the wait under way may still last. `close`
    must be called.
    """

    __slots__ = ("_is_over", "_loop", "_task", "_timer", "_until_s")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._until_s = 0.0
        self._is_over = False

    async def next_of[T](self, source: AsyncIterator[T], timeout_s: float) -> T | None:
        """The next value, None at the end. Raises TimeoutError where it takes longer.

        A cancellation of the task is passed on. Where no time is left, nothing is read: what can be read without a wait
        would never time out.
        """
        task = asyncio.current_task()
        if timeout_s <= 0 or task is None:
            raise TimeoutError
        cancellations = task.cancelling()
        self._task, self._is_over, self._until_s = task, False, self._loop.time() + timeout_s
        if self._timer is None or self._timer.when() > self._until_s:
            self._set_timer()
        try:
            return await anext(source, None)
        except asyncio.CancelledError as cancelled:
            if self._is_over and task.cancelling() - 1 <= cancellations:
                raise TimeoutError from cancelled
            raise
        finally:
            self._task = None
            if self._is_over:
                task.uncancel()

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self) -> None:
        self.close()
        self._timer = self._loop.call_at(self._until_s, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._task is None:
            return  # the next wait sets the timer again
        if self._loop.time() < self._until_s:
            self._set_timer()
        else:
            self._is_over = True
            self._task.cancel()
