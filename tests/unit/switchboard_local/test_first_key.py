"""The first key is made once, kept with its owner, and known to the store whatever became of that."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard_local.first_key import first_key
from switchboard_local.refusal import CannotStart
from testkit.memory_store import MemoryStore

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def now() -> datetime:
    return NOW


def test_the_first_start_makes_a_key_that_may_do_everything(tmp_path: Path) -> None:
    store = MemoryStore()
    text = first_key(tmp_path / "key", store, now)
    key = store.find_key(digest(text))
    assert key is not None
    assert (key.project, key.scopes, key.created_at) == ("default", frozenset(Scope), NOW)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_later_starts_find_it(tmp_path: Path) -> None:
    store = MemoryStore()
    assert first_key(tmp_path / "key", store, now) == first_key(tmp_path / "key", store, now)
    assert len(store.list_keys("default")) == 1


def test_a_store_that_lost_it_is_told_again(tmp_path: Path) -> None:
    text = first_key(tmp_path / "key", MemoryStore(), now)
    emptied = MemoryStore()
    assert first_key(tmp_path / "key", emptied, now) == text
    assert emptied.find_key(digest(text)) is not None


def test_a_key_that_was_revoked_stays_so(tmp_path: Path) -> None:
    store = MemoryStore()
    text = first_key(tmp_path / "key", store, now)
    ended = GatewayKey(digest(text), "default", frozenset(Scope), NOW, revoked_at=NOW)
    store.put_key(ended)
    first_key(tmp_path / "key", store, now)
    assert store.find_key(digest(text)) == ended


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\xff\xfe"])
def test_a_file_with_something_else_in_it_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(CannotStart, match="key"):
        first_key(path, MemoryStore(), now)
    assert path.read_bytes() == content
