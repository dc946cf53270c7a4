"""The policy routes: required scopes and refusals."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.domain.policy import Policy
from switchboard.store import keyspace, policy_items
from switchboard.store.ports import PoliciesFull, StoreUnavailable
from testkit.memory_store import MemoryStore
from testkit.samples import NOON

OWN, OF_TASK = "/api/policy", "/api/tasks/booking/policy"
PATHS = [OWN, OF_TASK]


def error_of(answer: Any) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert sorted(error) == ["code", "message", "param", "type"]
    return answer.status_code, error["code"], error["param"]


@pytest.fixture
def store(store: MemoryStore) -> MemoryStore:
    """Also has a key for each single scope."""
    for scope in Scope:
        store.put_key(GatewayKey(digest(f"sb-{scope}"), "acme", frozenset({scope}), NOON))
    return store


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("method", "wanted"), [("GET", Scope.READ), ("PUT", Scope.ADMIN), ("DELETE", Scope.ADMIN)])
def test_reading_and_writing_require_different_scopes(
    client: TestClient, method: str, path: str, wanted: Scope
) -> None:
    for scope in Scope:
        answer = client.request(method, path, content=b"{}", headers={"authorization": f"Bearer sb-{scope}"})
        if scope is wanted:
            assert answer.status_code in {200, 404}
        else:
            assert error_of(answer) == (403, "scope_missing", None)
            assert f"`{wanted}`" in answer.json()["error"]["message"]
    without = client.request(method, path, content=b"{}", headers={"authorization": ""})
    assert error_of(without) == (401, "key_missing", None)
    assert f"`{wanted}`" in without.json()["error"]["message"]


@pytest.mark.parametrize("path", PATHS)
def test_the_key_is_checked_before_query_task_and_body(client: TestClient, path: str) -> None:
    bad = {"content": b"x" * 20_000, "headers": {"authorization": "Bearer sb-read"}}
    assert error_of(client.put(f"{path}?a=1", **bad)) == (403, "scope_missing", None)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"max_attempts": 9}', "max_attempts"),
        (b'{"fallback": ["groq/a", "b"]}', "fallback[1]"),
        (b'{"max_atempts": 2}', "max_atempts"),
        (b"[]", None),
        (b"", None),
        (b"{", None),
        (b'{"\\ud800": 1}', "\ud800"),
    ],
)
def test_an_invalid_policy_is_refused_and_the_old_one_stays(
    client: TestClient, path: str, body: bytes, param: str | None
) -> None:
    client.put(path, content=b'{"max_attempts": 2}').raise_for_status()
    assert error_of(client.put(path, content=body)) == (400, "policy_invalid", param)
    assert client.get(path).json()["policy"] == {"max_attempts": 2}


@pytest.mark.parametrize(("task_id", "path"), [(None, OWN), ("booking", OF_TASK)])
def test_an_unreadable_policy_is_reported_and_not_shown(
    client: TestClient, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, task_id: str | None, path: str
) -> None:
    row = {"sk": keyspace.policy("acme", task_id).sk, "task_id": task_id, "policy": "{"}
    monkeypatch.setattr(store, "policies", lambda _project: policy_items.from_items([row]))
    told = client.get(path).json()
    holding = {"zero_retention": True, "allowed_targets": []}
    assert (told.pop("policy"), told.pop("unreadable")) == (None, True)
    assert told == ({"effective": holding} if task_id else {})
    other = client.get("/api/tasks/other/policy").json()
    assert other == {"policy": {}, "effective": {} if task_id else holding}


def test_every_problem_of_a_policy_is_reported(client: TestClient) -> None:
    message = client.put(OWN, content=b'{"max_attempts": 9, "provider": "x"}').json()["error"]["message"]
    assert "`max_attempts`" in message
    assert "`provider`" in message


def test_a_body_may_have_16_kilobytes(client: TestClient) -> None:
    body = b'{"max_attempts": 2' + b" " * (16_384 - 19) + b"}"
    assert len(body) == 16_384
    assert client.put(OWN, content=body).status_code == 200
    too_large = client.put(OWN, content=body + b" ")
    assert error_of(too_large) == (413, "body_too_large", None)
    assert too_large.json()["error"]["message"] == "A policy may have 16,384 bytes at most."

    def endless() -> Iterator[bytes]:
        for _ in range(50):
            yield body

    assert error_of(client.put(OWN, content=endless())) == (413, "body_too_large", None)


@pytest.mark.parametrize("task_id", ["", "%20", "a%20", "x" * 257, "a%7Fb"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_task_that_no_call_can_have_is_refused(client: TestClient, method: str, task_id: str) -> None:
    answer = client.request(method, f"/api/tasks/{task_id}/policy", content=b"{}")
    assert error_of(answer) == (400, "parameter_invalid", "task_id")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_query_parameters_are_refused(client: TestClient, store: MemoryStore, method: str, path: str) -> None:
    store.put_policy("acme", None, Policy(max_attempts=2))
    answer = client.request(method, f"{path}?task_id=other", content=b"{}")
    assert error_of(answer) == (400, "parameter_invalid", "task_id")
    assert store.policies("acme").project == Policy(max_attempts=2)


@pytest.mark.parametrize("path", PATHS)
def test_other_methods_are_refused_with_the_allowed_ones(client: TestClient, path: str) -> None:
    answer = client.post(path, content=b"{}")
    assert error_of(answer) == (405, "method_refused", None)
    assert {name.strip() for name in answer.headers["allow"].split(",")} == {"GET", "PUT", "DELETE"}


def test_a_policy_beyond_the_limit_is_a_conflict(
    client: TestClient, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object) -> None:
        raise PoliciesFull(500)

    monkeypatch.setattr(store, "put_policy", refuse)
    assert error_of(client.put(OF_TASK, content=b"{}")) == (409, "policies_full", "task_id")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unavailable_store_is_a_503(client: TestClient, store: MemoryStore, method: str, path: str) -> None:
    store.fail_with(StoreUnavailable("ThrottlingException: slow down"))
    assert error_of(client.request(method, path, content=b"{}")) == (503, "store_unavailable", None)


def test_a_policy_is_not_cached(client: TestClient) -> None:
    assert client.get(OWN).headers["cache-control"] == "no-store"
