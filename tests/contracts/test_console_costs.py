"""Costs in the console's API, from a table in which a real ledger has settled the calls."""

import asyncio
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from console.app import create_app
from console.observability import logger
from console.page import load_page
from console.reads import Reads
from switchboard.domain.keys import Scope
from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.trace import Bodies, Failure, Status, Trace
from switchboard.domain.usage import Tokens, Usage, UsageSource
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ledger.group import pack
from switchboard.store.ledger.ledger import DynamoLedger
from switchboard.store.ledger.totals import DynamoTotals
from testkit.console_document import CheckedClient
from testkit.dynamodb import new_table
from testkit.events import rest_event
from testkit.sam import EXAMPLE_KEY
from testkit.samples import NOON, a_key, a_usual_usage, an_open_trace, one_price

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.thorough

type Invoke = Callable[[dict[str, Any]], dict[str, Any]]

EVENTS = Path(__file__).parents[2] / "events"
RATES = Rates(fresh_input=3_000_000, output=15_000_000, cache_read=300_000, cache_write_5m=3_750_000, cache_write_1h=1)
CARD = RateCard("anthropic", "claude-sonnet-4-5", RATES, ALWAYS, "overrides 2026-11-20")
SUMMED = (
    "calls",
    "errors",
    "unpriced_calls",
    "partly_priced_calls",
    "estimated_calls",
    "prompt_tokens",
    "completion_tokens",
    "cache_read_tokens",
)
AUTHORIZED = {"Authorization": "Bearer sb-one"}


def a_settled_call(started_at: datetime = NOON, *, priced: bool = True, **changes: Any) -> Trace:
    done = replace(an_open_trace(started_at=started_at), status=Status.OK, ttft_ms=400.0, usage=a_usual_usage())
    return settled(replace(done, **changes), one_price(CARD if priced else None), started_at + timedelta(seconds=1))


