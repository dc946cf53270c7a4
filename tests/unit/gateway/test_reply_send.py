"""A caller whose connection breaks while it is written to, as the streaming layer on Lambda shows it."""

import asyncio
import json
from collections.abc import MutableMapping
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from gateway.assembly import Outside, build
from gateway.settings import Settings
from gateway.telemetry import Telemetry
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.keys import GatewayKey, Scope, digest
from switchboard.trace import Status
from testkit.openai_events import chunk, role
from testkit.running_gateway import COMPLETIONS, KEY, PROJECT, AwaitedStore, RecordedLog, chat
from testkit.upstream import Answer, End, ScriptedUpstream

PHASES = {
    "at buffer words": Answer([role(), End.HANG]),
    "at the answer": Answer([chunk("Hello"), End.HANG]),
}


class BrokenCaller:
    """An ASGI caller that takes the head of a reply and no byte of its body."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._is_read = False
        self._gone = asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        """The request, then the news that it has gone."""
        if not self._is_read:
            self._is_read = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Raises OSError for the first byte of the body."""
        if message["type"] == "http.response.body":
            self._gone.set()
            raise ConnectionResetError("nobody takes this response")


@pytest.mark.parametrize("answer", PHASES.values(), ids=PHASES.keys())
async def test_it_is_a_caller_that_left_and_no_fault_of_the_gateway(answer: Answer) -> None:
    store = AwaitedStore(GatewayKey(digest(KEY), PROJECT, frozenset({Scope.CALL}), datetime(2026, 1, 1, tzinfo=UTC)))
    log, policy = RecordedLog(), {"buffer_words": {"text": "Well", "after_ms": 20}}
    with ScriptedUpstream(answer) as upstream:
        environment = {
            "TABLE_NAME": "in-memory",
            "PRIVATE_PROVIDER_HOSTS": upstream.host,
            "DEFAULT_POLICY": json.dumps(policy),
        }
        client = HttpUpstream(PrivateHosts.parse(upstream.host))
        telemetry = Telemetry(log, lambda _values, _dimensions: None)
        app = build(
            Settings.from_env(environment),
            Outside(store, client, EnvironmentKeyring({}), telemetry, random=Random(1)),
        )
        headers = {"authorization": f"Bearer {KEY}", "x-inference-provider-url": upstream.base_url}
        scope: MutableMapping[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": COMPLETIONS,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        caller = BrokenCaller(json.dumps(chat()).encode())
        await app(scope, caller.receive, caller.send)
        await (await upstream.request()).left()
        await client.aclose()
    trace = await store.completed()
    assert (trace.status, [attempt.outcome for attempt in trace.attempts]) == (Status.CLIENT_CLOSED, ["client_closed"])
    assert "gateway.failed" not in log.events()
