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
from testkit.memory_store import MemoryStore
from testkit.openai_events import DONE, chunk, finish
from testkit.running_gateway import KEY, RecordedLog, chat
from testkit.samples import a_key
from testkit.upstream import Answer, ScriptedUpstream


class Context:
    """What Lambda hands to a handler."""

    aws_request_id = "a-1"


EVENT = {"requestContext": {"requestId": "b-2"}}


def test_a_request_through_api_gateway() -> None:
    scope = {"aws.event": EVENT, "aws.context": Context()}
    assert platform_ids(scope) == RequestIds(lambda_="a-1", api_gateway="b-2")


@pytest.mark.parametrize("event", [None, "text", {}, {"requestContext": None}, {"requestContext": {"requestId": 7}}])
def test_a_request_elsewhere_has_no_ids(event: Any) -> None:
    assert platform_ids({"aws.event": event, "aws.context": object()}) == NO_REQUEST_IDS
    assert platform_ids({}) == NO_REQUEST_IDS


@pytest.mark.parametrize(("body", "status"), [(chat(), Status.OK), ({"model": 7}, Status.REFUSED)])
async def test_a_trace_has_the_ids_of_its_request(body: object, status: Status) -> None:
    with ScriptedUpstream(Answer([chunk("Hello"), finish(), DONE])) as upstream:
        http = HttpUpstream(PrivateHosts.parse(upstream.host))
        store, telemetry = MemoryStore(a_key(KEY)), Telemetry(RecordedLog(), lambda _values, _dimensions: None)
        parts = Dependencies(store, http, EnvironmentKeyring({}), telemetry)
        app = build(Settings("unused", private_provider_hosts=upstream.host), parts)

        async def on_lambda(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "aws.event": EVENT, "aws.context": Context()}, receive, send)

        headers = {
            "authorization": f"Bearer {KEY}",
            "x-inference-provider-url": upstream.base_url,
            "x-inference-provider-api-key": "sk-provider",
        }
        transport = httpx.ASGITransport(on_lambda)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
            await client.post("/v1/chat/completions", json=body, headers=headers)
        await http.aclose()
    (trace,) = store.traces.values()
    assert (trace.status, trace.request_ids) == (status, RequestIds(None, "a-1", "b-2"))
