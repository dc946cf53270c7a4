"""The export of the calls that a search finds, settled by the real aggregator on a real table."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from console.app import create_app
from console.assembly import dynamodb_queries
from console.observability import logger
from console.page import load_page
from console.reads import Reads
from console.settings import Settings
from switchboard.domain.trace import Bodies
from switchboard.store.ledger.totals import DynamoTotals
from switchboard_cli.main import app
from testkit.console_document import CheckedClient
from testkit.conversations import Talks, finished_call
from testkit.openai_events import DONE, chunk, finish
from testkit.samples import NOON, a_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

LATER = NOON + timedelta(days=1)
CALLS = 12


@pytest.fixture
def console(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> CheckedClient:
    """A client of the console on a table with twelve settled calls of three conversations, two each in staging."""
    talks, totals = Talks(dynamodb, dynamodb_endpoint, table), DynamoTotals(dynamodb, table)
    talks.store.put_key(a_key("sb-one"))
    for number in range(CALLS):
        environment = "staging" if number < CALLS // 2 else "production"
        call = finished_call(number, f"conv_{number % 3}", environment=environment)
        request = {"messages": [{"role": "user", "content": f"{number}"}]}
        talks.store.complete_trace(call, Bodies(json.dumps(request).encode(), chunk("Hi") + finish() + DONE))
        talks.settle(call)
    queries = dynamodb_queries(dynamodb, Settings(table), totals, lambda: LATER)
    application = create_app(Reads(talks.store, totals, now=lambda: LATER), load_page(), logger(), queries)
    return CheckedClient(application, headers={"authorization": "Bearer sb-one"})


def exported(console: CheckedClient, **query: str) -> list[int]:
    """The numbers of all calls of an export, in its order."""
    found, cursor = list[int](), None
    while cursor != "":
        answer = console.get("/api/exports", params=query | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        requests = [json.loads(line)["request"] for line in answer.text.splitlines()]
        found += [int(request["messages"][0]["content"]) for request in requests]
        cursor = answer.headers.get("x-switchboard-next-cursor", "")
    return found


def test_only_calls_with_every_value_are_exported(console: CheckedClient) -> None:
    assert exported(console) == list(range(CALLS))[::-1]
    assert exported(console, metadata="conversation-id:conv_1") == [10, 7, 4, 1]
    assert exported(console, metadata="conversation-id:conv_1", environment="staging") == [4, 1]
    assert exported(console, status="timeout") == []
    since = (NOON + timedelta(minutes=8)).isoformat()
    assert exported(console, **{"environment": "production", "from": since}) == [11, 10, 9, 8]


def test_an_export_of_a_search_goes_on_in_the_middle_of_a_page(
    console: CheckedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.export_routes.PAGE", 3)
    monkeypatch.setattr("console.export_routes._size", lambda _line: 1_100_000)  # three lines in a part
    assert exported(console, environment="staging") == [5, 4, 3, 2, 1, 0]
    assert exported(console) == list(range(CALLS))[::-1]


def test_an_export_says_which_calls_its_filters_cannot_find(
    console: CheckedClient, dynamodb: "DynamoDBClient", table: str, dynamodb_endpoint: str
) -> None:
    dynamodb.update_item(
        TableName=table,
        Key={"pk": {"S": "PROJECTS"}, "sk": {"S": "acme"}},
        UpdateExpression="SET dimensions_since = :day",
        ExpressionAttributeValues={":day": {"S": LATER.date().isoformat()}},
    )
    by_environment = console.get("/api/exports?environment=staging&from=2026-11-20")
    assert by_environment.headers["x-switchboard-searched-since"] == "2026-11-21T00:00:00.000Z"
    assert "x-switchboard-searched-since" not in console.get("/api/exports?from=2026-11-20").headers
    asked = ("--project", "acme", "--environment", "staging", "--table", table, "--endpoint-url", dynamodb_endpoint)
    ended = CliRunner().invoke(app, ["export", *asked])
    assert "Calls before 2026-11-21 00:00Z may be missing: not all of them are indexed." in ended.stderr


@pytest.mark.usefixtures("console")
def test_the_command_exports_the_same_calls(table: str, dynamodb_endpoint: str) -> None:
    asked = ("--project", "acme", "--metadata", "conversation-id:conv_1", "--environment", "staging")
    ended = CliRunner().invoke(app, ["export", *asked, "--table", table, "--endpoint-url", dynamodb_endpoint])
    requests = [json.loads(line)["request"] for line in ended.stdout.splitlines()]
    assert [request["messages"][0]["content"] for request in requests] == ["4", "1"]


@pytest.mark.parametrize("query", ["metadata=pet:x", "status=nice", "sort=slowest"])
def test_a_wrong_filter_is_named(console: CheckedClient, query: str) -> None:
    answer = console.get(f"/api/exports?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, query.partition("=")[0])
