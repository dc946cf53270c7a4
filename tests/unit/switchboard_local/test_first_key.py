"""The first key is created once, is readable by its owner only, and is put into every store that lacks it."""

import errno
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard_local.errors import CannotStart
from switchboard_local.first_key import first_key
from testkit.memory_store import MemoryStore

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def now() -> datetime:
    return NOW


def test_the_first_start_creates_a_key_with_every_scope(tmp_path: Path) -> None:
    store = MemoryStore()
    text = first_key(tmp_path / "key", store, now)
    key = store.find_key(digest(text))
    assert key is not None
    assert (key.project, key.scopes, key.created_at) == ("default", frozenset(Scope), NOW)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_later_starts_use_the_same_key(tmp_path: Path) -> None:
    store = MemoryStore()
    assert first_key(tmp_path / "key", store, now) == first_key(tmp_path / "key", store, now)
    assert len(store.list_keys("default")) == 1


def test_a_write_that_was_cut_leaves_no_file_and_the_next_start_makes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_self: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(OSError, match="No space"):
            first_key(tmp_path / "key", MemoryStore(), now)
    assert not (tmp_path / "key").exists()
    text = first_key(tmp_path / "key", MemoryStore(), now)
    assert [path.read_text() for path in tmp_path.iterdir()] == [f"{text}\n"]


def test_a_store_without_the_key_gets_it_again(tmp_path: Path) -> None:
    text = first_key(tmp_path / "key", MemoryStore(), now)
    emptied = MemoryStore()
    assert first_key(tmp_path / "key", emptied, now) == text
    assert emptied.find_key(digest(text)) is not None


def test_a_revoked_key_stays_revoked(tmp_path: Path) -> None:
    store = MemoryStore()
    text = first_key(tmp_path / "key", store, now)
    ended = GatewayKey(digest(text), "default", frozenset(Scope), NOW, revoked_at=NOW)
    store.put_key(ended)
    first_key(tmp_path / "key", store, now)
    assert store.find_key(digest(text)) == ended


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\xff\xfe"])
def test_a_file_without_a_key_is_refused_and_not_changed(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(CannotStart, match="key"):
        first_key(path, MemoryStore(), now)
    assert path.read_bytes() == content
