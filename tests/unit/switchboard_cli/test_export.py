"""`switchboard export` on a real table."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import Result

import switchboard_cli.export
from switchboard.domain.trace import Bodies, Status
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ports import StoreUnavailable
from testkit import openai_events as events
from testkit.samples import NOON, a_key, an_open_trace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Switchboard = Callable[..., Result]

STREAM = events.chunk("Hi") + events.finish() + events.DONE


@pytest.fixture
def store(dynamodb: "DynamoDBClient", table: str) -> DynamoStore:
    """A project with four calls, one without bodies."""
    found = DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))
    found.put_key(a_key("sb-one"))
    for second in range(4):
        trace = replace(an_open_trace(started_at=NOON + timedelta(seconds=second)), status=Status.OK)
        request = {"messages": [{"role": "user", "content": str(second)}]}
        found.complete_trace(trace, Bodies() if second == 1 else Bodies(json.dumps(request).encode(), STREAM))
    return found


@pytest.fixture
def export(switchboard: Switchboard, store: DynamoStore, table: str, dynamodb_endpoint: str) -> Switchboard:
    """Runs `switchboard export` on that table."""

    assert store.list_keys("acme")

    def run(*words: str) -> Result:
        where = ("--project", "acme", "--table", table, "--endpoint-url", dynamodb_endpoint)
        return switchboard("export", *words, *where)

    return run


def said(lines: str) -> list[str]:
    return [json.loads(line)["messages"][0]["content"] for line in lines.splitlines()]


def test_lines_go_to_stdout_and_the_progress_to_stderr(export: Switchboard) -> None:
    ended = export("--format", "messages")
    assert (ended.exit_code, said(ended.stdout)) == (0, ["3", "2", "0"])
    assert ended.stderr == "exported: 3; without stored bodies: 1\n"


def test_lines_go_to_a_new_file_and_filters_apply(export: Switchboard, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    assert export(str(file), "--format", "messages", "--from", "2026-11-20T12:00:02Z").exit_code == 0
    assert said(file.read_text()) == ["3", "2"]
    again = export(str(file))
    assert (again.exit_code, "exists" in again.stderr) == (1, True)
    assert said(file.read_text()) == ["3", "2"]


def test_an_export_that_ends_early_goes_on_with_its_cursor(
    export: Switchboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, asked = tmp_path / "calls.jsonl", []
    real = DynamoStore.find_bodies

    def find_bodies(self: DynamoStore, project: str, trace_id: str) -> Bodies:
        asked.append(trace_id)
        if len(asked) == 3:
            raise StoreUnavailable("away")
        return real(self, project, trace_id)

    monkeypatch.setattr(DynamoStore, "find_bodies", find_bodies)
    monkeypatch.setattr(switchboard_cli.export, "PROGRESS_MS", 0)
    ended = export(str(file), "--format", "messages")
    assert ended.exit_code == 1
    cursor = ended.stderr.partition("--cursor ")[2].split()[0]
    assert export(str(file), "--format", "messages", "--cursor", cursor).exit_code == 0
    assert said(file.read_text()) == ["3", "2", "0"]


@pytest.mark.parametrize(
    "words",
    [("--cursor", "x"), ("--from", "x"), ("--format", "csv"), ("--metadata", "x"), ("--metadata", "pet:cat")],
)
def test_wrong_words_are_refused(export: Switchboard, words: tuple[str, str]) -> None:
    ended = export(*words)
    assert (ended.exit_code != 0, ended.stdout) == (True, "")


def test_calls_that_are_not_settled_are_not_in_the_index(export: Switchboard) -> None:
    ended = export("--metadata", "conversation-id:17", "--environment", "staging")
    assert (ended.exit_code, ended.stdout, ended.stderr.splitlines()[0]) == (0, "", "exported: 0")
    assert "may be missing: not all of them are indexed" in ended.stderr
