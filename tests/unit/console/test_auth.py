from dataclasses import replace
from datetime import timedelta

import pytest

from console.auth import authenticate
from console.errors import KeyMissing, KeyRevoked, KeyUnknown, ReadRefused, ScopeMissing
from switchboard.domain.keys import Scope, digest, key_id
from testkit.memory_store import MemoryStore
from testkit.samples import NOON, a_key

KEY = a_key("sb-one")


@pytest.mark.parametrize("header", ["Bearer sb-one", "bearer sb-one", "  BEARER   sb-one  "])
def test_a_key_gives_its_project(header: str) -> None:
    assert authenticate(header, MemoryStore(KEY), NOON) == "acme"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "sb-one", "Basic sb-one", "Bearersb-one"])
def test_the_error_of_a_missing_key_says_how_to_send_one(header: str | None) -> None:
    with pytest.raises(KeyMissing, match="Authorization: Bearer sb-"):
        authenticate(header, MemoryStore(KEY), NOON)


def test_the_error_of_an_unknown_key_has_its_id_but_not_its_text() -> None:
    with pytest.raises(KeyUnknown) as refused:
        authenticate("Bearer sb-secret-text", MemoryStore(KEY), NOON)
    assert refused.value.key_id == key_id(digest("sb-secret-text"))
    assert refused.value.key_id in refused.value.message
    assert "secret-text" not in refused.value.message


def test_the_error_of_a_key_without_the_prefix_has_a_hint() -> None:
    with pytest.raises(KeyUnknown, match="begin with `sb-`"):
        authenticate("Bearer sk-proj", MemoryStore(KEY), NOON)


def test_a_key_is_accepted_until_its_revocation() -> None:
    store = MemoryStore(replace(KEY, revoked_at=NOON))
    assert authenticate("Bearer sb-one", store, NOON - timedelta(microseconds=1)) == "acme"
    with pytest.raises(KeyRevoked):
        authenticate("Bearer sb-one", store, NOON)


@pytest.mark.parametrize("scope", list(Scope))
def test_reading_requires_the_scope_read(scope: Scope) -> None:
    store = MemoryStore(replace(KEY, scopes=frozenset({scope})))
    outcome: str | type[ReadRefused]
    try:
        outcome = authenticate("Bearer sb-one", store, NOON)
    except ReadRefused as refused:
        outcome = type(refused)
    assert outcome == ("acme" if scope is Scope.READ else ScopeMissing)
