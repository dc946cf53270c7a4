"""An unavailable store raises StoreUnavailable, within its timeouts."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from switchboard.domain.policy import Policy
from switchboard.domain.trace import Bodies, Status
from switchboard.domain.turns import TurnCall, TurnIds
from switchboard.store.dynamodb import DynamoStore, connect, connect_both
from switchboard.store.ports import (
    BodiesUnwritten,
    KeyStore,
    PolicyStore,
    RowRefused,
    StoreUnavailable,
    TraceStore,
    TurnStore,
)
from testkit.dynamodb import new_table
from testkit.memory_store import MemoryStore
from testkit.samples import NOON, a_key, an_open_trace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TRACE = an_open_trace()
TURN_CALL = TurnCall("acme", TurnIds("thread", "turn"), TRACE.trace_id, 0)
KEY_CALLS: dict[str, Callable[[KeyStore], object]] = {
    "find_key": lambda store: store.find_key(a_key().digest),
    "put_key": lambda store: store.put_key(a_key()),
    "list_keys": lambda store: store.list_keys("acme"),
}
POLICY_CALLS: dict[str, Callable[[PolicyStore], object]] = {
    "policies": lambda store: store.policies("acme"),
    "put_policy": lambda store: store.put_policy("acme", None, Policy()),
    "put_policy of a task": lambda store: store.put_policy("acme", "booking", Policy()),
    "delete_policy": lambda store: store.delete_policy("acme", "booking"),
}
TRACE_CALLS: dict[str, Callable[[TraceStore], object]] = {
    "open_trace": lambda store: store.open_trace(TRACE),
    "complete_trace": lambda store: store.complete_trace(TRACE, Bodies(b"x" * 5000, None)),
    "find_trace": lambda store: store.find_trace("acme", TRACE.trace_id),
    "find_bodies": lambda store: store.find_bodies("acme", TRACE.trace_id),
    "list_traces": lambda store: store.list_traces("acme", limit=3),
    "list_traces of a task": lambda store: store.list_traces("acme", limit=3, task_id="booking"),
}
TURN_CALLS: dict[str, Callable[[TurnStore], object]] = {
    "record_arrival": lambda store: store.record_arrival(TURN_CALL),
    "mark_answered": lambda store: store.mark_answered(TURN_CALL, 1),
    "read_turn": lambda store: store.read_turn(TURN_CALL),
}
CALLS: dict[str, Callable[[Any], object]] = {**KEY_CALLS, **POLICY_CALLS, **TRACE_CALLS, **TURN_CALLS}


class RawBody:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_options: object) -> Iterator[bytes]:
        yield self._content


def store_on(client: "DynamoDBClient", table: str) -> DynamoStore:
    return DynamoStore(client, table, retention=timedelta(days=30), clock=lambda: NOON)


@contextmanager
def hooked(client: "DynamoDBClient", event: str, hook: Callable[..., Any]) -> Iterator[None]:
    client.meta.events.register(event, hook)
    try:
        yield
    finally:
        client.meta.events.unregister(event, hook)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("kind", ["memory", "dynamodb"])
def test_every_method_raises_store_unavailable(
    request: pytest.FixtureRequest, kind: str, call: Callable[[Any], object]
) -> None:
    store: MemoryStore | DynamoStore
    if kind == "memory":
        store = MemoryStore()
        store.fail_with(StoreUnavailable("switched off"))
    else:
        store = store_on(request.getfixturevalue("dynamodb"), "no-such-table")
    with pytest.raises(StoreUnavailable):
        call(store)


def test_an_unreachable_engine_fails_within_the_timeout() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = connect(endpoint=f"http://127.0.0.1:{unused.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="Could not connect"):
            store_on(client, "switchboard").find_key("x")
    assert time.monotonic() - began < 5


def test_throttling_raises_after_the_retries(dynamodb: "DynamoDBClient", table: str) -> None:
    tries = 0

    def throttle(**_event: object) -> AWSResponse:
        nonlocal tries
        tries += 1
        error = {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "slow"}
        return AWSResponse("", 400, HTTPHeaders(), RawBody(json.dumps(error).encode()))

    with (
        hooked(dynamodb, "before-send.dynamodb.PutItem", throttle),
        pytest.raises(StoreUnavailable, match="ProvisionedThroughputExceeded"),
    ):
        store_on(dynamodb, table).open_trace(an_open_trace())
    assert tries == 3


def test_bodies_that_are_not_taken_cost_no_trace(dynamodb: "DynamoDBClient", table: str) -> None:
    def refuse_bodies(request: AWSPreparedRequest, **_event: object) -> AWSResponse | None:
        if b'"kind": {"S": "body"}' not in (request.body or b""):
            return None
        error = {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow"}
        return AWSResponse("", 400, HTTPHeaders(), RawBody(json.dumps(error).encode()))

    store, trace = store_on(dynamodb, table), an_open_trace()
    finished = replace(trace, status=Status.OK, has_bodies=True)
    store.open_trace(trace)
    with hooked(dynamodb, "before-send.dynamodb.PutItem", refuse_bodies), pytest.raises(BodiesUnwritten, match="slow"):
        store.complete_trace(finished, Bodies(b"request", b"answer"))
    assert store.find_trace("acme", trace.trace_id) == finished
    assert store.find_bodies("acme", trace.trace_id) == Bodies()
    store.complete_trace(finished, Bodies(b"request", b"answer"))
    assert store.find_bodies("acme", trace.trace_id) == Bodies(b"request", b"answer")


def test_a_row_that_can_never_be_stored_is_told_from_a_store_that_is_away(
    dynamodb: "DynamoDBClient", table: str
) -> None:
    def refuse(**_event: object) -> AWSResponse:
        error = {"__type": "com.amazon.coral.validate#ValidationException", "message": "Item size has exceeded"}
        return AWSResponse("", 400, HTTPHeaders(), RawBody(json.dumps(error).encode()))

    with hooked(dynamodb, "before-send.dynamodb.PutItem", refuse), pytest.raises(RowRefused, match="Item size"):
        store_on(dynamodb, table).open_trace(an_open_trace())
    with pytest.raises(StoreUnavailable) as away:
        store_on(dynamodb, "no-such-table").open_trace(an_open_trace())
    assert not isinstance(away.value, RowRefused)


def test_the_client_for_records_tries_once(dynamodb_endpoint: str) -> None:
    usual, records = connect_both(endpoint=dynamodb_endpoint)
    tries = [client.meta.config.retries["total_max_attempts"] for client in (usual, records)]  # type: ignore[attr-defined]
    assert tries == [3, 1]
    for client in (usual, records):
        client.close()


def test_unprocessed_keys_are_requested_again(dynamodb: "DynamoDBClient", table: str) -> None:
    store = store_on(dynamodb, table)
    traces = [an_open_trace(started_at=NOON + timedelta(seconds=number)) for number in range(12)]
    for trace in traces:
        store.open_trace(trace)
    asked = []

    def leave_some(parsed: dict[str, Any], **_event: object) -> None:
        found = parsed["Responses"][table]
        asked.append(len(found))
        left = [found.pop() for _ in range(len(found) // 2)]
        if left:
            parsed["UnprocessedKeys"] = {
                table: {"Keys": [{name: item[name] for name in ("pk", "sk")} for item in left]}
            }

    with hooked(dynamodb, "after-call.dynamodb.BatchGetItem", leave_some):
        page = store.list_traces("acme", limit=12, task_id="booking")
    assert page.traces == tuple(traces[::-1])
    assert asked == [12, 6, 3, 1]


def test_keys_that_stay_unprocessed_are_an_error(dynamodb: "DynamoDBClient") -> None:
    table = new_table(dynamodb)
    store = store_on(dynamodb, table)
    store.put_key(a_key())

    def leave_all(parsed: dict[str, Any], **_event: object) -> None:
        [item] = parsed["Responses"].pop(table)
        parsed["UnprocessedKeys"] = {table: {"Keys": [{name: item[name] for name in ("pk", "sk")}]}}

    with (
        hooked(dynamodb, "after-call.dynamodb.BatchGetItem", leave_all),
        pytest.raises(StoreUnavailable, match="1 items were still unread"),
    ):
        store.list_keys("acme")
