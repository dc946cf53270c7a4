"""Replies that end as nobody wished: the connection breaks while it is written to, or the gateway is at fault."""

import asyncio
import json
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from gateway.assembly import Outside, build
from gateway.attempt import Upstream
from gateway.call import Target
from gateway.settings import Settings
from gateway.telemetry import Telemetry
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpResponse, HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.keys import GatewayKey, Scope, digest
from switchboard.trace import Status, Trace
from switchboard.usage import UsageSource
from testkit.openai_events import chunk, role
from testkit.running_gateway import COMPLETIONS, KEY, PROJECT, AwaitedStore, RecordedLog, chat
from testkit.upstream import Answer, End, ScriptedUpstream

PHASES = {
    "at buffer words": Answer([role(), End.HANG]),
    "at the answer": Answer([chunk("Hello"), End.HANG]),
}


class Caller:
    """An ASGI caller: what it got, in `sent`."""

    def __init__(self, *, is_broken: bool) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self._is_broken = is_broken
        self._is_read = False
        self._gone = asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        """The request, then the news that the caller has gone."""
        if not self._is_read:
            self._is_read = True
            return {"type": "http.request", "body": json.dumps(chat()).encode(), "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Raises OSError for the body where the caller is broken, as the streaming layer on Lambda does."""
        if self._is_broken and message["type"] == "http.response.body":
            self._gone.set()
            raise ConnectionResetError("nobody takes this response")
        self.sent.append(message)


class FaultyUpstream:
    """Sends the request, and then shows a fault of the gateway's own."""

    async def send(
        self, _target: Target, _body: bytes, _headers: Mapping[str, str], waiting: Callable[[], None]
    ) -> HttpResponse:
        """Raises RuntimeError."""
        waiting()
        raise RuntimeError("nobody has thought of this")


async def _trace(upstream: Upstream, host: str, caller: Caller, log: RecordedLog) -> Trace:
    """The trace of one call to that host."""
    store = AwaitedStore(GatewayKey(digest(KEY), PROJECT, frozenset({Scope.CALL}), datetime(2026, 1, 1, tzinfo=UTC)))
    environment = {
        "TABLE_NAME": "in-memory",
        "PRIVATE_PROVIDER_HOSTS": host,
        "DEFAULT_POLICY": json.dumps({"buffer_words": {"text": "Well", "after_ms": 20}}),
    }
    telemetry = Telemetry(log, lambda _values, _dimensions: None)
    parts = Outside(store, upstream, EnvironmentKeyring({}), telemetry, random=Random(1))
    headers = {"authorization": f"Bearer {KEY}", "x-inference-provider-url": f"http://{host}/v1"}
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": COMPLETIONS,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await build(Settings.from_env(environment), parts)(scope, caller.receive, caller.send)
    return await store.completed()


@pytest.mark.parametrize("answer", PHASES.values(), ids=PHASES.keys())
async def test_a_caller_whose_connection_breaks_has_left_and_that_is_no_fault_of_the_gateway(answer: Answer) -> None:
    log = RecordedLog()
    with ScriptedUpstream(answer) as upstream:
        client = HttpUpstream(PrivateHosts.parse(upstream.host))
        trace = await _trace(client, upstream.host, Caller(is_broken=True), log)
        await (await upstream.request()).left()
        await client.aclose()
    assert (trace.status, [attempt.outcome for attempt in trace.attempts]) == (Status.CLIENT_CLOSED, ["client_closed"])
    assert "gateway.failed" not in log.events()


async def test_a_fault_of_the_gateways_own_is_said_and_what_it_cost_is_kept() -> None:
    log, caller = RecordedLog(), Caller(is_broken=False)
    trace = await _trace(FaultyUpstream(), "127.0.0.1:9", caller, log)
    assert caller.sent[0]["status"] == 500
    assert b'"internal_error"' in caller.sent[1]["body"]
    assert b"nobody has thought" not in caller.sent[1]["body"]
    assert trace.failure is not None
    assert (trace.failure.code, [attempt.outcome for attempt in trace.attempts]) == (
        "internal_error",
        ["internal_error"],
    )
    assert trace.usage.source is UsageSource.ESTIMATED
    assert "gateway.failed" in log.events()
