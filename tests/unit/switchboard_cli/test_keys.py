"""`switchboard keys` on a real table."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import Result

from switchboard.domain.keys import Scope, digest
from switchboard.store.dynamodb import DynamoStore
from switchboard_cli import target
from testkit.cloud import stack_with

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Switchboard = Callable[..., Result]


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def store(dynamodb: "DynamoDBClient", table: str) -> DynamoStore:
    return DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=utc_now)


@pytest.fixture
def keys(switchboard: Switchboard, table: str, dynamodb_endpoint: str) -> Switchboard:
    """Runs `switchboard keys` on this test's table."""

    def run(command: str, *words: str) -> Result:
        return switchboard("keys", command, *words, "--table", table, "--endpoint-url", dynamodb_endpoint)

    return run


def made(result: Result) -> str:
    """The text of the created key, which is all of stdout, so that it can be piped."""
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_a_key_is_created_and_only_its_digest_is_stored(keys: Switchboard, store: DynamoStore) -> None:
    text = made(keys("create", "--project", "clinic", "--name", "agents", "--scope", "call", "--scope", "read"))
    assert text.startswith("sb-")
    (key,) = store.list_keys("clinic")
    assert (key.digest, key.name, key.scopes) == (digest(text), "agents", frozenset({Scope.CALL, Scope.READ}))
    assert text not in keys("list", "--project", "clinic").output


def test_the_default_scope_is_call(keys: Switchboard, store: DynamoStore) -> None:
    made(keys("create"))
    assert store.list_keys("default")[0].scopes == frozenset({Scope.CALL})


def test_the_list_shows_each_key_and_its_state(keys: Switchboard, store: DynamoStore) -> None:
    for name in ("first", "second", "third"):
        made(keys("create", "--name", name))
    first, second, third = store.list_keys("default")
    keys("revoke", first.key_id)
    keys("revoke", second.key_id, "--in", "24h")
    head, *rows = keys("list").stdout.splitlines()
    assert head.split() == ["KEY", "NAME", "SCOPES", "CREATED", "STATE"]
    assert [row.split()[0] for row in rows] == [first.key_id, second.key_id, third.key_id]
    assert "revoked 20" in rows[0]
    assert "valid until 20" in rows[1]
    assert rows[2].endswith("valid")


def test_a_new_key_overlaps_the_one_it_replaces(keys: Switchboard, store: DynamoStore) -> None:
    old = store.find_key(digest(made(keys("create"))))
    assert old is not None
    new = store.find_key(digest(made(keys("create", "--revoke-old", old.key_id, "--overlap", "2h"))))
    assert new is not None
    replaced = store.find_key(old.digest)
    assert replaced is not None
    assert replaced.revoked_at == new.created_at + timedelta(hours=2)
    assert new.revoked_at is None


def test_an_overlap_never_extends_a_key(keys: Switchboard, store: DynamoStore) -> None:
    made(keys("create"))
    (old,) = store.list_keys("default")
    keys("revoke", old.key_id)
    before = store.find_key(old.digest)
    made(keys("create", "--revoke-old", old.key_id))
    assert store.find_key(old.digest) == before


def test_a_key_is_revoked_at_once_or_at_a_given_time(keys: Switchboard, store: DynamoStore) -> None:
    key = store.find_key(digest(made(keys("create"))))
    assert key is not None
    assert keys("revoke", key.key_id, "--at", "2031-01-31T12:00:00Z").exit_code == 0
    later = store.find_key(key.digest)
    assert later is not None
    assert later.revoked_at == datetime(2031, 1, 31, 12, tzinfo=UTC)
    assert keys("revoke", key.key_id).exit_code == 0
    ended = store.find_key(key.digest)
    assert ended is not None
    assert not ended.is_valid_at(utc_now())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "--revoke-old", "key_nothere"), "has no key key_nothere"),
        (("create", "--overlap", "soon"), "90s, 30m, 24h or 7d"),
        (("revoke", "key_nothere"), "has no key key_nothere"),
        (("revoke", "key_a", "--at", "2031-01-31", "--in", "1h"), "not both"),
        (("list", "--project", "empty"), "Project empty has no keys"),
    ],
)
def test_a_failed_command_is_reported_and_changes_nothing(
    words: tuple[str, ...], said: str, keys: Switchboard, store: DynamoStore
) -> None:
    ended = keys(*words)
    assert ended.exit_code == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.output
    assert store.list_keys("default") == ()


@pytest.mark.parametrize(("option", "words"), [("--at", "tomorrow"), ("--in", "soon")])
def test_an_invalid_time_is_reported(option: str, words: str, keys: Switchboard, store: DynamoStore) -> None:
    made(keys("create"))
    (key,) = store.list_keys("default")
    ended = keys("revoke", key.key_id, option, words)
    assert (ended.exit_code, repr(words) in ended.stderr) == (1, True)
    assert store.list_keys("default") == (key,)


def test_a_missing_target_is_reported(switchboard: Switchboard) -> None:
    ended = switchboard("keys", "list")
    assert ended.exit_code == 1
    assert "--stack" in ended.stderr


def test_a_missing_table_is_reported(switchboard: Switchboard, dynamodb_endpoint: str) -> None:
    ended = switchboard("keys", "list", "--table", "switchboard-none", "--endpoint-url", dynamodb_endpoint)
    assert ended.exit_code == 1
    assert "table" in ended.stderr
    assert "Traceback" not in ended.output


def test_the_environment_names_the_target(
    switchboard: Switchboard, table: str, dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_NAME", table)
    monkeypatch.setenv("DYNAMODB_ENDPOINT", dynamodb_endpoint)
    assert made(switchboard("keys", "create")).startswith("sb-")


def test_a_running_local_system_is_a_target(
    switchboard: Switchboard, table: str, dynamodb_endpoint: str, tmp_path: Path
) -> None:
    (tmp_path / "running.json").write_text(json.dumps({"table": table, "endpoint": dynamodb_endpoint}))
    assert made(switchboard("keys", "create", "--data-dir", str(tmp_path))).startswith("sb-")


def test_a_local_system_that_is_not_running_is_reported(switchboard: Switchboard, tmp_path: Path) -> None:
    ended = switchboard("keys", "list", "--data-dir", str(tmp_path))
    assert (ended.exit_code, "make run" in ended.stderr) == (1, True)


def test_a_stack_is_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard_cli.target.boto3.client", stack_with("voice", {"TableName": "voice-Table-1"}))
    assert target.target("voice", None, None, "http://127.0.0.1:1") == target.Target("voice-Table-1")
