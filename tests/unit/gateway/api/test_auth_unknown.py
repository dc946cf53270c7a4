"""Keys that do not exist: what a flood of them costs, and when one that is created meanwhile works."""

import asyncio

import pytest

from gateway.api.auth import OLD_S, UNKNOWN_S
from gateway.domain.errors import KeysUnavailable, KeyUnknown
from gateway.upstream import stale_cache
from switchboard.store.ports import StoreUnavailable
from testkit.authentication import Setup
from testkit.samples import a_key


async def test_a_new_key_works_at_once() -> None:
    setup = Setup()
    await setup.refusal(KeyUnknown, "sb-other")
    setup.store.put_key(a_key())
    assert (await setup.authenticate()).project == "acme"


async def test_a_flood_of_one_unknown_key_costs_one_read_in_ten_seconds() -> None:
    setup = Setup()
    for tenth in range(200):
        setup.passed_s = tenth / 10
        await setup.refusal(KeyUnknown)
    assert (UNKNOWN_S, setup.store.key_reads) == (10, 2)


async def test_a_key_that_was_tried_before_it_was_created_works_ten_seconds_later_however_often_it_is_tried() -> None:
    setup = Setup()
    await setup.refusal(KeyUnknown)
    setup.store.put_key(a_key())
    for setup.passed_s in (1, 5, UNKNOWN_S - 0.001):
        await setup.refusal(KeyUnknown)
    setup.passed_s = UNKNOWN_S
    assert (await setup.authenticate()).project == "acme"


async def test_a_refusal_lasts_ten_seconds_from_the_beginning_of_its_look_up() -> None:
    setup = Setup()
    with setup.store.hanging():
        refused = asyncio.create_task(setup.authenticate())
        await asyncio.to_thread(setup.store.asked.wait, 5)
        setup.passed_s = 1.5
    with pytest.raises(KeyUnknown):
        await refused
    setup.store.put_key(a_key())
    setup.passed_s = UNKNOWN_S
    assert (await setup.authenticate()).project == "acme"


async def test_the_number_of_remembered_unknown_keys_is_limited_and_they_displace_no_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stale_cache, "MAX_ENTRIES", 1)
    monkeypatch.setattr(stale_cache, "MAX_UNKNOWN_KEYS", 2)
    setup = Setup(a_key())
    await setup.authenticate()
    for key, reads in (("sb-2", 2), ("sb-3", 3), ("sb-4", 4), ("sb-3", 4), ("sb-2", 5)):
        await setup.refusal(KeyUnknown, key)
        assert setup.store.key_reads == reads
    assert (await setup.authenticate()).project == "acme"
    assert setup.store.key_reads == 5


async def test_a_remembered_refusal_needs_no_store_and_an_unanswered_look_up_is_no_refusal() -> None:
    setup = Setup()
    await setup.refusal(KeyUnknown)
    setup.store.fail_with(StoreUnavailable("throttled"))
    await setup.refusal(KeyUnknown)
    await setup.refusal(KeysUnavailable, "sb-two")
    setup.store.fail_with(None)
    setup.store.put_key(a_key("sb-two"))
    assert (await setup.authenticate("sb-two")).project == "acme"


async def test_a_key_that_was_deleted_is_remembered_as_unknown() -> None:
    setup = Setup(a_key())
    await setup.authenticate()
    setup.store.keys.clear()
    setup.passed_s = OLD_S
    for _ in range(3):
        await setup.refusal(KeyUnknown)
    assert setup.store.key_reads == 2
    setup.store.put_key(a_key())
    setup.passed_s += UNKNOWN_S
    assert (await setup.authenticate()).project == "acme"
