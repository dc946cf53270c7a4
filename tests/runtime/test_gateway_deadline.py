"""The function's deadline: the gateway ends a call itself before the platform does."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.domain.trace import Status
from switchboard.store.dynamodb import DynamoStore
from testkit.emulator import Emulator
from testkit.events import rest_event
from testkit.openai_events import DONE, chunk, finish, role
from testkit.runtime_api import RuntimeApi
from testkit.upstream import Answer, End, ScriptedUpstream, Step

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = "sb-the-key-of-the-deadline-tests"
HANDLER = "gateway.handler.handler"
DEADLINE_IN_S = 3.7
"""The gateway reserves three of these seconds for the error and the trace."""
DRIPPING: list[Step] = [chunk("drip "), 0.05] * 200


@dataclass(frozen=True, slots=True)
class Deployment:
    """The environment of a deployed gateway, with its provider and store."""

    upstream: ScriptedUpstream
    env: dict[str, str]
    store: DynamoStore

    def call_event(self, *, stream: bool = True) -> dict[str, Any]:
        """A call to that upstream."""
        body = {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "Hello?"}]}
        headers = {"Authorization": f"Bearer {KEY}", "x-inference-provider-url": self.upstream.base_url}
        return rest_event("POST", "/v1/chat/completions", body=json.dumps(body), headers=headers)

    def statuses(self) -> list[tuple[Status, str | None, list[str]]]:
        """Every trace's status, error code and outcomes, in the order of the calls."""
        traces = reversed(self.store.list_traces("acme", limit=10).traces)
        return [
            (trace.status, trace.failure.code if trace.failure else None, [one.outcome for one in trace.attempts])
            for trace in traces
        ]


@pytest.fixture
def deployment(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Iterator[Deployment]:
    with ScriptedUpstream() as upstream:
        env = {
            "TABLE_NAME": table,
            "DYNAMODB_ENDPOINT": dynamodb_endpoint,
            "PRIVATE_PROVIDER_HOSTS": upstream.host,
        }
        store = DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))
        store.put_key(GatewayKey(digest(KEY), "acme", frozenset({Scope.CALL}), datetime.now(UTC)))
        yield Deployment(upstream, env, store)


def test_a_call_ends_before_the_functions_deadline_and_its_trace_is_stored(deployment: Deployment) -> None:
    answers = [
        (Answer([role(), End.HANG]), True, "first_token_late"),
        (Answer(before_headers=[End.HANG]), False, "answer_late"),
        (Answer([chunk("Hel"), End.HANG]), True, "answer_late"),
        (Answer(DRIPPING), True, "answer_late"),
    ]
    with RuntimeApi() as api:
        api.start(handler=HANDLER, env=deployment.env)
        for answer, stream, code in answers:
            deployment.upstream.answers(answer)
            deadline_ns = time.monotonic_ns() + int(DEADLINE_IN_S * 1e9)
            recorded = api.send(deployment.call_event(stream=stream), deadline_in_s=DEADLINE_IN_S)
            assert recorded.next_poll_ns is not None
            assert recorded.next_poll_ns < deadline_ns, "the trace is written before the sandbox would be cut off"
            has_spoken = b'"delta"' in recorded.body
            assert recorded.head["statusCode"] == (200 if has_spoken else 504)
            assert _error(recorded.body)["code"] == code
            assert b"[DONE]" not in recorded.body
    assert deployment.statuses() == [
        (Status.TIMEOUT, "first_token_late", ["FirstTokenLate"]),
        (Status.TIMEOUT, "answer_late", ["AnswerLate"]),
        (Status.TIMEOUT, "answer_late", ["AnswerLate"]),
        (Status.TIMEOUT, "answer_late", ["AnswerLate"]),
    ]


@pytest.mark.emulator
@pytest.mark.alone
def test_a_call_ends_before_the_functions_timeout(deployment: Deployment) -> None:
    deployment.upstream.answers(Answer([chunk("Hello"), finish(), DONE]))
    with Emulator(handler=HANDLER, env=deployment.env, timeout_s=4) as emulator:
        emulator.invoke(deployment.call_event())  # includes the start
        deployment.upstream.answers(Answer(DRIPPING))
        answer = emulator.invoke(deployment.call_event())
        assert "drip" in answer.body.decode()
        assert _error(answer.body)["code"] == "answer_late"
        assert "Task timed out" not in emulator.log
    assert deployment.statuses()[-1] == (Status.TIMEOUT, "answer_late", ["AnswerLate"])


def _error(body: bytes) -> dict[str, Any]:
    """The error of a whole answer, or of a stream's last event."""
    last = body.removesuffix(b"\n\n").rpartition(b"\n\n")[2].removeprefix(b"data: ")
    error: dict[str, Any] = json.loads(last)["error"]
    return error
