"""`switchboard policies` on a real table."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import Result

from switchboard.domain.limits import MAX_POLICY_BYTES
from switchboard.domain.policy import NO_POLICIES, BufferWords, FallbackTarget, HedgeAfter, Policy, ProjectPolicies
from switchboard.domain.policy_json import POLICY_FIELDS
from switchboard.store import policy_items
from switchboard.store.attributes import Item, encode_item
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ports import PoliciesFull
from testkit.samples import a_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Switchboard = Callable[..., Result]

WRITTEN = {
    "fallback": ["groq/llama-3.3-70b-versatile", {"target": "openai/gpt-4o-mini", "ttft_timeout_ms": 3000}],
    "buffer_words": {"text": "Moment, ich schaue nach", "after_ms": 1500},
}
MEANT = Policy(
    fallback=(FallbackTarget("groq", "llama-3.3-70b-versatile"), FallbackTarget("openai", "gpt-4o-mini", 3000)),
    buffer_words=BufferWords("Moment, ich schaue nach", 1500),
)


@pytest.fixture
def empty_store(dynamodb: "DynamoDBClient", table: str) -> DynamoStore:
    return DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))


@pytest.fixture
def store(empty_store: DynamoStore) -> DynamoStore:
    """Has a key of each of three projects."""
    for project in ("default", "clinic", "copy"):
        empty_store.put_key(a_key(f"sb-{project}", project))
    return empty_store


@pytest.fixture
def policies(switchboard: Switchboard, table: str, dynamodb_endpoint: str, store: DynamoStore) -> Switchboard:
    """Runs `switchboard policies` on this test's table, once the projects are there."""
    del store
    return run_policies(switchboard, table, dynamodb_endpoint)


def run_policies(switchboard: Switchboard, table: str, dynamodb_endpoint: str) -> Switchboard:
    """Runs `switchboard policies` on that table."""

    def run(command: str, *words: str, stdin: str | None = None) -> Result:
        where = ("--table", table, "--endpoint-url", dynamodb_endpoint)
        return switchboard("policies", command, *words, *where, stdin=stdin)

    return run


def test_a_policy_is_set_from_a_file_and_from_stdin(policies: Switchboard, store: DynamoStore, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(WRITTEN))
    ended = policies("set", str(file), "--project", "clinic")
    assert (ended.exit_code, "project clinic" in ended.stdout) == (0, True)
    ended = policies("set", "-", "--project", "clinic", "--task", "booking #1", stdin='{"hedge_after_ms": "p95"}')
    assert (ended.exit_code, "task booking #1 of project clinic" in ended.stdout) == (0, True)
    found = store.policies("clinic")
    assert (found.project, found.tasks) == (MEANT, {"booking #1": Policy(hedge_after=HedgeAfter(quantile=0.95))})
    assert store.policies("default") == NO_POLICIES


def test_effective_values_are_shown_with_their_origin(policies: Switchboard, store: DynamoStore) -> None:
    store.put_policy("default", None, MEANT)
    store.put_policy("default", "booking", Policy(fallback=(), zero_retention=True))
    head, *rows = policies("show", "--task", "booking").stdout.splitlines()
    assert head.split() == ["FIELD", "VALUE", "FROM"]
    assert [row.split()[0] for row in rows] == list(POLICY_FIELDS)
    shown = {row.split()[0]: row.split()[1:] for row in rows}
    assert shown["fallback"] == ["none", "task"]
    assert shown["zero_retention"] == ["true", "task"]
    assert shown["buffer_words"][-1] == "project"
    assert shown["max_attempts"] == ["stack"]


def test_without_a_task_the_projects_own_is_shown_and_the_tasks_that_have_one(
    policies: Switchboard, store: DynamoStore
) -> None:
    store.put_policy("default", None, MEANT)
    for task_id in ("b", "a"):
        store.put_policy("default", task_id, Policy(max_attempts=1))
    ended = policies("show")
    assert "a, b" in ended.stderr
    assert 'groq/llama-3.3-70b-versatile, {"target": "openai/gpt-4o-mini"' in ended.stdout
    assert "task" not in ended.stdout


@pytest.mark.parametrize("task", [(), ("--task", "booking")])
def test_what_is_shown_as_json_can_be_set_again(
    policies: Switchboard, store: DynamoStore, task: tuple[str, ...]
) -> None:
    store.put_policy("default", task[1] if task else None, MEANT)
    text = policies("show", "--json", *task).stdout
    assert json.loads(text) == WRITTEN
    assert policies("set", "-", "--project", "copy", *task, stdin=text).exit_code == 0
    assert store.policies("copy") == store.policies("default")