class Books:
    """A table with a key of the project acme, and the ledger that settles calls in it."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self.store = DynamoStore(client, table, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))
        self.totals = DynamoTotals(client, table)
        self._ledger = DynamoLedger(client, table, random=Random(5))
        self.store.put_key(a_key("sb-one"))

    def settle(self, *traces: Trace) -> None:
        """End the calls, and settle them in groups."""
        for trace in traces:
            self.store.complete_trace(replace(trace, settlement=None), Bodies())
        for group in pack(traces):
            assert len(self._ledger.settle(group).fresh) == len(group)

    def console(self) -> TestClient:
        """A client of the console on this table, ten days after the calls."""
        reads = Reads(self.store, self.totals, now=lambda: NOON + timedelta(days=10))
        return CheckedClient(create_app(reads, load_page(), logger()), headers=AUTHORIZED)


@pytest.fixture
def books(dynamodb: "DynamoDBClient", table: str) -> Books:
    return Books(dynamodb, table)


@pytest.fixture
def console(books: Books) -> Iterator[TestClient]:
    with books.console() as client:
        yield client


def costs(console: TestClient, task_id: str = "booking", **query: str) -> Any:
    asked = {name.rstrip("_"): value for name, value in query.items()}
    answer = console.get(f"/api/tasks/{quote(task_id, safe='')}/costs", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_call_has_no_cost_until_it_is_settled(books: Books, console: TestClient) -> None:
    trace = a_settled_call()
    books.store.complete_trace(replace(trace, settlement=None), Bodies())
    shown = console.get(f"/api/traces/{trace.trace_id}").json()
    assert (shown["cost_usd"], shown["unpriced"], shown["price"], shown["settled_at"]) == (None, None, None, None)
    assert console.get("/api/tasks").json() == {"tasks": []}
    books.settle(trace)
    shown = console.get(f"/api/traces/{trace.trace_id}").json()
    # 212 fresh at 3, 20,480 cached at 0.3 and 87 out at 15, per million.
    assert (shown["cost_usd"], shown["unpriced"]) == ("0.008085", False)
    assert shown["price"]["source"] == "overrides 2026-11-20"
    assert shown["settled_at"] == "2026-11-20T12:00:01.000Z"
    [task] = console.get("/api/tasks").json()["tasks"]
    assert (task["task_id"], task["calls"], task["cost_usd"]) == ("booking", 1, "0.008085")


def test_the_cost_can_be_recomputed_from_the_answer(books: Books, console: TestClient) -> None:
    usage = Usage(UsageSource.PROVIDER, Tokens(1234, 567, cache_read=89, cache_write_5m=10, cache_write_1h=11))
    trace = a_settled_call(usage=usage)
    books.settle(trace)
    shown = console.get(f"/api/traces/{trace.trace_id}").json()
    rates = shown["price"]["usd_per_million"]
    cost = sum(shown["usage"][name] * Decimal(rates[name]) / 10**6 for name in rates)
    assert cost == Decimal(shown["cost_usd"])


def test_tasks_come_most_expensive_first_with_all_their_counts(books: Books, console: TestClient) -> None:
    later = NOON + timedelta(days=40)
    estimated = Usage(UsageSource.ESTIMATED, Tokens(10, 20))
    books.settle(
        a_settled_call(),
        a_settled_call(later, failure=Failure("upstream_cut", "It ended early.", 502), status=Status.UPSTREAM_ERROR),
        a_settled_call(later, priced=False, usage=estimated),
        a_settled_call(later, priced=False, task_id="free #1/ä"),
        a_settled_call(task_id="dear", usage=Usage(UsageSource.PROVIDER, Tokens(0, 10**6))),
    )
    tasks = console.get("/api/tasks").json()["tasks"]
    assert [(task["task_id"], task["cost_usd"]) for task in tasks] == [
        ("dear", "15"),
        ("booking", "0.01617"),
        ("free #1/ä", "0"),
    ]
    assert tasks[1] == {
        "task_id": "booking",
        "calls": 3,
        "errors": 1,
        "cost_usd": "0.01617",
        "unpriced_calls": 1,
        "partly_priced_calls": 0,
        "estimated_calls": 1,
        "prompt_tokens": 2 * 20692 + 10,
        "completion_tokens": 2 * 87 + 20,
        "cache_read_tokens": 2 * 20480,
        "first_seen": "2026-11-20T12:00:00.000Z",
        "last_seen": "2026-12-30T12:00:00.000Z",
    }


def test_a_task_without_calls_costs_0(console: TestClient) -> None:
    answer = costs(console, "nothing")
    assert (answer["periods"], answer["granularity"]) == ([], "day")
    assert answer["total"] == {**dict.fromkeys(SUMMED, 0), "cost_usd": "0"}


def test_another_projects_tasks_are_not_listed(books: Books, console: TestClient) -> None:
    books.settle(a_settled_call(project="other"))
    books.store.put_key(a_key("sb-two", project="other"))
    theirs = {"authorization": "Bearer sb-two"}
    assert console.get("/api/tasks").json() == {"tasks": []}
    assert len(console.get("/api/tasks", headers=theirs).json()["tasks"]) == 1
    asked = "/api/tasks/booking/costs?from=2026-11-20&to=2026-11-21"
    found = [console.get(asked, headers=headers).json()["total"]["calls"] for headers in ({}, theirs)]
    assert found == [0, 1]


@pytest.mark.parametrize("task_id", ["a/b", "a#b%", "costs", "/costs", "💶 ä", "TASK#a", "a//b"])
def test_a_task_is_found_by_its_exact_name(books: Books, console: TestClient, task_id: str) -> None:
    books.settle(a_settled_call(task_id=task_id), a_settled_call(task_id=task_id + "x"), a_settled_call(task_id="b"))
    assert costs(console, task_id, from_="2026-11-20", to="2026-11-21")["total"]["calls"] == 1


def test_a_range_is_widened_to_whole_hours_and_days(books: Books, console: TestClient) -> None:
    books.settle(*(a_settled_call(NOON + timedelta(minutes=30 * half_hours)) for half_hours in range(60)))
    ends = {"from_": "2026-11-20T13:15:00Z", "to": "2026-11-20T14:45:00Z"}
    hours, days = costs(console, granularity="hour", **ends), costs(console, **ends)
    assert (hours["from"], hours["to"]) == ("2026-11-20T13:00:00.000Z", "2026-11-20T15:00:00.000Z")
    assert [(period["start"][11:16], period["end"][11:16], period["calls"]) for period in hours["periods"]] == [
        ("13:00", "14:00", 2),
        ("14:00", "15:00", 2),
    ]
    assert (days["from"], days["to"]) == ("2026-11-20T00:00:00.000Z", "2026-11-21T00:00:00.000Z")
    assert [period["calls"] for period in days["periods"]] == [24] == [days["total"]["calls"]]


MINUTES = 5 * 24 * 60
CALLS = st.lists(
    st.tuples(
        st.integers(0, MINUTES - 1),
        st.builds(Tokens, *[st.integers(0, 10**6)] * 5),
        st.booleans(),
        st.sampled_from([UsageSource.PROVIDER, UsageSource.ESTIMATED]),
    ),
    max_size=25,
)
FIRST = datetime(2026, 10, 30, tzinfo=UTC)  # the days lie around the end of a month


ODD_MOMENTS = [
    *("0001-01-01", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59.999999Z", "1970-01-01", "1969-12-31"),
    *("9998-12-31", "9999-01-01", "9999-12-31", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-14:00"),
    *("10000-01-01", "0", "-1", "1e400", "9" * 5000, "\u0660", "\x00", "\xed\xa0\x80"),
]
ODD_QUERIES = [
    *({"from": moment} for moment in ODD_MOMENTS),
    *({"to": moment} for moment in ODD_MOMENTS),
    *({"to": moment, "granularity": "month"} for moment in ODD_MOMENTS),
    *({"to": moment, "granularity": "hour"} for moment in ODD_MOMENTS),
    {"from": "0001-01-02", "to": "9999-12-30"},
]
ODD_LISTS = [
    *({"limit": number} for number in ("0", "-1", "1.5", "1e2", "9" * 5000, "\u0663")),
    *({"cursor": cursor} for cursor in ("a", "=", "\x00", "\xe9" * 22, "_" * 22, "A" * 22, "x" * 5000)),
    *({"task_id": task} for task in ("\x00", "x" * 5000, "#", "\U0001f363" * 600)),
]


def test_no_query_is_a_failure_of_the_console(console: TestClient) -> None:
    paths = ("/api/tasks/booking/costs", "/api/traces")
    asked = [(path, query) for path in paths for query in [*ODD_QUERIES, *ODD_LISTS]]
    answers = {(path, str(query)): console.get(path, params=query, headers=AUTHORIZED) for path, query in asked}
    assert {asked: answer.text for asked, answer in answers.items() if answer.status_code not in (200, 400)} == {}


def test_no_path_is_a_failure_of_the_console(console: TestClient) -> None:
    for query in ODD_LISTS:
        part = quote(next(iter(query.values())), safe="")
        assert console.get(f"/api/tasks/{part}/costs", headers=AUTHORIZED).status_code == 200
        assert console.get(f"/api/traces/{part}", headers=AUTHORIZED).status_code == 404


def test_a_day_after_the_last_one_is_refused(console: TestClient) -> None:
    answer = console.get("/api/tasks/booking/costs?to=9999-12-31", headers=AUTHORIZED)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "to"


class Projects:
    """A console on one table, with a new task per example. Not a dataclass, which hypothesis would print in full."""

    def __init__(self, books: Books, console: TestClient) -> None:
        self.books = books
        self.console = console
        self.numbers = count()


@pytest.fixture(scope="module")
def projects(dynamodb: "DynamoDBClient") -> Iterator[Projects]:
    books = Books(dynamodb, new_table(dynamodb))
    with books.console() as console:
        yield Projects(books, console)


@settings(max_examples=30)
@given(calls=CALLS, begin=st.integers(0, 4), length=st.integers(1, 5))
def test_hours_sum_to_days_sum_to_the_total_to_the_pico_dollar(
    projects: Projects, calls: list[tuple[int, Tokens, bool, UsageSource]], begin: int, length: int
) -> None:
    task_id = f"task/{next(projects.numbers)}"
    traces = [
        a_settled_call(FIRST + timedelta(minutes=at), priced=priced, usage=Usage(source, tokens), task_id=task_id)
        for at, tokens, priced, source in calls
    ]
    projects.books.settle(*traces)
    since, until = FIRST + timedelta(days=begin), FIRST + timedelta(days=begin + length)
    ends = {"from_": since.date().isoformat(), "to": until.date().isoformat()}
    answers = {unit: costs(projects.console, task_id, granularity=unit, **ends) for unit in ("hour", "day", "month")}
    counted = [trace for trace in traces if since <= trace.started_at < until]
    expected = sum((trace.settlement.cost_pico_usd or 0) for trace in counted if trace.settlement)
    for answer in answers.values():
        assert pico(answer["total"]) == expected
        assert answer["total"]["calls"] == len(counted)
        assert answer["total"] == answers["day"]["total"]
        assert sum(map(pico, answer["periods"])) == expected
        for name in SUMMED:
            assert sum(period[name] for period in answer["periods"]) == answer["total"][name]
    for day in answers["day"]["periods"]:
        inside = [hour for hour in answers["hour"]["periods"] if day["start"] <= hour["start"] < day["end"]]
        assert sum(map(pico, inside)) == pico(day)


def pico(counters: Any) -> int:
    """The cost in pico-dollars; fails for a fraction of one."""
    scaled = Decimal(counters["cost_usd"]) * 10**12
    assert scaled == int(scaled)
    return int(scaled)


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, dynamodb_endpoint: str, table: str) -> Iterator[Invoke]:
    """The function's handler, imported anew with that table's environment."""
    monkeypatch.setenv("TABLE_NAME", table)
    monkeypatch.setenv("DYNAMODB_ENDPOINT", dynamodb_endpoint)
    monkeypatch.delitem(sys.modules, "console.handler", raising=False)
    handler = importlib.import_module("console.handler").handler
    loop = asyncio.get_event_loop()  # the one that the handler has just set, for the life of a sandbox
    yield lambda event: dict(handler(event, None))
    loop.close()
    asyncio.set_event_loop(None)


def event_of(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def test_the_events_are_answered_by_the_handler(books: Books, invoke: Invoke) -> None:
    books.store.put_key(a_key(EXAMPLE_KEY))
    books.settle(a_settled_call(task_id="book-appointment"), a_settled_call())
    tasks, asked = invoke(event_of("console-tasks")), invoke(event_of("console-costs"))
    assert (tasks["statusCode"], tasks["headers"]["content-type"]) == (200, "application/json")
    assert {task["task_id"] for task in json.loads(tasks["body"])["tasks"]} == {"booking", "book-appointment"}
    answer = json.loads(asked["body"])
    assert (asked["statusCode"], answer["task_id"], answer["total"]["cost_usd"]) == (
        200,
        "book-appointment",
        "0.008085",
    )
    assert [(period["start"], period["calls"]) for period in answer["periods"]] == [("2026-11-20T00:00:00.000Z", 1)]


@pytest.mark.parametrize("task_id", ["a/b #1", "50%25 off", "100%", "a+b c", "💶/ä?x=1&y", "x/costs"])
def test_the_handler_accepts_any_task_id_as_api_gateway_sends_it(books: Books, invoke: Invoke, task_id: str) -> None:
    # A REST API hands the path over as it came: percent-encoded.
    books.settle(a_settled_call(task_id=task_id))
    path = f"/api/tasks/{quote(task_id, safe='')}/costs"
    answer = invoke(rest_event(path=path, headers=AUTHORIZED, query={"from": "2026-11-20", "to": "2026-11-21"}))
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["task_id"], body["total"]["calls"]) == (200, task_id, 1)


def test_the_handlers_errors_name_the_parameter(books: Books, invoke: Invoke) -> None:
    for query, param in (({"granularity": "week"}, "granularity"), ({"from": "x"}, "from"), ({"page": "2"}, "page")):
        answer = invoke(rest_event(path="/api/tasks/booking/costs", headers=AUTHORIZED, query=query))
        assert (answer["statusCode"], json.loads(answer["body"])["error"]["param"]) == (400, param)
    books.store.put_key(replace(a_key("sb-call"), scopes=frozenset({Scope.CALL})))
    refused = invoke(rest_event(path="/api/tasks", headers={"Authorization": "Bearer sb-call"}))
    assert refused["statusCode"] == 403


def test_the_handler_reports_a_missing_table(invoke: Invoke, dynamodb: "DynamoDBClient", table: str) -> None:
    dynamodb.delete_table(TableName=table)
    answer = invoke(rest_event(path="/api/tasks", headers=AUTHORIZED))
    assert (answer["statusCode"], json.loads(answer["body"])["error"]["code"]) == (503, "store_unavailable")


def test_an_answer_takes_one_query_for_each_shard_and_one_key_lookup(books: Books, dynamodb: "DynamoDBClient") -> None:
    books.settle(*(a_settled_call(NOON + timedelta(hours=hours)) for hours in range(48)))
    asked: list[str] = []
    console = books.console()
    dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_event: asked.append(model.name), "asked")
    try:
        for path in ("/api/tasks", "/api/tasks/booking/costs?from=2026-11-20&to=2026-12-01&granularity=hour"):
            asked.clear()
            assert console.get(path).status_code == 200
            assert asked == ["GetItem", *["Query"] * 4]
    finally:
        dynamodb.meta.events.unregister("before-call.dynamodb", unique_id="asked")
