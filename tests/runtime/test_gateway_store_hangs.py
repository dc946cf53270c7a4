"""A store that answers nothing more, on Lambda's runtime: the sandbox is free soon, and the row is in the log."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from gateway.recording.recorder import AFTER_REPLY_MS
from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.domain.trace import Bodies, Status
from switchboard.store.dynamodb import DynamoStore
from switchboard.store.traces.trace_lines import from_line
from testkit.emulator import Emulator
from testkit.events import rest_event
from testkit.openai_events import DONE, chunk, finish
from testkit.runtime_api import RuntimeApi
from testkit.upstream import Answer, End, Request, ScriptedUpstream
from testkit.watched_engine import WatchedEngine

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = "sb-the-key-of-the-tests-with-a-hanging-store"
HANDLER = "gateway.handler.handler"
BUSY_S = AFTER_REPLY_MS / 1000 + 0.2


@dataclass(slots=True)
class HangingEngine:
    """An engine that passes requests on until `hangs` is set, and then takes them and says nothing."""

    engine: WatchedEngine
    hangs: bool = False

    def __call__(self, request: Request) -> Answer:
        return Answer(before_headers=[End.HANG]) if self.hangs else self.engine(request)


@dataclass(frozen=True, slots=True)
class Deployment:
    """The environment of a deployed gateway, with its provider and store."""

    upstream: ScriptedUpstream
    database: HangingEngine
    env: dict[str, str]
    store: DynamoStore

    def call_event(self, conversation: str) -> dict[str, Any]:
        """A call of a conversation, so that the turn's row is in the way too."""
        body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hello?"}]}
        headers = {
            "Authorization": f"Bearer {KEY}",
            "x-inference-provider-url": self.upstream.base_url,
            "x-inference-metadata-conversation-id": conversation,
        }
        return rest_event("POST", "/v1/chat/completions", body=json.dumps(body), headers=headers)


@pytest.fixture
def deployment(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Iterator[Deployment]:
    database = HangingEngine(WatchedEngine(dynamodb_endpoint))
    answer = Answer([chunk("Hello"), finish(), DONE])
    with ScriptedUpstream(answer) as upstream, ScriptedUpstream(respond=database) as engine:
        env = {
            "TABLE_NAME": table,
            "DYNAMODB_ENDPOINT": f"http://{engine.host}",
            "PRIVATE_PROVIDER_HOSTS": upstream.host,
        }
        store = DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))
        store.put_key(GatewayKey(digest(KEY), "acme", frozenset({Scope.CALL}), datetime.now(UTC)))
        yield Deployment(upstream, database, env, store)


def lines(log: str, event: str) -> list[dict[str, Any]]:
    """The log lines of this event."""
    found = [json.loads(line[line.index("{") :]) for line in log.splitlines() if f'"message":"{event}"' in line]
    return [line for line in found if line["message"] == event]


@pytest.mark.alone
@pytest.mark.load
def test_the_sandbox_is_free_three_seconds_after_the_reply_and_has_logged_the_row(deployment: Deployment) -> None:
    with RuntimeApi() as api:
        api.start(handler=HANDLER, env=deployment.env)
        api.send(deployment.call_event("conv_0"))
        deployment.database.hangs = True
        for conversation in ("conv_1", "conv_2"):  # the second finds the threads of the first still waiting
            recorded = api.send(deployment.call_event(conversation))
            assert recorded.body.endswith(DONE)
            assert recorded.ended_ns is not None
            assert recorded.next_poll_ns is not None
            assert (recorded.next_poll_ns - recorded.ended_ns) / 1e9 < BUSY_S
        completed, unwritten = lines(api.log, "call.completed"), lines(api.log, "trace.unwritten")
    assert [line["trace_id"] for line in unwritten] == [line["trace_id"] for line in completed[1:]]
    for line in unwritten:
        restored = from_line(line["row"])
        deployment.store.complete_trace(restored, Bodies())
        kept = deployment.store.find_trace("acme", line["trace_id"])
        assert kept == restored
        assert restored.status is Status.OK
        assert restored.metadata["conversation-id"] in ("conv_1", "conv_2")


@pytest.mark.emulator
@pytest.mark.load
def test_an_invocation_ends_three_seconds_after_the_reply(deployment: Deployment) -> None:
    with Emulator(handler=HANDLER, env=deployment.env) as emulator:
        emulator.invoke(deployment.call_event("conv_0"))
        deployment.database.hangs = True
        began = datetime.now(UTC)
        assert DONE.decode() in emulator.invoke(deployment.call_event("conv_1")).body.decode()
        assert (datetime.now(UTC) - began).total_seconds() < BUSY_S + 1
        assert lines(emulator.log, "trace.unwritten")