@pytest.mark.parametrize("task", [(), ("--task", "booking")])
def test_an_unreadable_policy_is_reported_until_it_is_set_again(
    policies: Switchboard, dynamodb: "DynamoDBClient", table: str, task: tuple[str, ...]
) -> None:
    task_id = task[1] if task else None
    item: Item = {**policy_items.to_item("default", task_id, MEANT), "policy": "{"}
    dynamodb.put_item(TableName=table, Item=encode_item(item))
    for words in ((), ("--json",)):
        ended = policies("show", *words, *task)
        assert (ended.exit_code, ended.stdout, "is unreadable" in ended.stderr) == (1, "", True)
    another = policies("show", "--task", "another")
    assert (another.exit_code, "project default is unreadable" in another.stderr) == (0, not task)
    assert policies("set", "-", *task, stdin="{}").exit_code == 0
    assert policies("show", *task).exit_code == 0


@pytest.mark.parametrize("task", [(), ("--task", "booking")])
def test_a_policy_is_removed_once(policies: Switchboard, store: DynamoStore, task: tuple[str, ...]) -> None:
    store.put_policy("default", task[1] if task else None, MEANT)
    assert policies("remove", *task).exit_code == 0
    assert store.policies("default") == NO_POLICIES
    again = policies("remove", *task)
    assert (again.exit_code, "There is no policy" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (("-",), '{"max_attempts": 9, "typo": 1}', ("`max_attempts`", "`typo`")),
        (("-",), "{", ("JSON",)),
        (("-", "--task", " x"), "{}", ("A task's name",)),
        (("no-such-file.json",), None, ("no-such-file.json cannot be read",)),
    ],
)
def test_an_invalid_policy_is_reported_and_not_stored(
    words: tuple[str, ...], stdin: str | None, said: tuple[str, ...], policies: Switchboard, store: DynamoStore
) -> None:
    ended = policies("set", *words, stdin=stdin)
    assert ended.exit_code == 1
    assert len(ended.stderr.splitlines()) == len(said)
    assert all(part in line for part, line in zip(said, ended.stderr.splitlines(), strict=True))
    assert store.policies("default") == NO_POLICIES


def test_a_policy_beyond_the_limit_is_reported(policies: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: object) -> None:
        raise PoliciesFull(500)

    monkeypatch.setattr(DynamoStore, "put_policy", refuse)
    ended = policies("set", "-", "--task", "booking", stdin="{}")
    assert (ended.exit_code, "500 tasks" in ended.stderr) == (1, True)


@pytest.mark.parametrize("project", ["defualt", "", "x" * 3000, "cl\x1binic", " default"])
@pytest.mark.parametrize("task", [(), ("--task", "booking")])
@pytest.mark.parametrize("words", [("set", "-"), ("show",), ("show", "--json"), ("remove",)])
def test_an_unknown_project_is_refused_with_the_known_ones(
    policies: Switchboard, store: DynamoStore, words: tuple[str, ...], project: str, task: tuple[str, ...]
) -> None:
    store.put_policy(project, None, MEANT)
    ended = policies(*words, "--project", project, *task, stdin="{}")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "There is no project" in ended.stderr
    assert ended.stderr.endswith("There are: clinic, copy, default.\n")
    assert (len(ended.stderr.splitlines()), len(ended.stderr) < 200, "\x1b" in ended.stderr) == (1, True, False)
    assert store.policies(project) == ProjectPolicies(MEANT, {})


def test_a_long_list_of_projects_is_shortened(policies: Switchboard, store: DynamoStore) -> None:
    for number in range(30):
        store.put_key(a_key(f"sb-{number}", f"project {number:02}"))
    ended = policies("show", "--project", "nobody")
    assert (ended.exit_code, ended.stderr.endswith(", project 16 and 13 more.\n")) == (1, True)


def test_without_projects_the_error_says_how_to_create_one(
    switchboard: Switchboard, table: str, dynamodb_endpoint: str
) -> None:
    ended = run_policies(switchboard, table, dynamodb_endpoint)("set", "-", stdin="{}")
    assert (ended.exit_code, "`switchboard keys create`" in ended.stderr) == (1, True)


def test_the_length_limit_of_a_policy_is_the_apis(policies: Switchboard, store: DynamoStore, tmp_path: Path) -> None:
    file, longest = tmp_path / "policy.json", "{" + " " * (MAX_POLICY_BYTES - 2) + "}"
    for too_long in (longest + " ", longest * 1000):
        file.write_text(too_long)
        for ended in (policies("set", "-", stdin=too_long), policies("set", str(file))):
            assert (ended.exit_code, ended.stderr) == (1, "A policy may have 16,384 bytes at most.\n")
    assert store.policies("default") == NO_POLICIES
    assert policies("set", "-", stdin=longest).exit_code == 0


def test_a_missing_target_is_reported(switchboard: Switchboard) -> None:
    for words in (("show",), ("set", "-"), ("remove",)):
        ended = switchboard("policies", *words, stdin="{}")
        assert (ended.exit_code, "--stack" in ended.stderr) == (1, True)
