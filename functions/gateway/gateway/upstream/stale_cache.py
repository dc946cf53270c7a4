"""Look-ups that are remembered, so that the path of a call rarely waits for one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.clock import Clock

MAX_ENTRIES = 10_000
PATIENCE_S = 0.25
"""How long a call waits for a look-up when an old value would do: a store that is down takes seconds to say so."""
OLD_PATIENCE_S = 2.0
"""How long where the value has not been looked up for a while: a sandbox that was asleep must not act on old orders."""
OLD_AFTER = 5
"""From so many times its freshness on a value is that old."""
TROUBLE_S = 10.0
"""How long after a look-up that was too slow no call waits longer than it must."""


@dataclass(frozen=True, slots=True)
class Remembered[V]:
    """A found value and the monotonic moment it was found."""

    value: V
    at: float


class StaleCache[V]:
    """Finds values by a blocking function, in a thread, and remembers what it found.

    A value is used for `fresh_s` seconds. In the second half of them it is looked up again beside the call. When the
    look-up is slow the old value holds for this call, and when it fails for up to `stale_s`. The older the value, the
    slower the look-up may be. What was not found is not remembered.
    """

    def __init__(self, find: Callable[[str], V | None], clock: Clock, *, fresh_s: float, stale_s: float) -> None:
        self._find = find
        self._clock = clock
        self._fresh_s = fresh_s
        self._stale_s = stale_s
        self._known: dict[str, Remembered[V]] = {}
        self._trouble_until = 0.0
        self._under_way: dict[str, asyncio.Task[V | None]] = {}

    async def get(self, name: str) -> V | None:
        """The value, or None where there is none. Raises what `find` raises when nothing remembered will do."""
        known = self._known.get(name)
        age = self._clock.monotonic() - known.at if known else float("inf")
        if known and age < self._fresh_s:
            if age >= self._fresh_s / 2:
                self._start(name)
            return known.value
        if known and age < self._stale_s:
            is_old = age >= OLD_AFTER * self._fresh_s and self._clock.monotonic() >= self._trouble_until
            patience_s = OLD_PATIENCE_S if is_old else PATIENCE_S
            return await self._get_unless_slow(name, known.value, patience_s)
        return await asyncio.shield(self._start(name))

    async def _get_unless_slow(self, name: str, old: V, patience_s: float) -> V | None:
        """The value as it is now, if that can be learnt soon; else the old one."""
        try:
            async with asyncio.timeout(patience_s):
                return await asyncio.shield(self._start(name))
        except Exception:  # noqa: BLE001 - whatever it is, the old value is better than none
            self._trouble_until = self._clock.monotonic() + TROUBLE_S
            return old

    def _start(self, name: str) -> "asyncio.Task[V | None]":
        task = self._under_way.get(name)
        if task is None:
            task = self._under_way[name] = asyncio.get_running_loop().create_task(self._load(name))
            task.add_done_callback(lambda done: self._settle(name, done))
        return task

    async def _load(self, name: str) -> V | None:
        value = await asyncio.to_thread(self._find, name)
        self._known.pop(name, None)
        if value is not None:
            self._known[name] = Remembered(value, self._clock.monotonic())
            if len(self._known) > MAX_ENTRIES:
                del self._known[next(iter(self._known))]
        return value

    def _settle(self, name: str, done: "asyncio.Task[V | None]") -> None:
        self._under_way.pop(name, None)
        if not done.cancelled():
            done.exception()  # a refresh beside a call may fail in silence: the next one tries again
