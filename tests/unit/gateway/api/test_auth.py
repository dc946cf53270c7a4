import asyncio
from dataclasses import replace
from datetime import timedelta
from threading import get_ident

import pytest

from gateway.api import auth
from gateway.api.auth import FIRST_WAIT_S, FRESH_S, OLD_S, STALE_S
from gateway.domain.call import Caller
from gateway.domain.errors import KeyMissing, KeyRevoked, KeysUnavailable, KeyUnknown, ScopeMissing
from switchboard.domain.keys import Scope, digest, key_id
from switchboard.domain.policy import NO_POLICIES, Policy, ProjectPolicies
from switchboard.store.ports import StoreUnavailable
from testkit.authentication import KEY, Setup
from testkit.memory_store import MemoryStore
from testkit.samples import NOON, a_key


async def test_a_key_gives_its_project_and_key_id() -> None:
    assert await Setup(a_key()).authenticate() == Caller("acme", key_id(digest(KEY)))


@pytest.mark.parametrize("key", [None, ""])
async def test_a_missing_key_is_refused(key: str | None) -> None:
    setup = Setup(a_key())
    assert "Authorization: Bearer" in await setup.refusal(KeyMissing, key)
    assert setup.store.key_reads == 0


async def test_an_unknown_key_is_refused_by_its_key_id_alone() -> None:
    message = await Setup(a_key()).refusal(KeyUnknown, "sb-two")
    assert key_id(digest("sb-two")) in message
    assert "begin with" not in message


async def test_a_key_without_the_prefix_gets_a_hint() -> None:
    assert "Gateway keys begin with `sb-`" in await Setup(a_key()).refusal(KeyUnknown, "sk-proj-1")


async def test_a_key_of_any_characters_is_unknown() -> None:
    for key in ("ключ", "\udcff", "x" * 10_000, "'; --"):
        await Setup(a_key()).refusal(KeyUnknown, key)


async def test_a_key_without_the_scope_is_refused() -> None:
    message = await Setup(replace(a_key(), scopes=frozenset({Scope.READ, Scope.ADMIN}))).refusal(ScopeMissing)
    assert "`call`" in message
    assert (await Setup(replace(a_key(), scopes=frozenset({Scope.CALL}))).authenticate()).project == "acme"


async def test_a_revoked_key_is_refused_by_its_key_id() -> None:
    message = await Setup(replace(a_key(), revoked_at=NOON)).refusal(KeyRevoked)
    assert key_id(digest(KEY)) in message


async def test_old_and_new_key_are_both_valid_until_the_old_one_expires() -> None:
    old = replace(a_key("sb-old"), revoked_at=NOON + timedelta(seconds=20))
    setup = Setup(old, a_key("sb-new"))
    setup.passed_s = 19.999
    assert {(await setup.authenticate(key)).project for key in ("sb-old", "sb-new")} == {"acme"}
    setup.passed_s = 20
    await setup.refusal(KeyRevoked, "sb-old")
    assert (await setup.authenticate("sb-new")).project == "acme"
    assert setup.store.key_reads == 2, "the time of revocation needs no second read"


async def test_a_key_is_looked_up_once_in_half_a_minute() -> None:
    setup = Setup(a_key())
    for _ in range(5):
        await setup.authenticate()
        setup.passed_s += FRESH_S / 2 / 5 - 0.01
    assert (FRESH_S, setup.store.key_reads) == (60, 1)


async def test_a_key_in_use_is_looked_up_beside_the_calls_and_no_call_waits() -> None:
    setup = Setup(a_key())
    await setup.authenticate()
    setup.store.put_key(replace(a_key(), revoked_at=NOON))
    setup.passed_s = OLD_S - 1
    assert (await setup.authenticate()).project == "acme"
    with pytest.raises(KeyRevoked):
        await setup.refused_soon()


async def test_a_revocation_takes_effect_after_five_minutes_at_the_latest() -> None:
    setup = Setup(a_key())
    await setup.authenticate()
    setup.store.put_key(replace(a_key(), revoked_at=NOON))
    setup.passed_s = OLD_S
    assert setup.passed_s == 300
    await setup.refusal(KeyRevoked)


async def test_a_deleted_key_is_unknown_after_five_minutes_at_the_latest() -> None:
    setup = Setup(a_key())
    await setup.authenticate()
    setup.store.keys.clear()
    setup.passed_s = OLD_S
    await setup.refusal(KeyUnknown)


async def test_a_key_that_is_not_in_memory_waits_two_seconds_at_most_for_a_store_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert FIRST_WAIT_S == 2
    monkeypatch.setattr(auth, "FIRST_WAIT_S", 0.05)
    setup = Setup(a_key())
    with setup.store.hanging():
        assert "Try again" in await setup.refusal(KeysUnavailable)
        with pytest.raises(KeysUnavailable):
            await setup.knows("sb-of-another-switchboard")


