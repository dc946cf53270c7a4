from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from console.refusals import add_refusals
from switchboard.domain.keys import Scope, digest
from switchboard.domain.trace import Bodies
from switchboard.store.ports import StoreUnavailable
from testkit.memory_store import MemoryStore
from testkit.samples import NOON, a_key, an_open_trace

LIST = "/api/traces"
ONE = "/api/traces/019aa0e3-0000-7000-8000-000000000000"
COSTS = "/api/tasks/booking/costs"
PATHS = [LIST, ONE, f"{ONE}/request", f"{ONE}/response", "/api/tasks", COSTS]


def error_of(answer: Any) -> tuple[int, str, str | None]:
    body = answer.json()
    assert sorted(body) == ["error"]
    assert sorted(body["error"]) == ["code", "message", "param", "type"]
    return answer.status_code, body["error"]["code"], body["error"]["param"]


@pytest.mark.parametrize("path", PATHS)
def test_every_route_requires_a_key_with_the_scope_read(client: TestClient, store: MemoryStore, path: str) -> None:
    store.put_key(type(a_key())(digest("sb-call"), "acme", frozenset({Scope.CALL}), NOON))
    for header, expected in [
        ("", (401, "key_missing", None)),
        ("Bearer sb-none", (401, "key_unknown", None)),
        ("Bearer sb-call", (403, "scope_missing", None)),
    ]:
        assert error_of(client.get(path, headers={"authorization": header})) == expected


def test_the_key_is_checked_before_the_query(client: TestClient) -> None:
    assert error_of(client.get(f"{LIST}?limit=0", headers={"authorization": ""}))[0] == 401


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("from=x", "from"),
        ("to=2026-11-20T10:00:00+01:00", "to"),  # the + of a URL is a space
        ("cursor=nonsense", "cursor"),
        ("page=2", "page"),
        ("task_id=a&task_id=b", "task_id"),
        ("task_id=", "task_id"),
        ("from=2026-11-21&to=2026-11-20", "from"),
    ],
)
def test_an_invalid_query_is_refused_by_its_parameter(client: TestClient, query: str, param: str) -> None:
    assert error_of(client.get(f"{LIST}?{query}")) == (400, "parameter_invalid", param)


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/api/tasks?limit=5", "limit"),
        (f"{COSTS}?granularity=week", "granularity"),
        (f"{COSTS}?from=x", "from"),
        (f"{COSTS}?from=2026-11-20&to=2026-11-20", "from"),
        (f"{COSTS}?task_id=booking", "task_id"),
        ("/api/tasks//costs", "task_id"),
    ],
)
def test_an_invalid_costs_query_is_refused_by_its_parameter(client: TestClient, path: str, param: str) -> None:
    assert error_of(client.get(path)) == (400, "parameter_invalid", param)


@pytest.mark.parametrize("task_id", ["a/b", "a#b", "costs", "a/costs", "100%", "a?b", "ä 🙂", " ", "a//b", "+"])
def test_a_task_may_have_any_name(client: TestClient, task_id: str) -> None:
    answer = client.get(f"/api/tasks/{quote(task_id, safe='')}/costs")
    assert (answer.status_code, answer.json()["task_id"]) == (200, task_id)


@pytest.mark.parametrize("path", [ONE, f"{ONE}/request", f"{ONE}/response", f"{LIST}/%00"])
def test_an_unknown_trace_is_a_404(client: TestClient, path: str) -> None:
    assert error_of(client.get(path)) == (404, "trace_unknown", None)


def test_a_body_that_was_not_stored_is_a_404(client: TestClient, store: MemoryStore) -> None:
    trace = an_open_trace()
    store.complete_trace(trace, Bodies(request=b"{}"))
    assert client.get(f"{LIST}/{trace.trace_id}/request").content == b"{}"
    assert error_of(client.get(f"{LIST}/{trace.trace_id}/response")) == (404, "body_not_kept", None)


def test_a_trace_that_does_not_fit_can_still_be_read_in_parts(client: TestClient, store: MemoryStore) -> None:
    trace = an_open_trace()
    body = b'"' + b"x" * 4_000_000 + b'"'
    store.complete_trace(trace, Bodies(body, body))
    assert error_of(client.get(f"{LIST}/{trace.trace_id}")) == (413, "answer_too_long", None)
    assert client.get(f"{LIST}/{trace.trace_id}/request").content == body
    assert client.get(LIST).json()["traces"][0]["trace_id"] == trace.trace_id


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/", "/api/traces/", "/api/tasks/", "/api/tasks/booking", "/console/x", "/docs", "/openapi.json"],
)
def test_other_paths_are_unknown_in_the_same_shape(client: TestClient, path: str) -> None:
    assert error_of(client.get(path)) == (404, "route_unknown", None)


@pytest.mark.parametrize("path", [*PATHS, "/console"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_are_refused_with_the_allowed_ones(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert error_of(answer) == (405, "method_refused", None)
    assert "GET" in answer.headers["allow"]


def test_responses_are_not_cached(client: TestClient, store: MemoryStore) -> None:
    trace = an_open_trace()
    store.complete_trace(trace, Bodies(b"{}", b"{}"))
    for path in (LIST, f"{LIST}/{trace.trace_id}", f"{LIST}/{trace.trace_id}/request"):
        headers = client.get(path).headers
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize("path", PATHS)
def test_an_unavailable_store_is_a_503_and_is_logged(
    client: TestClient, store: MemoryStore, log: Any, path: str
) -> None:
    store.fail_with(StoreUnavailable("ThrottlingException: slow down"))
    answer = client.get(path)
    assert error_of(answer) == (503, "store_unavailable", None)
    assert "Throttling" not in answer.text
    [(level, event, fields, _)] = log.lines
    assert (level, event, fields["reason"]) == ("error", "request.failed", "ThrottlingException: slow down")
    assert (fields["http_status"], fields["code"]) == (503, "store_unavailable")


def test_an_unexpected_error_is_a_500_and_is_logged_with_its_stack(
    client: TestClient, store: MemoryStore, log: Any
) -> None:
    fault = RuntimeError("internals")
    store.fail_with(fault)
    answer = client.get(LIST)
    assert error_of(answer) == (500, "internal_error", None)
    assert "internals" not in answer.text
    assert [(level, event, error) for level, event, _, error in log.lines] == [("error", "request.failed", fault)]


def test_a_refused_key_is_logged_by_its_id_only(client: TestClient, log: Any) -> None:
    canary = "sb-canary"
    client.get(f"/api/traces/{canary}?cursor={canary}", headers={"authorization": f"Bearer {canary}"})
    [(level, event, fields, _)] = log.lines
    assert (level, event) == ("info", "request.refused")
    assert fields["route"] == "/api/traces/{trace_id}"
    assert str(fields["key_id"]).startswith("key_")
    assert canary not in str(log.lines)


def test_what_fastapi_itself_refuses_is_answered_in_the_same_shape(log: Any) -> None:
    app = FastAPI()
    add_refusals(app, log, [])
    app.add_api_route("/count", lambda number: {"number": number}, methods=["GET"])
    assert error_of(TestClient(app).get("/count")) == (400, "parameter_invalid", "number")


async def test_a_caller_that_leaves_while_it_uploads_is_no_error(client: TestClient, log: Any) -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message.get("status"))

    sent: list[object] = []
    headers = [(b"authorization", b"Bearer sb-one")]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "PUT",
        "path": "/api/policy",
        "query_string": b"",
        "headers": headers,
    }
    await client.app(scope, receive, send)
    assert sent[0] == 499
    assert log.lines == []
