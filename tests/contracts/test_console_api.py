"""The reading API over each store, and through the function's own handler over a real table."""

import asyncio
import base64
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Protocol

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.assembly import build
from console.settings import Settings
from switchboard.domain.keys import Scope
from switchboard.domain.trace import Bodies, Failure, Status, Trace
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ports import KeyStore, PolicyStore, TraceStore
from testkit import openai_events as events
from testkit.console_document import CheckedClient
from testkit.events import rest_event
from testkit.samples import NOON, a_key, a_usual_attempt, a_usual_usage, an_open_trace

REQUEST = (
    '{"model": "claude-sonnet-4-5",\t"stream": true, "messages": [{"role": "user", "content": "Grüße 🙂"}]}'.encode()
)
STREAM = events.role() + events.chunk("Hal") + events.chunk("lo 🙂") + events.finish() + events.DONE


class Store(KeyStore, PolicyStore, TraceStore, Protocol):
    """All ports in one."""


@pytest.fixture
def console(store: Store) -> Iterator[TestClient]:
    """A client of the console on that store, with a key of the project acme; `sb-two` belongs to another project."""
    store.put_key(a_key("sb-one"))
    store.put_key(a_key("sb-two", project="other"))
    with CheckedClient(build(Settings("unused"), store), headers={"authorization": "Bearer sb-one"}) as client:
        yield client


def a_finished_trace(**changes: Any) -> Trace:
    done = replace(
        an_open_trace(),
        status=Status.OK,
        ttft_ms=415.367,
        duration_ms=1843.712,
        gateway_ms=3.117,
        queue_ms=11.0,
        usage=a_usual_usage(),
        finish_reason="stop",
        attempts=(a_usual_attempt(),),
        notes=("max_tokens -1 dropped",),
    )
    return replace(done, **changes)


def open_traces(store: Store, count: int, **fields: Any) -> list[Trace]:
    """That many traces, 250 ms apart; newest first."""
    traces = [an_open_trace(started_at=NOON + timedelta(milliseconds=250 * n), **fields) for n in range(count)]
    for trace in traces:
        store.open_trace(trace)
    return traces[::-1]


def ids_of(page: Any) -> list[str]:
    return [trace["trace_id"] for trace in page["traces"]]


def test_a_call_is_read_back_whole(store: Store, console: TestClient) -> None:
    trace = a_finished_trace()
    store.complete_trace(trace, Bodies(REQUEST, STREAM))
    shown = console.get(f"/api/traces/{trace.trace_id}").json()
    assert shown["request"] == json.loads(REQUEST)
    assert shown["response"]["choices"][0]["message"]["content"] == "Hallo 🙂"
    assert (shown["ttft_ms"], shown["duration_ms"], shown["gateway_ms"]) == (415.367, 1843.712, 3.117)
    [entry] = console.get("/api/traces").json()["traces"]
    assert entry == {name: value for name, value in shown.items() if name not in {"request", "response"}}


@pytest.mark.parametrize("status", list(Status))
def test_every_status_can_be_read(store: Store, console: TestClient, status: Status) -> None:
    trace = a_finished_trace(status=status, failure=Failure("connect_failed", "No target answered.", 502))
    store.complete_trace(trace, Bodies())
    shown = console.get(f"/api/traces/{trace.trace_id}").json()
    assert (shown["status"], shown["error"]["http_status"]) == (status.value, 502)
    assert (shown["request"], shown["response"]) == (None, None)


@pytest.mark.parametrize(
    ("response", "streamed", "content_type"),
    [
        (STREAM, True, "text/event-stream"),
        (json.dumps(events.completion("Hallo")).encode(), False, "application/json"),
        (b'{"error": {"message": "no"}}', True, "application/json"),
        (b"\xff\xfe not text", False, "application/json"),
        (b"", False, "application/json"),
    ],
    ids=["stream", "completion", "refusal", "binary", "nothing"],
)
def test_bodies_are_returned_byte_for_byte(
    store: Store, console: TestClient, response: bytes, streamed: bool, content_type: str
) -> None:
    trace = a_finished_trace(streamed=streamed)
    store.complete_trace(trace, Bodies(REQUEST, response))
    asked = console.get(f"/api/traces/{trace.trace_id}/request")
    answered = console.get(f"/api/traces/{trace.trace_id}/response")
    assert (asked.content, asked.headers["content-type"]) == (REQUEST, "application/json")
    assert (answered.content, answered.headers["content-type"]) == (response, content_type)


