"""Names that are too long for rows of totals: calls that have them are found and told apart all the same."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.settlement import Settlement
from switchboard.domain.trace import Status, Trace
from switchboard.domain.trace_search import TraceSearch
from testkit.samples import NOON, an_open_trace
from testkit.search_world import SearchWorld, filtered

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LONG = "x" * 250


def _call(number: int, **fields: Any) -> Trace:
    call = an_open_trace(started_at=NOON + timedelta(minutes=number))
    return replace(call, status=Status.OK, settlement=Settlement(NOON, 7), **fields)


@pytest.mark.parametrize(
    "search",
    [
        TraceSearch(model=f"{LONG}1"),
        TraceSearch(provider="groq"),
        TraceSearch(provider="groq", model=f"{LONG}1"),
        TraceSearch(task_id=f"{LONG}t", environment=f"{LONG}e"),
        TraceSearch(metadata={"agent-id": f"{LONG}a"}, task_id=f"{LONG}t"),
    ],
    ids=["model", "provider", "both", "task and environment", "agent and task"],
)
def test_calls_with_long_names_are_found(dynamodb: "DynamoDBClient", table: str, search: TraceSearch) -> None:
    world = SearchWorld(dynamodb, table)
    names = {"task_id": f"{LONG}t", "environment": f"{LONG}e", "metadata": {"agent-id": f"{LONG}a"}}
    calls = [_call(number, provider="groq", model=f"{LONG}{number % 2}", **names) for number in range(6)]
    world.add([*calls, _call(7, provider="openai", model=LONG)])
    expected = filtered(world.calls, "acme", search)
    assert world.found("acme", search) == expected
    assert 0 < len(expected) < len(world.calls)
