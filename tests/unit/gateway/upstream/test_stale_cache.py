import asyncio
import threading
import time

import pytest

from gateway.domain.clock import Clock
from gateway.upstream import stale_cache
from gateway.upstream.stale_cache import StaleCache

FRESH_S = 60
STALE_S = 3600


class Shelf:
    """Something to look up: values by name, how often each was asked for, a failure, a gate before the answer."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def find(self, name: str) -> str | None:
        """The value, once the gate is open."""
        self.asked.append(name)
        assert self.gate.wait(5)
        if self.error is not None:
            raise self.error
        return self.values.get(name)


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    @property
    def clock(self) -> Clock:
        """The clock."""
        return Clock(monotonic=lambda: self.seconds)


def _remembering(shelf: Shelf, hand: Hand) -> StaleCache[str]:
    return StaleCache(shelf.find, hand.clock, fresh_s=FRESH_S, stale_s=STALE_S)


async def _ended(tasks: set[asyncio.Task[object]]) -> None:
    """Return when all of them have ended; at least one there must be."""
    _, running = await asyncio.wait(tasks, timeout=5)
    assert not running


async def test_a_value_is_found_once_and_then_remembered() -> None:
    shelf, hand = Shelf(a="1"), Hand()
    remembered = _remembering(shelf, hand)
    for _ in range(3):
        assert await remembered.get("a") == "1"
        hand.seconds += FRESH_S / 2 - 20
    assert shelf.asked == ["a"]


async def test_in_the_second_half_of_its_time_it_is_refreshed_beside_the_call() -> None:
    shelf, hand = Shelf(a="1"), Hand()
    remembered = _remembering(shelf, hand)
    await remembered.get("a")
    shelf.values["a"] = "2"
    shelf.gate.clear()
    hand.seconds += FRESH_S / 2
    before = asyncio.all_tasks()
    assert await remembered.get("a") == "1", "the call does not wait"
    shelf.gate.set()
    await _ended(asyncio.all_tasks() - before)
    assert await remembered.get("a") == "2"
    assert shelf.asked == ["a", "a"]


async def test_after_its_time_the_call_waits_for_the_new_value() -> None:
    shelf, hand = Shelf(a="1"), Hand()
    remembered = _remembering(shelf, hand)
    await remembered.get("a")
    shelf.values["a"] = "2"
    hand.seconds += FRESH_S
    assert await remembered.get("a") == "2"


async def test_a_value_that_is_gone_is_forgotten() -> None:
    shelf, hand = Shelf(a="1"), Hand()
    remembered = _remembering(shelf, hand)
    await remembered.get("a")
    del shelf.values["a"]
    hand.seconds += FRESH_S
    assert await remembered.get("a") is None
    shelf.error = OSError("down")
    with pytest.raises(OSError, match="down"):
        await remembered.get("a")


async def test_what_is_not_there_is_asked_for_every_time() -> None:
    shelf, hand = Shelf(), Hand()
    remembered = _remembering(shelf, hand)
    assert await remembered.get("a") is None
    shelf.values["a"] = "1"
    assert await remembered.get("a") == "1"
    assert shelf.asked == ["a", "a"]


async def test_when_looking_up_fails_the_old_value_holds_for_a_while() -> None:
    shelf, hand = Shelf(a="1"), Hand()
    remembered = _remembering(shelf, hand)
    await remembered.get("a")
    shelf.error = OSError("down")
    hand.seconds += STALE_S - 1
    assert await remembered.get("a") == "1"
    hand.seconds += 1
    with pytest.raises(OSError, match="down"):
        await remembered.get("a")
    shelf.error = None
    assert await remembered.get("a") == "1"


async def test_a_refresh_that_fails_is_silent_and_tried_again() -> None:
    shelf, hand = Shelf(a="1"), Hand()
    remembered = _remembering(shelf, hand)
    await remembered.get("a")
    shelf.error = OSError("down")
    hand.seconds += FRESH_S / 2
    before = asyncio.all_tasks()
    for _ in range(2):
        assert await remembered.get("a") == "1"
        await _ended(asyncio.all_tasks() - before)
    assert shelf.asked == ["a", "a", "a"]


async def test_many_callers_at_once_share_one_look_up() -> None:
    shelf, hand = Shelf(a="1"), Hand()
    remembered = _remembering(shelf, hand)
    shelf.gate.clear()
    calls = [asyncio.create_task(remembered.get("a")) for _ in range(50)]
    other = asyncio.create_task(remembered.get("b"))
    await asyncio.sleep(0)
    shelf.gate.set()
    assert await asyncio.gather(*calls) == ["1"] * 50
    assert await other is None
    assert sorted(shelf.asked) == ["a", "b"]


async def test_many_callers_at_once_share_one_failure() -> None:
    shelf, hand = Shelf(), Hand()
    shelf.error = OSError("down")
    remembered = _remembering(shelf, hand)
    shelf.gate.clear()
    calls = [asyncio.create_task(remembered.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    shelf.gate.set()
    failures = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(failure) for failure in failures] == [OSError] * 5
    assert shelf.asked == ["a"]


async def test_a_caller_who_leaves_does_not_end_the_look_up_of_the_others() -> None:
    shelf, hand = Shelf(a="1"), Hand()
    remembered = _remembering(shelf, hand)
    shelf.gate.clear()
    leaving, staying = asyncio.create_task(remembered.get("a")), asyncio.create_task(remembered.get("a"))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    shelf.gate.set()
    assert await staying == "1"
    assert shelf.asked == ["a"]


async def test_what_is_remembered_has_a_limit_and_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_cache, "MAX_ENTRIES", 2)
    shelf, hand = Shelf(a="1", b="2", c="3"), Hand()
    remembered = _remembering(shelf, hand)
    for name in ("a", "b", "c", "b", "c", "a"):
        await remembered.get(name)
    assert shelf.asked == ["a", "b", "c", "a"]


async def test_a_slow_look_up_is_not_waited_for_when_an_old_value_will_do() -> None:
    released, moment, found = threading.Event(), [0.0], ["old"]

    def find(_name: str) -> str:
        if moment[0]:
            released.wait(5)
        return found[-1]

    patient = StaleCache(find, Clock(monotonic=lambda: moment[0]), fresh_s=60, stale_s=3600)
    assert await patient.get("k") == "old"
    moment[0], found[-1] = 61.0, "new"
    begun = time.monotonic()
    assert await patient.get("k") == "old"
    assert time.monotonic() - begun < 2
    released.set()
    async with asyncio.timeout(5):
        while await patient.get("k") != "new":
            pass


async def test_the_older_the_value_the_slower_a_look_up_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_cache, "PATIENCE_S", 0.0)
    shelf, hand = Shelf(a="1"), Hand()
    remembered = _remembering(shelf, hand)
    await remembered.get("a")
    shelf.values["a"] = "2"
    shelf.gate.clear()
    hand.seconds += FRESH_S * stale_cache.OLD_AFTER - 1
    assert await remembered.get("a") == "1", "a slow table holds no call up"
    hand.seconds += stale_cache.TROUBLE_S - 1
    assert await remembered.get("a") == "1", "and while it is in trouble, none at all"
    hand.seconds += stale_cache.TROUBLE_S
    call = asyncio.create_task(remembered.get("a"))
    await asyncio.sleep(0.01)
    assert not call.done(), "but nobody acts on old orders for the sake of a moment"
    shelf.gate.set()
    assert await call == "2"
