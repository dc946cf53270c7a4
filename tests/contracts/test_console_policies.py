"""Policies over each store as the API reads and changes them, and through the function's own handler."""

import asyncio
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from console.assembly import build
from console.settings import Settings
from switchboard.domain.policy import FallbackTarget, Policy
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.ports import KeyStore, PolicyStore, TraceStore
from testkit.console_document import CheckedClient
from testkit.events import rest_event
from testkit.samples import NOON, a_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Invoke = Callable[[dict[str, Any]], dict[str, Any]]

AUTHORIZED = {"Authorization": "Bearer sb-one"}


class Store(KeyStore, PolicyStore, TraceStore, Protocol):
    """All ports in one."""


@pytest.fixture
def console(store: Store) -> Iterator[TestClient]:
    """A client of the console on that store, with a key of the project acme; `sb-two` belongs to another project."""
    store.put_key(a_key("sb-one"))
    store.put_key(a_key("sb-two", project="other"))
    with CheckedClient(build(Settings("unused"), store), headers=AUTHORIZED) as client:
        yield client


def path_of(task_id: str) -> str:
    return f"/api/tasks/{quote(task_id, safe='')}/policy"


def test_a_projects_policy_is_put_shown_and_deleted(store: Store, console: TestClient) -> None:
    written = {"fallback": ["gemini/gemini-2.5-flash"], "hedge_after_ms": "p95", "zero_retention": None}
    kept = {"policy": {"fallback": ["google/gemini-2.5-flash"], "hedge_after_ms": "p95"}}
    assert console.get("/api/policy").json() == {"policy": {}}
    answer = console.put("/api/policy", json=written)
    assert (answer.status_code, answer.json()) == (200, kept)
    assert console.get("/api/policy").json() == kept
    assert store.policies("acme").project.fallback == (FallbackTarget("google", "gemini-2.5-flash"),)
    gone = console.delete("/api/policy")
    assert (gone.status_code, gone.content) == (204, b"")
    assert console.delete("/api/policy").status_code == 404
    assert console.get("/api/policy").json() == {"policy": {}}


def test_a_tasks_policy_is_shown_with_the_effective_policy(console: TestClient) -> None:
    console.put("/api/policy", json={"max_attempts": 2, "ttft_timeout_ms": 2000})
    console.put(path_of("booking"), json={"ttft_timeout_ms": 900})
    assert console.get(path_of("booking")).json() == {
        "policy": {"ttft_timeout_ms": 900},
        "effective": {"max_attempts": 2, "ttft_timeout_ms": 900},
    }
    assert console.get(path_of("another")).json() == {
        "policy": {},
        "effective": {"max_attempts": 2, "ttft_timeout_ms": 2000},
    }
    assert console.delete(path_of("booking")).status_code == 204
    assert console.get(path_of("booking")).json() == console.get(path_of("another")).json()


def test_put_replaces_the_whole_policy(console: TestClient) -> None:
    console.put("/api/policy", json={"max_attempts": 2})
    console.put("/api/policy", json={"plan_timeout_ms": 9000})
    assert console.get("/api/policy").json() == {"policy": {"plan_timeout_ms": 9000}}


def test_a_key_only_reaches_its_own_projects_policies(store: Store, console: TestClient) -> None:
    store.put_policy("other", None, Policy(max_attempts=7))
    store.put_policy("other", "booking", Policy(max_attempts=8))
    console.put(path_of("booking"), json={"max_attempts": 1})
    assert console.get("/api/policy").json() == {"policy": {}}
    assert console.delete(path_of("booking")).status_code == 204
    assert store.policies("other").for_task("booking").max_attempts == 8
    assert console.get("/api/policy", headers={"authorization": "Bearer sb-two"}).json()["policy"]["max_attempts"] == 7


@pytest.mark.parametrize(
    "task_id", ["a/b", "a#b", "policy", "a/policy", "costs", "100%", "a?b", "ä 🙂", "a//b", "+", "x" * 256]
)
def test_a_task_may_have_any_name(store: Store, console: TestClient, task_id: str) -> None:
    assert console.put(path_of(task_id), json={"max_attempts": 1}).status_code == 200
    assert store.policies("acme").tasks == {task_id: Policy(max_attempts=1)}
    assert console.get(path_of(task_id)).json()["policy"] == {"max_attempts": 1}


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


@pytest.mark.parametrize("task_id", ["booking", "a/b #1", "50%25 off", "x/policy"])
def test_the_handler_accepts_a_policy_as_api_gateway_sends_it(
    invoke: Invoke, dynamodb: "DynamoDBClient", table: str, task_id: str
) -> None:
    store = DynamoStore(dynamodb, table, retention=timedelta(0), clock=lambda: NOON)
    store.put_key(a_key("sb-one"))
    path, body = path_of(task_id), '{"max_attempts": 2}'
    put = invoke(rest_event("PUT", path, headers=AUTHORIZED, body=body))
    assert (put["statusCode"], json.loads(put["body"])) == (200, {"policy": {"max_attempts": 2}})
    in_base64 = invoke(rest_event("PUT", path, headers=AUTHORIZED, body=body.encode()))
    assert in_base64["statusCode"] == 200
    assert store.policies("acme").tasks == {task_id: Policy(max_attempts=2)}
    wrong = invoke(rest_event("PUT", path, headers=AUTHORIZED, body='{"max_attempts": 0}'))
    assert (wrong["statusCode"], json.loads(wrong["body"])["error"]["param"]) == (400, "max_attempts")
    deleted = [invoke(rest_event("DELETE", path, headers=AUTHORIZED))["statusCode"] for _ in range(2)]
    assert deleted == [204, 404]
