import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from gateway.domain.clock import Clock
from gateway.upstream import stale_cache
from gateway.upstream.stale_cache import MAX_REFRESHES, LookupLate, StaleCache
from switchboard.domain.limits import MAX_KEY_LOOKUPS
from testkit.samples import NOON

FRESH_S = 60
OLD_S = 300
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
    return StaleCache(store.find, now.clock, fresh_s=FRESH_S, old_s=OLD_S, stale_s=STALE_S, first_wait_s=5)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - a thread makes it so
            await asyncio.sleep(0.001)


async def _becomes(cache: StaleCache[str], name: str, value: str) -> None:
    """Return when calls get that value."""
    async with asyncio.timeout(5):
        while await cache.get(name) != value:  # noqa: ASYNC110 - a thread finds it
            await asyncio.sleep(0.001)


async def test_a_fresh_value_is_found_once() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    for _ in range(3):
        assert await cache.get("a") == "1"
        now.seconds += FRESH_S / 2 - 20
    assert store.lookups == ["a"]


async def test_in_the_second_half_of_its_freshness_a_value_is_refreshed_beside_the_calls() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("a")
    store.values["a"] = "2"
    store.gate.clear()
    now.seconds += FRESH_S / 2
    assert [await cache.get("a") for _ in range(3)] == ["1"] * 3, "no call waits"
    store.gate.set()
    await _becomes(cache, "a", "2")
    assert store.lookups == ["a", "a"]


async def test_no_call_waits_for_a_new_value_until_the_one_it_has_is_old() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("a")
    store.values["a"] = "2"
    now.seconds += OLD_S - 1
    assert await cache.get("a") == "1"
    await _becomes(cache, "a", "2")
    store.values["a"] = "3"
    now.seconds += OLD_S
    assert await cache.get("a") == "3"


async def test_age_is_wall_time_where_monotonic_time_stood_still() -> None:
    store, wall = Store(a="1"), [NOON]
    clock = Clock(now=lambda: wall[0], monotonic=lambda: 7.0)
    cache = StaleCache(store.find, clock, fresh_s=FRESH_S, old_s=OLD_S, stale_s=STALE_S, first_wait_s=5)
    await cache.get("a")
    store.values["a"] = "2"
    wall[0] += timedelta(seconds=OLD_S)
    assert await cache.get("a") == "2"


async def test_a_value_is_as_old_as_the_beginning_of_its_look_up() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    store.gate.clear()
    call = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    now.seconds += STALE_S
    store.gate.set()
    assert await call == "1"
    store.error = OSError("down")
    with pytest.raises(OSError, match="down"):
        await cache.get("a")


async def test_a_deleted_value_is_removed() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("a")
    del store.values["a"]
    now.seconds += OLD_S
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


async def test_a_failed_refresh_raises_nothing_and_is_repeated() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("a")
    store.error = OSError("down")
    now.seconds += FRESH_S / 2
    async with asyncio.timeout(5):
        while len(store.lookups) < 3:
            assert await cache.get("a") == "1"
            await asyncio.sleep(0)
    store.error, store.values["a"] = None, "2"
    await _becomes(cache, "a", "2")


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


async def test_a_call_without_a_value_waits_for_a_limited_time() -> None:
    store, now = Store(a="1"), ManualClock()
    cache = StaleCache(store.find, now.clock, fresh_s=FRESH_S, old_s=OLD_S, stale_s=STALE_S, first_wait_s=0.05)
    store.gate.clear()
    with pytest.raises(LookupLate, match=r"0\.05 s"):
        await cache.get("a")
    store.gate.set()
    assert await cache.get("a") == "1"
    assert store.lookups == ["a"], "the look-up goes on, and its value is used"


async def test_a_very_old_value_is_used_when_no_newer_one_comes_and_no_further_call_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stale_cache, "MAX_WAIT_OLD_S", 0.05)
    store, now = Store(a="1", b="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("a")
    await cache.get("b")
    store.gate.clear()
    now.seconds += OLD_S
    assert await cache.get("a") == "1"
    monkeypatch.setattr(stale_cache, "MAX_WAIT_OLD_S", 3600)
    assert [await cache.get(name) for name in ("a", "b")] == ["1"] * 2
    store.values = {"a": "2", "b": "2"}
    store.gate.set()
    await _becomes(cache, "a", "2")
    await _becomes(cache, "b", "2")


async def test_while_look_ups_hang_no_call_waits_for_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_cache, "MAX_WAIT_OLD_S", 3600)
    store, now = Store(a="1"), ManualClock()
    cache = StaleCache(store.find, now.clock, fresh_s=FRESH_S, old_s=OLD_S, stale_s=2 * STALE_S, first_wait_s=5)
    await cache.get("a")
    async with asyncio.timeout(5):
        for _ in range(int(2 * STALE_S / 50) - 1):  # a refresh fails every 50 s: as long as a hanging store takes
            now.seconds += 50
            store.error = OSError("no answer")
            assert await cache.get("a") == "1"
            await _until(lambda: not cache._running)


async def test_look_ups_of_unknown_names_do_not_delay_known_ones() -> None:
    store, now = Store(known="1"), ManualClock()
    cache = _cache(store, now)
    await cache.get("known")
    store.gate.clear()
    unknown = [asyncio.create_task(cache.get(f"unknown-{number}")) for number in range(3 * MAX_KEY_LOOKUPS)]
    await asyncio.sleep(0)
    now.seconds += FRESH_S
    assert await cache.get("known") == "1"
    await _until(lambda: len(store.lookups) == 1 + MAX_KEY_LOOKUPS + 1)
    assert store.lookups[-1] == "known", "it is refreshed all the same"
    store.gate.set()
    assert await asyncio.gather(*unknown) == [None] * len(unknown)


async def test_a_call_that_leaves_before_its_look_up_begins_leaves_nothing_behind() -> None:
    store, now = Store(), ManualClock()
    cache = _cache(store, now)
    store.gate.clear()
    calls = [asyncio.create_task(cache.get(f"unknown-{number}")) for number in range(MAX_KEY_LOOKUPS + 50)]
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
    store.gate.set()
    assert await cache.get("a") is None
    assert len(store.lookups) == MAX_KEY_LOOKUPS + 1


async def test_refreshes_are_limited() -> None:
    names = [f"name-{number}" for number in range(MAX_REFRESHES + 3)]
    store, now = Store(**dict.fromkeys(names, "1")), ManualClock()
    cache = _cache(store, now)
    for name in names:
        await cache.get(name)
    store.gate.clear()
    now.seconds += FRESH_S
    assert [await cache.get(name) for name in names * 2] == ["1"] * len(names) * 2
    assert len(store.lookups) == len(names) + MAX_REFRESHES
    store.values = dict.fromkeys(names, "2")
    store.gate.set()
    for name in names:
        await _becomes(cache, name, "2")