def test_a_long_system_prompt_is_returned_byte_for_byte(store: Store, console: TestClient) -> None:
    prompt = base64.b64encode(os.urandom(750_000)).decode()
    body = json.dumps({"messages": [{"role": "system", "content": prompt}]}).encode()
    trace = a_finished_trace()
    store.complete_trace(trace, Bodies(body, STREAM))
    assert console.get(f"/api/traces/{trace.trace_id}/request").content == body


@pytest.mark.parametrize("below", ["", "/request", "/response"])
def test_another_projects_trace_is_not_found_by_the_api(store: Store, console: TestClient, below: str) -> None:
    trace = a_finished_trace()
    store.complete_trace(trace, Bodies(REQUEST, STREAM))
    path = f"/api/traces/{trace.trace_id}{below}"
    theirs = {"authorization": "Bearer sb-two"}
    assert console.get(path).status_code == 200
    refused, unknown = console.get(path, headers=theirs), console.get("/api/traces/nothing", headers=theirs)
    assert (refused.status_code, refused.json()) == (404, unknown.json())


def test_another_projects_traces_are_not_listed(store: Store, console: TestClient) -> None:
    ours, theirs = open_traces(store, 3), open_traces(store, 2, project="other")
    other = {"authorization": "Bearer sb-two"}
    assert ids_of(console.get("/api/traces").json()) == [trace.trace_id for trace in ours]
    assert ids_of(console.get("/api/traces", headers=other).json()) == [trace.trace_id for trace in theirs]
    # A cursor contains a time, not a project, so it cannot give access to another project's list.
    cursor = console.get("/api/traces?limit=1").json()["next_cursor"]
    found = ids_of(console.get("/api/traces", params={"cursor": cursor}, headers=other).json())
    assert set(found) <= {trace.trace_id for trace in theirs}


@pytest.mark.parametrize("limit", [None, 1, 7, 100])
@pytest.mark.parametrize("task_id", [None, "booking #1/ä"])
def test_pages_have_no_gaps_and_no_duplicates(
    store: Store, console: TestClient, limit: int | None, task_id: str | None
) -> None:
    count = 25 if limit == 1 else 230
    traces = open_traces(store, count, task_id=task_id or "booking")
    query = {name: value for name, value in (("limit", limit), ("task_id", task_id)) if value is not None}
    found: list[str] = []
    pages = 0
    cursor: str | None = None
    while pages == 0 or cursor is not None:
        page = console.get("/api/traces", params={**query, **({"cursor": cursor} if cursor else {})}).json()
        found += ids_of(page)
        cursor, pages = page["next_cursor"], pages + 1
    assert found == [trace.trace_id for trace in traces]
    assert pages == -(-count // (limit or 50))


@dataclass(frozen=True)
class Given:
    """A time as a caller writes it; `moment` is None if it is invalid."""

    text: str
    moment: datetime | None


def _written(moment: datetime, offset_hours: int) -> Given:
    return Given(moment.astimezone(timezone(timedelta(hours=offset_hours))).isoformat(), moment)


def _day(day: date) -> Given:
    return Given(day.isoformat(), datetime(day.year, day.month, day.day, tzinfo=UTC))


MOMENTS = st.one_of(
    st.none(),
    st.builds(
        _written,
        st.integers(-2_000_000, 10_000_000).map(lambda us: NOON + timedelta(microseconds=us)),
        st.integers(-12, 14),
    ),
    st.builds(_written, st.integers(-8, 40).map(lambda n: NOON + n * timedelta(milliseconds=250)), st.just(0)),
    st.builds(_day, st.dates(date(2026, 11, 18), date(2026, 11, 22))),
    st.sampled_from(["", "noon", "2026-11-20T12:00:00", "20261120120000Z"]).map(lambda text: Given(text, None)),
)
LIMITS = st.one_of(st.none(), st.integers(-2, 110), st.sampled_from(["", "all", "1e1"]))
TASKS = st.sampled_from([None, "booking", "triage", "nothing"])


class Seeded:
    """A console over a store that holds these, newest first. Not a dataclass, which hypothesis would print in full."""

    def __init__(self, console: TestClient, traces: list[Trace]) -> None:
        self.console = console
        self.traces = traces


@pytest.fixture
def seeded(store: Store, console: TestClient) -> Seeded:
    """Thirty-two calls each of two tasks, over eight seconds."""
    traces = open_traces(store, 32) + open_traces(store, 32, task_id="triage")
    return Seeded(console, sorted(traces, key=lambda trace: trace.trace_id, reverse=True))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(since=MOMENTS, until=MOMENTS, limit=LIMITS, task_id=TASKS)
def test_any_query_is_refused_or_answered_correctly(
    seeded: Seeded,
    since: Given | None,
    until: Given | None,
    limit: int | str | None,
    task_id: str | None,
) -> None:
    begin_text, end_text = (given.text if given else None for given in (since, until))
    asked = {"from": begin_text, "to": end_text, "limit": limit, "task_id": task_id}
    answer = seeded.console.get(
        "/api/traces", params={name: value for name, value in asked.items() if value is not None}
    )
    if not is_sound(since, until, limit):
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] in {"from", "to", "limit"}
        return
    assert answer.status_code == 200
    begin, end = (given.moment if given else None for given in (since, until))
    matching = [
        trace.trace_id
        for trace in seeded.traces
        if task_id in (None, trace.task_id)
        and (begin is None or begin <= trace.started_at)
        and (end is None or trace.started_at < end)
    ]
    at_most = 50 if limit is None else int(limit)
    assert ids_of(answer.json()) == matching[:at_most]
    assert (answer.json()["next_cursor"] is None) == (len(matching) <= at_most)


