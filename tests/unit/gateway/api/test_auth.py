import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from threading import get_ident

import pytest

from gateway.api.auth import FRESH_S, STALE_S, Authenticator
from gateway.domain.call import Caller
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, KeyMissing, KeyRevoked, KeysUnavailable, KeyUnknown, ScopeMissing
from switchboard.domain.keys import GatewayKey, Scope, digest, key_id
from switchboard.domain.policy import NO_POLICIES, Policy, ProjectPolicies
from switchboard.store.ports import StoreUnavailable
from testkit.memory_store import MemoryStore
from testkit.samples import NOON, a_key

KEY = "sb-one"


class CountedStore(MemoryStore):
    """A store that counts how often it was asked for a key and for policies, and in which threads."""

    def __init__(self, *keys: GatewayKey) -> None:
        super().__init__(*keys)
        self.asked = 0
        self.asked_policies = 0
        self.threads: set[int] = set()

    def find_key(self, digest: str) -> GatewayKey | None:
        """The key, counted."""
        self.asked += 1
        self.threads.add(get_ident())
        return super().find_key(digest)

    def policies(self, project: str) -> ProjectPolicies:
        """The policies, counted."""
        self.asked_policies += 1
        self.threads.add(get_ident())
        return super().policies(project)


class Door:
    """An authenticator, its store, and a clock moved by hand."""

    def __init__(self, *keys: GatewayKey) -> None:
        self.store = CountedStore(*keys)
        self.passed_s = 0.0
        self._authenticator = Authenticator(self.store, Clock(now=self._now, monotonic=lambda: 50.0 + self.passed_s))

    async def opens(self, key: str | None = KEY) -> Caller:
        """Who the key belongs to."""
        return await self._authenticator.authenticate(key)

    async def refuses[E: GatewayError](self, error: type[E], key: str | None = KEY) -> str:
        """The words of the refusal, which never show the key itself."""
        with pytest.raises(error) as refused:
            await self.opens(key)
        assert not key or key not in refused.value.message
        return refused.value.message

    def _now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s)


async def test_a_key_names_its_project_and_its_public_name() -> None:
    assert await Door(a_key()).opens() == Caller("acme", key_id(digest(KEY)))


@pytest.mark.parametrize("key", [None, ""])
async def test_no_key_is_said_to_be_missing(key: str | None) -> None:
    door = Door(a_key())
    assert "Authorization: Bearer" in await door.refuses(KeyMissing, key)
    assert door.store.asked == 0


async def test_an_unknown_key_is_called_by_its_public_name_alone() -> None:
    message = await Door(a_key()).refuses(KeyUnknown, "sb-two")
    assert key_id(digest("sb-two")) in message
    assert "begin with" not in message


async def test_another_houses_key_gets_a_hint() -> None:
    assert "Gateway keys begin with `sb-`" in await Door(a_key()).refuses(KeyUnknown, "sk-proj-1")


async def test_a_key_of_any_characters_is_merely_unknown() -> None:
    for key in ("ключ", "\udcff", "x" * 10_000, "'; --"):
        await Door(a_key()).refuses(KeyUnknown, key)


async def test_an_unknown_key_is_looked_up_again_so_that_a_new_one_works_at_once() -> None:
    door = Door()
    await door.refuses(KeyUnknown)
    door.store.put_key(a_key())
    assert (await door.opens()).project == "acme"


async def test_a_key_without_the_scope_may_not_call() -> None:
    message = await Door(replace(a_key(), scopes=frozenset({Scope.READ, Scope.ADMIN}))).refuses(ScopeMissing)
    assert "`call`" in message
    assert (await Door(replace(a_key(), scopes=frozenset({Scope.CALL}))).opens()).project == "acme"


async def test_a_revoked_key_is_called_revoked_by_its_public_name() -> None:
    message = await Door(replace(a_key(), revoked_at=NOON)).refuses(KeyRevoked)
    assert key_id(digest(KEY)) in message


async def test_old_and_new_key_overlap_until_the_old_one_ends() -> None:
    old = replace(a_key("sb-old"), revoked_at=NOON + timedelta(seconds=20))
    door = Door(old, a_key("sb-new"))
    door.passed_s = 19.999
    assert {(await door.opens(key)).project for key in ("sb-old", "sb-new")} == {"acme"}
    door.passed_s = 20
    await door.refuses(KeyRevoked, "sb-old")
    assert (await door.opens("sb-new")).project == "acme"
    assert door.store.asked == 2, "the moment of revocation is known without asking again"


async def test_a_key_is_looked_up_once_in_half_a_minute() -> None:
    door = Door(a_key())
    for _ in range(5):
        await door.opens()
        door.passed_s += FRESH_S / 2 / 5 - 0.01
    assert (FRESH_S, door.store.asked) == (60, 1)


