"""The contract of every key store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from switchboard.domain.keys import Scope
from switchboard.store.ports import KeyStore
from testkit.samples import NOON, a_key


def test_finds_a_key_by_its_digest(store: KeyStore) -> None:
    key = a_key()
    store.put_key(key)
    assert store.find_key(key.digest) == key


def test_other_digests_are_not_found(store: KeyStore) -> None:
    store.put_key(a_key())
    assert store.find_key(a_key("sb-other").digest) is None


@pytest.mark.parametrize("digest", ["", "#", "KEY", "é" * 3000])
def test_an_invalid_digest_is_not_found(store: KeyStore, digest: str) -> None:
    assert store.find_key(digest) is None


def test_putting_a_key_again_replaces_it(store: KeyStore) -> None:
    key = a_key()
    store.put_key(key)
    revoked = replace(key, revoked_at=NOON, name="", scopes=frozenset({Scope.READ}))
    store.put_key(revoked)
    assert store.find_key(key.digest) == revoked
    assert store.list_keys(key.project) == (revoked,)


def test_lists_the_projects_own_keys_oldest_first(store: KeyStore) -> None:
    newest, oldest, middle = (
        a_key(f"sb-{days}", created_at=NOON - timedelta(days=days, microseconds=days)) for days in (0, 300, 2)
    )
    for key in (newest, oldest, middle, a_key("sb-foreign", project="acme#KEYS"), a_key("sb-else", project="other")):
        store.put_key(key)
    assert store.list_keys("acme") == (oldest, middle, newest)


def test_lists_more_keys_than_one_request_fetches(store: KeyStore) -> None:
    keys = [a_key(f"sb-{number}", created_at=NOON + timedelta(seconds=number)) for number in range(120)]
    for key in reversed(keys):
        store.put_key(key)
    assert store.list_keys("acme") == tuple(keys)


def test_a_key_without_scopes_is_stored(store: KeyStore) -> None:
    key = replace(a_key(), scopes=frozenset())
    store.put_key(key)
    assert store.find_key(key.digest) == key


def test_a_project_without_keys_has_an_empty_list(store: KeyStore) -> None:
    assert store.list_keys("nobody") == ()
