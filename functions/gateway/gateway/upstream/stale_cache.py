"""A cache that serves old values while it reads new ones, so that calls rarely wait for a look-up."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gateway.domain.clock import Clock
from gateway.upstream.lookup_thread import in_thread
from switchboard.domain.bounded_dict import BoundedDict
from switchboard.domain.limits import MAX_KEY_LOOKUPS, MAX_UNKNOWN_KEYS

MAX_ENTRIES = 10_000
MAX_WAIT_OLD_S = 1.0
"""How long a call waits for a newer value than an old one."""
AWAY_S = 60.0
"""After a look-up that failed or was late, no call waits for a newer value for this long."""
MAX_REFRESHES = 2
"""Look-ups under way of values that are known. They do not count as MAX_KEY_LOOKUPS: unknown keys leave them alone."""


class LookupLate(Exception):
    """The look-up did not end in time, and there is no value to use meanwhile."""

    def __init__(self, waited_s: float) -> None:
        super().__init__(f"the look-up took longer than {waited_s:g} s")


type Moment = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Entry[V]:
    """A value and the moment at which its look-up began."""

    value: V
    at: Moment


class StaleCache[V]:
    """Finds values with a blocking function, in threads of its own, and keeps them.

    A value younger than `old_s` is used as it is; from half of `fresh_s` on, one look-up beside the calls replaces it.
    In a process that has calls a value never becomes old. In one that was idle or frozen, a call waits MAX_WAIT_OLD_S
    for a newer value, unless look-ups are known to fail, and uses the old one, up to `stale_s` old, when there is none
    in time. For a name that is not in memory a call waits up to `first_wait_s`. That a name has no value is used for
    `missing_s` after its look-up began, and is remembered apart: many such names drop no value. All in seconds.
    """

    def __init__(
        self,
        find: Callable[[str], V | None],
        clock: Clock,
        *,
        fresh_s: float,
        old_s: float,
        stale_s: float,
        first_wait_s: float,
        missing_s: float = 0,
    ) -> None:
        self._find = find
        self._clock = clock
        self._fresh_s = fresh_s
        self._old_s = old_s
        self._stale_s = stale_s
        self._first_wait_s = first_wait_s
        self._missing_s = missing_s
        self._entries = BoundedDict[str, Entry[V]](MAX_ENTRIES)
        self._missing = BoundedDict[str, Moment](MAX_UNKNOWN_KEYS)
        self._running: dict[str, asyncio.Future[V | None]] = {}
        self._free = asyncio.Semaphore(MAX_KEY_LOOKUPS)
        self._refreshes = 0
        self._failed_at: Moment | None = None

    async def get(self, name: str) -> V | None:
        """The value, or None where there is none. Raises what `find` raises, or LookupLate, without an old value."""
        entry = self._entries.get(name)
        if entry is None:
            return None if self._is_missing(name) else await self._first(name)
        age_s = self._clock.age_s(entry.at)
        if age_s >= self._stale_s:
            return await self._first(name)
        if age_s >= self._old_s and not self._is_away():
            return await self._newer(name, entry.value)
        if age_s >= self._fresh_s / 2:
            self._refresh(name)
        return entry.value

    async def _first(self, name: str) -> V | None:
        try:
            async with asyncio.timeout(self._first_wait_s):
                return await self._look_up(name)
        except TimeoutError as late:
            raise LookupLate(self._first_wait_s) from late

    async def _newer(self, name: str, old: V) -> V | None:
        """The new value if its look-up succeeds in time; else the old one."""
        try:
            async with asyncio.timeout(MAX_WAIT_OLD_S):
                return await self._look_up(name)
        except Exception:  # noqa: BLE001 - whatever it is, the old value is better than none
            self._failed_at = self._clock.moment()
            return old

    async def _look_up(self, name: str) -> V | None:
        running = self._running.get(name)
        if running is None:
            await self._free.acquire()  # the caller's own wait: one that gives up leaves nothing behind
            running = self._running.get(name)
            if running is None:
                running = self._start(name, self._free.release)
            else:
                self._free.release()
        return await asyncio.shield(running)

    def _refresh(self, name: str) -> None:
        """Look the value up beside the calls. Where too many are refreshed already, a later call does it."""
        if name not in self._running and self._refreshes < MAX_REFRESHES:
            self._refreshes += 1
            self._start(name, self._refreshed)

    def _refreshed(self) -> None:
        self._refreshes -= 1

    def _start(self, name: str, ended: Callable[[], None]) -> "asyncio.Future[V | None]":
        running = self._running[name] = in_thread("look-up", partial(self._find, name))
        running.add_done_callback(partial(self._finish, name, self._clock.moment(), ended))
        return running

    def _finish(self, name: str, began: Moment, ended: Callable[[], None], done: "asyncio.Future[V | None]") -> None:
        ended()
        del self._running[name]
        if done.cancelled():
            return
        if done.exception() is not None:
            self._failed_at = self._clock.moment()
            return
        self._failed_at = None
        value = done.result()
        if value is None:
            self._entries.pop(name, None)
            self._missing[name] = began
        else:
            self._missing.pop(name, None)
            self._entries[name] = Entry(value, began)

    def _is_missing(self, name: str) -> bool:
        """Whether a look-up that began less than `missing_s` ago found no value."""
        began = self._missing.get(name)
        return began is not None and self._clock.age_s(began) < self._missing_s

    def _is_away(self) -> bool:
        return self._failed_at is not None and self._clock.age_s(self._failed_at) < AWAY_S
