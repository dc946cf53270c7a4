from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.api.paths import Receive, Scope, Send
from gateway.api.platform_ids import platform_ids
from gateway.assembly import Dependencies, build
from gateway.recording.telemetry import Telemetry
from gateway.settings import Settings
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.domain.trace import NO_REQUEST_IDS, RequestIds, Status
from switchboard.store.ports import RowRefused
from testkit.memory_store import MemoryStore
from testkit.openai_events import DONE, chunk, finish
from testkit.running_gateway import KEY, RecordedLog, chat
from testkit.samples import a_key
from testkit.upstream import Answer, ScriptedUpstream


class Context:
    """What Lambda hands to a handler."""

    aws_request_id = "a-1"


PATH = "/v1/chat/completions"
EVENT = {"requestContext": {"requestId": "b-2"}}


def test_a_request_through_api_gateway() -> None:
    scope = {"aws.event": EVENT, "aws.context": Context()}
    assert platform_ids(scope) == RequestIds(lambda_="a-1", api_gateway="b-2")


@pytest.mark.parametrize("event", [None, "text", {}, {"requestContext": None}, {"requestContext": {"requestId": 7}}])
def test_a_request_elsewhere_has_no_ids(event: Any) -> None:
    assert platform_ids({"aws.event": event, "aws.context": object()}) == NO_REQUEST_IDS
    assert platform_ids({}) == NO_REQUEST_IDS


@asynccontextmanager
async def on_lambda(store: MemoryStore, log: RecordedLog, ids: str) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that is called as Lambda calls it, API Gateway's id being `ids`."""
    with ScriptedUpstream(Answer([chunk("Hello"), finish(), DONE])) as upstream:
        http = HttpUpstream(PrivateHosts.parse(upstream.host))
        telemetry = Telemetry(log, lambda _values, _dimensions: None)
        parts = Dependencies(store, http, EnvironmentKeyring({}), telemetry)
        app = build(Settings("unused", private_provider_hosts=upstream.host), parts)

        async def with_event(scope: Scope, receive: Receive, send: Send) -> None:
            event = {"requestContext": {"requestId": ids}}
            await app({**scope, "aws.event": event, "aws.context": Context()}, receive, send)

        headers = {
            "authorization": f"Bearer {KEY}",
            "x-inference-provider-url": upstream.base_url,
            "x-inference-provider-api-key": "sk-provider",
            "x-inference-metadata-conversation-id": "conv_1",
        }
        transport = httpx.ASGITransport(with_event, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test", headers=headers) as client:
            yield client
        await http.aclose()


@pytest.mark.parametrize(("body", "status"), [(chat(), Status.OK), ({"model": 7}, Status.REFUSED)])
async def test_a_trace_has_the_ids_of_its_request(body: object, status: Status) -> None:
    store = MemoryStore(a_key(KEY))
    async with on_lambda(store, RecordedLog(), "b-2") as client:
        await client.post(PATH, json=body)
    (trace,) = store.traces.values()
    assert (trace.status, trace.request_ids) == (status, RequestIds(None, "a-1", "b-2"))


async def test_every_line_of_a_call_has_the_ids_of_its_request() -> None:
    store, log = MemoryStore(a_key(KEY)), RecordedLog()
    async with on_lambda(store, log, "b-2") as client:
        await client.post(PATH, json=chat(), headers={"authorization": "Bearer sb-unknown"})
        await client.post(PATH, json={"model": 7})
        store.fail_with(RowRefused("too large"))
        await client.post(PATH, json=chat())
    failing = MemoryStore()
    failing.fail_with(ZeroDivisionError("a fault"))
    async with on_lambda(failing, log, "b-2") as client:
        await client.post(PATH, json=chat())
    assert set(log.events()) == {
        *("call.refused", "call.opened", "call.completed", "trace.unwritten", "turn.untracked", "gateway.failed")
    }
    assert {(line["lambda_request_id"], line["api_gateway_request_id"]) for _, _, line in log.lines} == {("a-1", "b-2")}


async def test_a_key_that_a_caller_sends_as_the_id_is_not_logged() -> None:
    store, log = MemoryStore(a_key(KEY)), RecordedLog()
    async with on_lambda(store, log, "sk-provider") as client:
        await client.post(PATH, json=chat())
        await client.post(PATH, json=chat(), headers={"authorization": "Bearer sk-provider"})
    assert "call.refused" in log.events()
    assert "sk-provider" not in repr((log.lines, store.traces))