async def test_unknown_keys_do_not_delay_a_known_caller_while_the_store_hangs() -> None:
    setup = Setup(a_key())
    await setup.authenticate()
    with setup.store.hanging():
        unknown = [asyncio.create_task(setup.authenticate(f"sb-{number}")) for number in range(50)]
        await asyncio.sleep(0)
        for setup.passed_s in (1, FRESH_S, OLD_S - 1):
            async with asyncio.timeout(1):
                assert (await setup.authenticate()).project == "acme"
        assert not any(call.done() for call in unknown)
    assert {type(error) for error in await asyncio.gather(*unknown, return_exceptions=True)} == {KeyUnknown}


async def test_a_key_that_is_not_of_this_deployment_is_looked_up_once() -> None:
    setup = Setup(a_key())
    assert [await setup.knows("sb-theirs") for _ in range(3)] == [False] * 3
    assert await setup.knows(KEY)
    assert setup.store.key_reads == 2
    with setup.store.hanging():
        setup.passed_s = OLD_S - 1
        assert not await setup.knows("sb-theirs")


async def test_while_the_store_is_down_a_known_key_is_accepted_for_an_hour() -> None:
    setup = Setup(a_key())
    await setup.authenticate()
    setup.store.fail_with(StoreUnavailable("throttled"))
    for passed_s in (FRESH_S / 2, FRESH_S, STALE_S - 1):
        setup.passed_s = passed_s
        assert (await setup.authenticate()).project == "acme"
    setup.passed_s = STALE_S
    assert STALE_S == 3600
    assert "Try again" in await setup.refusal(KeysUnavailable)
    setup.store.fail_with(None)
    assert (await setup.authenticate()).project == "acme"


async def test_while_the_store_is_down_an_expired_key_is_refused() -> None:
    setup = Setup(replace(a_key(), revoked_at=NOON + timedelta(minutes=5)))
    await setup.authenticate()
    setup.store.fail_with(StoreUnavailable("throttled"))
    setup.passed_s = 300
    await setup.refusal(KeyRevoked)


async def test_while_the_store_is_down_an_uncached_key_gets_keys_unavailable() -> None:
    setup = Setup(a_key())
    setup.store.fail_with(StoreUnavailable("throttled"))
    assert "throttled" not in await setup.refusal(KeysUnavailable)


POLICIES = ProjectPolicies(Policy(max_attempts=2), {"booking": Policy(zero_retention=True)})


def keep_policies(store: MemoryStore) -> None:
    store.put_policy("acme", None, POLICIES.project)
    store.put_policy("acme", "booking", POLICIES.tasks["booking"])
    store.put_policy("other", None, Policy(max_attempts=7))


async def test_a_caller_has_its_projects_policies() -> None:
    setup = Setup(a_key(), a_key("sb-other", project="quiet"))
    keep_policies(setup.store)
    assert (await setup.authenticate()).policies == POLICIES
    assert (await setup.authenticate("sb-other")).policies == NO_POLICIES


async def test_key_and_policies_are_read_once_outside_the_event_loop() -> None:
    setup = Setup(a_key())
    for passed_s in (0, FRESH_S / 2 - 1):
        setup.passed_s = passed_s
        await setup.authenticate()
    assert (setup.store.key_reads, setup.store.policy_reads) == (1, 1)
    assert len(setup.store.threads) == 1
    assert setup.store.threads != {get_ident()}, "the event loop does not wait for the store"


async def test_no_policies_are_read_for_an_unknown_key() -> None:
    setup = Setup(a_key())
    await setup.refusal(KeyUnknown, "sb-two")
    assert (setup.store.key_reads, setup.store.policy_reads) == (1, 0)


async def test_a_changed_policy_applies_after_five_minutes_at_the_latest() -> None:
    setup = Setup(a_key())
    assert (await setup.authenticate()).policies == NO_POLICIES
    keep_policies(setup.store)
    assert (await setup.authenticate()).policies == NO_POLICIES
    setup.passed_s = OLD_S
    assert (await setup.authenticate()).policies == POLICIES


async def test_while_the_store_is_down_the_cached_policies_apply() -> None:
    setup = Setup(a_key())
    keep_policies(setup.store)
    await setup.authenticate()
    setup.store.fail_with(StoreUnavailable("throttled"))
    setup.passed_s = STALE_S - 1
    assert (await setup.authenticate()).policies == POLICIES


async def test_a_caller_whose_policies_cannot_be_read_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setup = Setup(a_key())

    def refuse(project: str) -> ProjectPolicies:
        raise StoreUnavailable(f"AccessDeniedException: {project}")

    monkeypatch.setattr(setup.store, "policies", refuse)
    assert "AccessDenied" not in await setup.refusal(KeysUnavailable)
