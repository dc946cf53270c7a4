import asyncio
import threading
import time

import pytest

from gateway.domain.clock import Clock
from gateway.upstream import stale_cache
from gateway.upstream.stale_cache import StaleCache

FRESH_S = 60
STALE_S = 3600


class Store:
    """A store: values by name, the lookups made, an error to raise, a gate that holds lookups back."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.lookups: list[str] = []
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def find(self, name: str) -> str | None:
        """The value, once the gate is open."""
        self.lookups.append(name)
        assert self.gate.wait(5)
        if self.error is not None:
            raise self.error
        return self.values.get(name)


class ManualClock:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    @property
    def clock(self) -> Clock:
        """The clock."""
        return Clock(monotonic=lambda: self.seconds)


def _cache(store: Store, now: ManualClock) -> StaleCache[str]:
    return StaleCache(store.find, now.clock, fresh_s=FRESH_S, stale_s=STALE_S)


async def _ended(tasks: set[asyncio.Task[object]]) -> None:
    """Return when all of them have ended. There must be at least one."""
    _, running = await asyncio.wait(tasks, timeout=5)
    assert not running


async def test_a_fresh_value_is_found_once() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    for _ in range(3):
        assert await cache.get("a") == "1"
        now.seconds += FRESH_S / 2 - 20
    assert store.lookups == ["a"]


async def test_in_the_second_half_of_its_freshness_a_value_is_refreshed_in_the_background() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("a")
    store.values["a"] = "2"
    store.gate.clear()
    now.seconds += FRESH_S / 2
    before = asyncio.all_tasks()
    assert await cache.get("a") == "1", "the call does not wait"
    store.gate.set()
    await _ended(asyncio.all_tasks() - before)
    assert await cache.get("a") == "2"
    assert store.lookups == ["a", "a"]


async def test_a_stale_value_makes_the_call_wait_for_the_new_one() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("a")
    store.values["a"] = "2"
    now.seconds += FRESH_S
    assert await cache.get("a") == "2"


async def test_a_deleted_value_is_removed() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("a")
    del store.values["a"]
    now.seconds += FRESH_S
    assert await cache.get("a") is None
    store.error = OSError("down")
    with pytest.raises(OSError, match="down"):
        await cache.get("a")


async def test_a_missing_value_is_looked_up_each_time() -> None:
    store, now = Store(), ManualClock()
    cache = _cache(store, now)
    assert await cache.get("a") is None
    store.values["a"] = "1"
    assert await cache.get("a") == "1"
    assert store.lookups == ["a", "a"]


async def test_when_the_lookup_fails_the_old_value_is_used_until_stale_s() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("a")
    store.error = OSError("down")
    now.seconds += STALE_S - 1
    assert await cache.get("a") == "1"
    now.seconds += 1
    with pytest.raises(OSError, match="down"):
        await cache.get("a")
    store.error = None
    assert await cache.get("a") == "1"


async def test_a_failed_background_refresh_raises_nothing_and_is_repeated() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("a")
    store.error = OSError("down")
    now.seconds += FRESH_S / 2
    before = asyncio.all_tasks()
    for _ in range(2):
        assert await cache.get("a") == "1"
        await _ended(asyncio.all_tasks() - before)
    assert store.lookups == ["a", "a", "a"]


async def test_concurrent_calls_share_one_lookup() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    store.gate.clear()
    calls = [asyncio.create_task(cache.get("a")) for _ in range(50)]
    other = asyncio.create_task(cache.get("b"))
    await asyncio.sleep(0)
    store.gate.set()
    assert await asyncio.gather(*calls) == ["1"] * 50
    assert await other is None
    assert sorted(store.lookups) == ["a", "b"]


async def test_concurrent_calls_share_one_failure() -> None:
    store, now = Store(), ManualClock()
    store.error = OSError("down")
    cache = _cache(store, now)
    store.gate.clear()
    calls = [asyncio.create_task(cache.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    store.gate.set()
    failures = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(failure) for failure in failures] == [OSError] * 5
    assert store.lookups == ["a"]


async def test_a_cancelled_call_does_not_cancel_the_lookup_of_the_others() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    store.gate.clear()
    leaving, staying = asyncio.create_task(cache.get("a")), asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    store.gate.set()
    assert await staying == "1"
    assert store.lookups == ["a"]


async def test_the_number_of_entries_is_limited_and_the_oldest_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_cache, "MAX_ENTRIES", 2)
    store, now = Store(a="1", b="2", c="3"), ManualClock()
    cache = _cache(store, now)
    for name in ("a", "b", "c", "b", "c", "a"):
        await cache.get(name)
    assert store.lookups == ["a", "b", "c", "a"]


async def test_a_slow_lookup_is_not_waited_for_when_there_is_an_old_value() -> None:
    released, moment, found = threading.Event(), [0.0], ["old"]

    def find(_name: str) -> str:
        if moment[0]:
            released.wait(5)
        return found[-1]

    cache = StaleCache(find, Clock(monotonic=lambda: moment[0]), fresh_s=60, stale_s=3600)
    assert await cache.get("k") == "old"
    moment[0], found[-1] = 61.0, "new"
    begun = time.monotonic()
    assert await cache.get("k") == "old"
    assert time.monotonic() - begun < 2
    released.set()
    async with asyncio.timeout(5):
        while await cache.get("k") != "new":
            pass


async def test_a_very_old_value_makes_the_call_wait_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_cache, "MAX_WAIT_S", 0.0)
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("a")
    store.values["a"] = "2"
    store.gate.clear()
    now.seconds += FRESH_S * stale_cache.OLD_AFTER - 1
    assert await cache.get("a") == "1", "a slow lookup is not waited for"
    now.seconds += stale_cache.BACKOFF_S - 1
    assert await cache.get("a") == "1", "nor is a very old value waited for during the backoff"
    now.seconds += stale_cache.BACKOFF_S
    call = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0.01)
    assert not call.done(), "but after it a very old value is not used at once"
    store.gate.set()
    assert await call == "2"
