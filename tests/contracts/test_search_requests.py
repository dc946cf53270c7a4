"""A search takes the same number of requests however many calls there are."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from switchboard.domain.settlement import Settlement
from switchboard.domain.trace import Status, Trace
from switchboard.domain.trace_search import Order, TraceSearch
from testkit.dynamodb import new_table
from testkit.samples import NOON, an_open_trace
from testkit.search_world import SearchWorld
from testkit.stream_events import connect_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SMALL, LARGE = 1000, 10_000
SEARCHES = {
    "caller": (TraceSearch(metadata={"caller-id": "c3"}), 9),
    "caller of a day": (TraceSearch(metadata={"caller-id": "c3"}, since=NOON - timedelta(days=1)), 9),
    "model": (TraceSearch(provider="openai", model="m1"), 9),
    "model alone": (TraceSearch(model="m1"), 9),
    "failed of a task": (TraceSearch(status=Status.TIMEOUT, task_id="t1"), 9),
    "three terms": (TraceSearch(status=Status.OK, task_id="t1", metadata={"caller-id": "c3"}), 9),
    "ok": (TraceSearch(status=Status.OK), 8),
    "slowest": (TraceSearch(order=Order.SLOWEST), 2),
    "dearest of a task": (TraceSearch(order=Order.DEAREST, task_id="t1"), 2),
}


def some_calls(count: int) -> Iterator[Trace]:
    """Calls of two days, and of the same tasks, models and callers, however many there are."""
    for number in range(count):
        trace = an_open_trace("acme", f"t{number % 3}", NOON - timedelta(hours=36 * number / count))
        yield replace(
            trace,
            status=Status.TIMEOUT if number % 5 == 0 else Status.OK,
            provider="openai",
            model=f"m{number % 2}",
            metadata={"caller-id": f"c{number % 7}"},
            ttft_ms=float(number * 7919 % 1009),
            settlement=Settlement(NOON, number),
        )


def counted(client: "DynamoDBClient", endpoint: str, count: int) -> dict[str, int]:
    """How many requests each search takes among that many calls."""
    table = new_table(client)
    SearchWorld(client, table).add([*some_calls(count)])
    reader, asked = connect_once(endpoint), list[str]()
    reader.meta.events.register("before-call.dynamodb", lambda model, **_event: asked.append(model.name))
    world = SearchWorld(reader, table)
    world.counted.calls = [*some_calls(100)]
    world.counted.since = date(2026, 11, 1)
    requests = {}
    for name, (search, _) in SEARCHES.items():
        asked.clear()
        assert len(world.finder.find_traces("acme", search, limit=20).traces) == 20
        requests[name] = len(asked)
    return requests


@pytest.mark.load
def test_ten_times_the_calls_take_no_more_requests(dynamodb: "DynamoDBClient", dynamodb_endpoint: str) -> None:
    few, many = (counted(dynamodb, dynamodb_endpoint, count) for count in (SMALL, LARGE))
    assert few == many == {name: requests for name, (_, requests) in SEARCHES.items()}
