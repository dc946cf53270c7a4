"""Searches on a real engine: every call once, by any combination of terms, with few requests."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.settlement import Settlement
from switchboard.domain.trace import Status, Trace, Turn
from switchboard.domain.trace_search import TraceSearch
from switchboard.store import keyspace
from switchboard.store.query_ports import SearchRefused
from switchboard.store.search import newest_search
from testkit.dynamodb import new_table
from testkit.samples import NOON, an_open_trace
from testkit.search_world import SearchWorld, filtered, ids_at

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FILTERS: dict[str, TraceSearch] = {
    "environment": TraceSearch(environment="staging"),
    "provider and model": TraceSearch(provider="groq", model="llama-3"),
    "provider": TraceSearch(provider="groq"),
    "model": TraceSearch(model="llama-3"),
    "key": TraceSearch(key_id="key_b"),
    "status": TraceSearch(status=Status.TIMEOUT),
    "ok": TraceSearch(status=Status.OK),
    "open": TraceSearch(status=Status.OPEN),
    "open of a task": TraceSearch(status=Status.OPEN, task_id="other"),
    "task": TraceSearch(task_id="other"),
    "caller": TraceSearch(metadata={"caller-id": "+49#1"}),
    "caller and agent": TraceSearch(metadata={"caller-id": "+49#1", "agent-id": "b"}),
    "agent and status": TraceSearch(metadata={"agent-id": "b"}, status=Status.TIMEOUT),
    "thread": TraceSearch(metadata={"conversation-id": "thread:t1"}),
    "all": TraceSearch(),
    "many": TraceSearch(task_id="booking", environment="staging", provider="groq", status=Status.OK),
    "none": TraceSearch(environment="no such", task_id="booking"),
    "hour": TraceSearch(environment="staging", since=NOON + timedelta(minutes=20), until=NOON + timedelta(minutes=60)),
}


def calls(count: int = 120, project: str = "acme") -> list[Trace]:
    """Calls of every kind, a minute apart."""
    return [a_call(number, project) for number in range(count)]


def a_call(number: int, project: str = "acme", **fields: Any) -> Trace:
    trace = an_open_trace(
        project, "other" if number % 7 == 0 else "booking", started_at=NOON + timedelta(minutes=number)
    )
    metadata = {"caller-id": f"+49#{number % 5}", "agent-id": "ab"[number % 2], "unindexed": "x"}
    if number % 4:
        metadata["conversation-id"] = f"conv-{number // 8}"
    changed = {
        "status": Status.OPEN if number % 13 == 5 else (Status.OK, Status.OK, Status.TIMEOUT)[number % 3],
        "environment": ("production", "staging")[number % 3 == 1],
        "key_id": ("key_a", "key_b")[number % 6 == 0],
        "provider": ("groq", "openai")[number % 2],
        "model": ("llama-3", "gpt-oss", "gpt-5")[number % 3],
        "metadata": metadata,
        "turn": Turn("turn", 0, f"t{number % 3}"),
        "ttft_ms": None if number % 11 == 0 else 100 + number * 37 % 500 + 0.125,
        "settlement": Settlement(NOON, None if number % 9 == 0 else number * 7919 % 100_003),
    }
    if number % 17 == 3:
        changed |= {"provider": None, "model": None}
    return replace(trace, **{**changed, **fields})


@pytest.fixture(scope="module")
def filled(dynamodb: "DynamoDBClient") -> SearchWorld:
    """A table with calls of two projects."""
    world = SearchWorld(dynamodb, new_table(dynamodb), now=NOON + timedelta(hours=3))
    world.add(calls())
    world.add(calls(20, "other"))
    return world


@pytest.mark.parametrize("name", FILTERS)
def test_a_search_finds_what_looking_at_every_call_finds(filled: SearchWorld, name: str) -> None:
    expected = filtered(filled.calls, "acme", FILTERS[name])
    assert filled.found("acme", FILTERS[name]) == expected
    assert bool(expected) is (name != "none")


@pytest.mark.parametrize("name", FILTERS)
def test_a_search_finds_the_same_where_the_totals_are_too_many(
    filled: SearchWorld, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest_search, "MAX_PLANNED_ROWS", 2)
    assert filled.found("acme", FILTERS[name]) == filtered(filled.calls, "acme", FILTERS[name])


@pytest.mark.parametrize("name", ["environment", "model", "open", "caller", "many", "all"])
def test_short_pages_have_each_call_once(filled: SearchWorld, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest_search, "MAX_ROWS", 64)
    monkeypatch.setattr(newest_search, "MAX_TRACES", 32)
    pages = [*filled.pages("acme", FILTERS[name], limit=7)]
    found = [trace.trace_id for page in pages for trace in page.traces]
    assert found == filtered(filled.calls, "acme", FILTERS[name])
    assert len(pages) > len(found) / 7
    assert all(page.examined <= 64 for page in pages)
    assert all(page.searched_since for page in pages[:-1])


def test_a_search_that_needs_the_totals_looks_back_month_by_month(dynamodb: "DynamoDBClient", table: str) -> None:
    world = SearchWorld(dynamodb, table)
    traces = [
        a_call(
            number, provider="groq", model=f"model-{number}", status=Status.OK, started_at=NOON - timedelta(days=days)
        )
        for number, days in enumerate((0, 1, 20, 40, 70, 100))
    ]
    ids = ids_at(trace.started_at for trace in traces)
    traces = [replace(trace, trace_id=trace_id) for trace, trace_id in zip(traces, ids, strict=True)]
    world.add(traces)
    pages = [*world.pages("acme", TraceSearch(provider="groq"))]
    assert [[trace.model for trace in page.traces] for page in pages] == [
        ["model-0", "model-1", "model-2"],
        ["model-3"],
        ["model-4"],
        ["model-5"],
    ] + [[]] * (len(pages) - 4)
    assert pages[0].searched_since == datetime(2026, 10, 20, 0, 0, 0, 1000, UTC)
    assert pages[-1].searched_since == datetime(2026, 1, 1, tzinfo=UTC), "the first day that is indexed whole"
    since = NOON - timedelta(days=50)
    pages = [*world.pages("acme", TraceSearch(provider="groq", since=since))]
    assert [len(page.traces) for page in pages] == [3, 1]
    assert pages[-1].searched_since is None


def test_a_search_says_since_when_calls_can_be_found(dynamodb: "DynamoDBClient", table: str) -> None:
    world = SearchWorld(dynamodb, table)
    search = TraceSearch(environment="production")
    world.counted.since = date(2026, 11, 19)
    assert world.finder.find_traces("acme", search, limit=5).searched_since == datetime(2026, 11, 19, tzinfo=UTC)
    later = replace(search, since=NOON)
    assert world.finder.find_traces("acme", later, limit=5).searched_since is None
    world.counted.since = None
    assert world.finder.find_traces("acme", later, limit=5).searched_since == datetime(2026, 11, 21, tzinfo=UTC)
    every = world.finder.find_traces("acme", TraceSearch(status=Status.OK), limit=5)
    assert every.searched_since is None, "all traces are read"


@pytest.mark.parametrize(
    ("search", "cursor", "field"),
    [
        (TraceSearch(metadata={"tenant": "x"}), None, "metadata"),
        (TraceSearch(metadata={"caller-id": "x", "": "x"}), None, "metadata"),
        (TraceSearch(), "no cursor", "cursor"),
        (TraceSearch(environment="production"), "A" * 32, "cursor"),
    ],
)
def test_what_is_not_indexed_and_an_invalid_cursor_are_refused(
    filled: SearchWorld, search: TraceSearch, cursor: str | None, field: str
) -> None:
    with pytest.raises(SearchRefused) as refused:
        filled.finder.find_traces("acme", search, limit=5, cursor=cursor)
    assert refused.value.field == field


def test_a_search_whose_end_is_before_its_beginning_finds_nothing(filled: SearchWorld) -> None:
    found = filled.finder.find_traces("acme", TraceSearch(since=NOON, until=NOON), limit=5)
    assert (found.traces, found.next_cursor, found.examined) == ((), None, 0)


def test_a_row_that_cannot_be_read_is_no_fault_of_the_cursor(dynamodb: "DynamoDBClient", table: str) -> None:
    world = SearchWorld(dynamodb, table)
    trace = a_call(1)
    world.add([trace])
    key = keyspace.trace("acme", trace.trace_id)
    item = {"pk": {"S": key.pk}, "sk": {"S": key.sk}, "status": {"S": "unheard of"}}
    dynamodb.put_item(TableName=table, Item=item)
    with pytest.raises((KeyError, ValueError)):
        world.finder.find_traces("acme", TraceSearch(environment=trace.environment), limit=5)