def is_sound(since: Given | None, until: Given | None, limit: int | str | None) -> bool:
    """Whether a query is valid according to the API's documentation."""
    moments = [given.moment for given in (since, until) if given is not None]
    if None in moments or not (limit is None or (isinstance(limit, int) and 1 <= limit <= 100)):
        return False
    return not (since and until and since.moment and until.moment) or since.moment < until.moment


type Invoke = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def real_store(dynamodb: Any, table: str) -> Store:
    """A store on a real table, with a key of the project acme."""
    store = DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))
    store.put_key(a_key("sb-one"))
    return store


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


def body_of(answer: dict[str, Any]) -> bytes:
    body: str = answer["body"]
    return base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()


def test_the_handler_answers_api_gateway(real_store: Store, invoke: Invoke) -> None:
    traces = open_traces(real_store, 4)
    event = rest_event(path="/api/traces", headers={"Authorization": "Bearer sb-one"}, query={"limit": "3"})
    answer = invoke(event)
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "application/json")
    page = json.loads(body_of(answer))
    assert ids_of(page) == [trace.trace_id for trace in traces[:3]]
    event = rest_event(
        path="/api/traces", headers={"Authorization": "Bearer sb-one"}, query={"cursor": page["next_cursor"]}
    )
    assert ids_of(json.loads(body_of(invoke(event)))) == [traces[3].trace_id]


@pytest.mark.parametrize(("response", "is_text"), [(STREAM, True), (b"\xff\xfe", False)])
def test_the_handler_returns_bodies_byte_for_byte(
    real_store: Store, invoke: Invoke, response: bytes, is_text: bool
) -> None:
    trace = a_finished_trace()
    real_store.complete_trace(trace, Bodies(REQUEST, response))
    for which, expected in (("request", REQUEST), ("response", response)):
        path = f"/api/traces/{trace.trace_id}/{which}"
        answer = invoke(rest_event(path=path, headers={"Authorization": "Bearer sb-one"}))
        assert (answer["statusCode"], body_of(answer)) == (200, expected)
    assert answer["isBase64Encoded"] is not is_text


def test_the_handlers_errors_have_the_same_shape(real_store: Store, invoke: Invoke) -> None:
    real_store.put_key(replace(a_key("sb-call"), scopes=frozenset({Scope.CALL})))
    for authorization, status in (("", 401), ("Bearer sb-none", 401), ("Bearer sb-call", 403)):
        answer = invoke(rest_event(path="/api/traces", headers={"Authorization": authorization}))
        assert answer["statusCode"] == status
        assert sorted(json.loads(answer["body"])["error"]) == ["code", "message", "param", "type"]
    assert invoke(rest_event("POST", "/api/traces"))["statusCode"] == 405
    assert invoke(rest_event(path="/api/nothing"))["statusCode"] == 404


def test_the_handler_serves_the_page(invoke: Invoke) -> None:
    answer = invoke(rest_event(path="/console"))
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert answer["body"].startswith("<!doctype html>")
    assert "default-src 'none'" in answer["headers"]["content-security-policy"]


def test_the_handler_reports_a_missing_table(
    invoke: Invoke, dynamodb: Any, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    dynamodb.delete_table(TableName=table)
    answer = invoke(rest_event(path="/api/traces", headers={"Authorization": "Bearer sb-one"}))
    assert (answer["statusCode"], json.loads(answer["body"])["error"]["code"]) == (503, "store_unavailable")
    [line] = [vars(record) for record in caplog.records if record.name == "console"]
    assert (line["msg"], line["levelname"], line["http_status"]) == ("request.failed", "ERROR", 503)
    assert "ResourceNotFound" in line["reason"]
