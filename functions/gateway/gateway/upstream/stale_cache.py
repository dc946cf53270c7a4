"""A cache that serves old values while it reads new ones, so that calls rarely wait for a lookup."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.clock import Clock
from switchboard.domain.bounded_dict import BoundedDict

MAX_ENTRIES = 10_000
MAX_WAIT_S = 0.25
"""How long a call waits for a lookup when it could use an old value: a store that is down takes seconds to fail."""
MAX_WAIT_OLD_S = 2.0
"""The same for a value that is OLD_AFTER times its freshness old: a sandbox that was frozen for long must not act on a
policy or a key that has been replaced since."""
OLD_AFTER = 5
BACKOFF_S = 10.0
"""After a lookup that failed or was too slow, calls wait MAX_WAIT_S at most for this long."""


@dataclass(frozen=True, slots=True)
class Entry[V]:
    """A value and the monotonic moment it was found."""

    value: V
    at: float


class StaleCache[V]:
    """Finds values with a blocking function, in a thread, and keeps them.

    A value younger than `fresh_s` seconds is used as it is; in the second half of that time it is read again in the
    background. After that a call waits for a new value, and uses the old one, up to `stale_s` seconds old, when the
    lookup fails or is slow. A name without a value is looked up each time.
    """

    def __init__(self, find: Callable[[str], V | None], clock: Clock, *, fresh_s: float, stale_s: float) -> None:
        self._find = find
        self._clock = clock
        self._fresh_s = fresh_s
        self._stale_s = stale_s
        self._entries = BoundedDict[str, Entry[V]](MAX_ENTRIES)
        self._backoff_until = 0.0
        self._lookups: dict[str, asyncio.Task[V | None]] = {}

    async def get(self, name: str) -> V | None:
        """The value, or None where there is none. Raises what `find` raises when there is no old value to use."""
        entry = self._entries.get(name)
        age = self._clock.monotonic() - entry.at if entry else float("inf")
        if entry and age < self._fresh_s:
            if age >= self._fresh_s / 2:
                self._start(name)
            return entry.value
        if entry and age < self._stale_s:
            is_old = age >= OLD_AFTER * self._fresh_s and self._clock.monotonic() >= self._backoff_until
            return await self._get_within(name, entry.value, MAX_WAIT_OLD_S if is_old else MAX_WAIT_S)
        return await asyncio.shield(self._start(name))

    async def _get_within(self, name: str, old: V, max_wait_s: float) -> V | None:
        """The new value if its lookup succeeds within that time; else the old one."""
        try:
            async with asyncio.timeout(max_wait_s):
                return await asyncio.shield(self._start(name))
        except Exception:  # noqa: BLE001 - whatever it is, the old value is better than none
            self._backoff_until = self._clock.monotonic() + BACKOFF_S
            return old

    def _start(self, name: str) -> "asyncio.Task[V | None]":
        task = self._lookups.get(name)
        if task is None:
            task = self._lookups[name] = asyncio.get_running_loop().create_task(self._load(name))
            task.add_done_callback(lambda done: self._finish(name, done))
        return task

    async def _load(self, name: str) -> V | None:
        value = await asyncio.to_thread(self._find, name)
        if value is None:
            self._entries.pop(name, None)
        else:
            self._entries[name] = Entry(value, self._clock.monotonic())
        return value

    def _finish(self, name: str, done: "asyncio.Task[V | None]") -> None:
        self._lookups.pop(name, None)
        if not done.cancelled():
            done.exception()  # marks it as retrieved: a failed background lookup is repeated by the next call
