"""The gateway on the Lambda runtime: the bytes that it streams, and the order of its steps."""

import json
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
from testkit.openai_events import DONE, chunk, completion, finish, role, usage
from testkit.runtime_api import RuntimeApi
from testkit.runtime_versions import VERSIONS, runtime_env
from testkit.upstream import Answer, ScriptedUpstream, json_answer
from testkit.watched_engine import WatchedEngine

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = "sb-the-key-of-the-runtime-tests"
HANDLER = "gateway.handler.handler"
SPOKEN = [role(), chunk("Hel"), chunk("lo"), finish(), DONE]


@dataclass(frozen=True, slots=True)
class Deployment:
    """The environment of a deployed gateway, with its provider and store."""

    upstream: ScriptedUpstream
    database: WatchedEngine
    env: dict[str, str]
    store: DynamoStore


@pytest.fixture
def deployment(dynamodb: "DynamoDBClient", dynamodb_endpoint: str, table: str) -> Iterator[Deployment]:
    watched = WatchedEngine(dynamodb_endpoint)
    with ScriptedUpstream() as upstream, ScriptedUpstream(respond=watched) as database:
        env = {
            "TABLE_NAME": table,
            "DYNAMODB_ENDPOINT": f"http://{database.host}",
            "PRIVATE_PROVIDER_HOSTS": upstream.host,
        }
        store = DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=lambda: datetime.now(UTC))
        store.put_key(GatewayKey(digest(KEY), "acme", frozenset({Scope.CALL}), datetime.now(UTC)))
        yield Deployment(upstream, watched, env, store)


def call_event(upstream: ScriptedUpstream, *, stream: bool = True) -> dict[str, Any]:
    body = {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "Hello?"}]}
    headers = {"Authorization": f"Bearer {KEY}", "x-inference-provider-url": upstream.base_url}
    return rest_event("POST", "/v1/chat/completions", body=json.dumps(body), headers=headers)


@pytest.mark.emulator
@pytest.mark.parametrize("runtime", VERSIONS)
def test_a_streamed_call_is_prelude_eight_nuls_and_events(deployment: Deployment, runtime: str) -> None:
    deployment.upstream.answers(Answer([*SPOKEN[:-1], usage(7, 2), DONE]))
    with Emulator(handler=HANDLER, env=deployment.env | runtime_env(runtime)) as emulator:
        answer = emulator.invoke(call_event(deployment.upstream))
    head, nuls, body = answer.payload.partition(b"\0" * 8)
    assert nuls
    assert json.loads(head)["statusCode"] == 200
    assert json.loads(head)["headers"]["content-type"].startswith("text/event-stream")
    assert body == b"".join(SPOKEN)
    trace_id = json.loads(head)["headers"]["x-inference-trace-id"]
    trace = deployment.store.find_trace("acme", trace_id)
    assert trace is not None
    assert trace.status is Status.OK
    assert trace.queue_ms is not None
    assert trace.request_ids.lambda_
    assert trace.request_ids.api_gateway
    assert deployment.store.find_bodies("acme", trace_id).response == body


@pytest.mark.emulator
@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "buffered"])
def test_fifty_calls_in_one_sandbox_use_one_connection(deployment: Deployment, streaming: bool) -> None:
    deployment.upstream.answers(Answer(SPOKEN))
    with Emulator(handler=HANDLER, env=deployment.env, streaming=streaming) as emulator:
        for _ in range(50):
            answer = emulator.invoke(call_event(deployment.upstream))
            body = answer.body if streaming else answer.json["body"].encode()
            assert body == b"".join(SPOKEN)
    assert deployment.upstream.connections_opened == 1
    traces = deployment.store.list_traces("acme", limit=100).traces
    assert [trace.status for trace in traces] == [Status.OK] * 50


def test_the_reply_is_sent_before_the_trace_is_written_and_the_next_call_waits(deployment: Deployment) -> None:
    deployment.upstream.answers(Answer([*SPOKEN[:2], 0.2, *SPOKEN[2:]]))
    with RuntimeApi() as api:
        api.start(handler=HANDLER, env=deployment.env)
        api.send(call_event(deployment.upstream))
        deployment.database.seen.clear()
        recorded = api.send(call_event(deployment.upstream))
    opened, completed = deployment.database.writes("open"), deployment.database.writes("ok")
    assert (len(opened), len(completed)) == (1, 1)
    assert recorded.ended_ns is not None
    assert recorded.next_poll_ns is not None
    assert opened[0] < recorded.ended_ns < completed[0] < recorded.next_poll_ns


@pytest.mark.alone
def test_chunks_are_passed_on_without_delay(deployment: Deployment) -> None:
    words = [chunk(f"word{n} ") for n in range(40)]
    paced: list[bytes | float] = [step for word in words for step in (word, 0.01)]
    deployment.upstream.answers(Answer([*paced, finish(), DONE]))
    with RuntimeApi() as api:
        api.start(handler=HANDLER, env=deployment.env)
        api.send(call_event(deployment.upstream))
        best = [min(late) for late in zip(*(_late_ms(api, deployment.upstream) for _ in range(3)), strict=True)]
    assert len(best) == len(words)
    assert sorted(best)[int(len(best) * 0.95)] < 5


def _late_ms(api: RuntimeApi, upstream: ScriptedUpstream) -> list[float]:
    """How long after the provider sent it each word left the sandbox, in milliseconds."""
    recorded = api.send(call_event(upstream))
    left = [one.at_ns for one in recorded.chunks if b"word" in one.data]
    return [at / 1e6 - sent * 1e3 for at, sent in zip(left, upstream.requests[-1].sent_at, strict=False)]


def test_a_whole_answer_and_an_error_are_ordinary_responses(deployment: Deployment) -> None:
    deployment.upstream.answers(json_answer(completion("Good day.")))
    with RuntimeApi() as api:
        api.start(handler=HANDLER, env=deployment.env)
        whole = api.send(call_event(deployment.upstream, stream=False))
        refused = api.send(rest_event("POST", "/v1/chat/completions", body="{}"))
    assert json.loads(whole.body)["choices"][0]["message"]["content"] == "Good day."
    assert refused.head["statusCode"] == 401
    assert json.loads(refused.body)["error"]["code"] == "key_missing"


def test_a_start_without_its_settings_names_them(deployment: Deployment) -> None:
    with RuntimeApi() as api:
        api.start(handler=HANDLER, env={"CAPTURE": "everything"})
        assert "TABLE_NAME is missing" in str(api.init_error)
        assert "CAPTURE must be full, metadata or none" in str(api.init_error)
    assert deployment.upstream.requests == []