async def test_a_key_in_use_is_looked_up_beside_the_call() -> None:
    door = Door(a_key())
    await door.opens()
    door.passed_s = FRESH_S / 2
    before = asyncio.all_tasks()
    assert (await door.opens()).project == "acme"
    await asyncio.wait(asyncio.all_tasks() - before, timeout=5)
    assert door.store.asked == 2
    door.store.put_key(replace(a_key(), revoked_at=NOON))
    door.passed_s = FRESH_S
    assert (await door.opens()).project == "acme", "the key was found half a minute ago: nobody waits for the store"


async def test_a_revocation_is_known_after_a_minute_at_most() -> None:
    door = Door(a_key())
    await door.opens()
    door.store.put_key(replace(a_key(), revoked_at=NOON))
    door.passed_s = FRESH_S
    await door.refuses(KeyRevoked)


async def test_a_key_that_was_deleted_is_unknown_after_a_minute_at_most() -> None:
    door = Door(a_key())
    await door.opens()
    door.store.keys.clear()
    door.passed_s = FRESH_S
    await door.refuses(KeyUnknown)


async def test_while_the_store_is_down_a_known_key_opens_for_an_hour() -> None:
    door = Door(a_key())
    await door.opens()
    door.store.fail_with(StoreUnavailable("throttled"))
    for passed_s in (FRESH_S / 2, FRESH_S, STALE_S - 1):
        door.passed_s = passed_s
        assert (await door.opens()).project == "acme"
    door.passed_s = STALE_S
    assert STALE_S == 3600
    assert "Try again" in await door.refuses(KeysUnavailable)
    door.store.fail_with(None)
    assert (await door.opens()).project == "acme"


async def test_while_the_store_is_down_an_expired_key_stays_shut() -> None:
    door = Door(replace(a_key(), revoked_at=NOON + timedelta(minutes=5)))
    await door.opens()
    door.store.fail_with(StoreUnavailable("throttled"))
    door.passed_s = 300
    await door.refuses(KeyRevoked)


async def test_while_the_store_is_down_a_key_not_yet_known_cannot_be_judged() -> None:
    door = Door(a_key())
    door.store.fail_with(StoreUnavailable("throttled"))
    assert "throttled" not in await door.refuses(KeysUnavailable)


POLICIES = ProjectPolicies(Policy(max_attempts=2), {"booking": Policy(zero_retention=True)})


def keep_policies(store: MemoryStore) -> None:
    store.put_policy("acme", None, POLICIES.project)
    store.put_policy("acme", "booking", POLICIES.tasks["booking"])
    store.put_policy("other", None, Policy(max_attempts=7))


async def test_a_caller_brings_its_projects_policies() -> None:
    door = Door(a_key(), a_key("sb-other", project="quiet"))
    keep_policies(door.store)
    assert (await door.opens()).policies == POLICIES
    assert (await door.opens("sb-other")).policies == NO_POLICIES


async def test_key_and_policies_are_found_in_one_go() -> None:
    door = Door(a_key())
    for passed_s in (0, FRESH_S / 2 - 1):
        door.passed_s = passed_s
        await door.opens()
    assert (door.store.asked, door.store.asked_policies) == (1, 1)
    assert len(door.store.threads) == 1
    assert door.store.threads != {get_ident()}, "the loop does not wait for the store"


async def test_nobodys_policies_are_not_read() -> None:
    door = Door(a_key())
    await door.refuses(KeyUnknown, "sb-two")
    assert (door.store.asked, door.store.asked_policies) == (1, 0)


async def test_a_changed_policy_holds_after_a_minute_at_most() -> None:
    door = Door(a_key())
    assert (await door.opens()).policies == NO_POLICIES
    keep_policies(door.store)
    assert (await door.opens()).policies == NO_POLICIES
    door.passed_s = FRESH_S
    assert (await door.opens()).policies == POLICIES


async def test_while_the_store_is_down_the_policies_that_were_known_hold() -> None:
    door = Door(a_key())
    keep_policies(door.store)
    await door.opens()
    door.store.fail_with(StoreUnavailable("throttled"))
    door.passed_s = STALE_S - 1
    assert (await door.opens()).policies == POLICIES


async def test_a_caller_whose_policies_cannot_be_read_is_not_let_in_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    door = Door(a_key())

    def refuse(project: str) -> ProjectPolicies:
        raise StoreUnavailable(f"AccessDeniedException: {project}")

    monkeypatch.setattr(door.store, "policies", refuse)
    assert "AccessDenied" not in await door.refuses(KeysUnavailable)
