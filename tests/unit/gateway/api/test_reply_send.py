"""Replies that end as nobody wished: the connection breaks while it is written to, or the gateway is at fault."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from random import Random
from typing import Any, override

import pytest

from gateway.api import reply
from gateway.assembly import Dependencies, build
from gateway.domain.call import Target
from gateway.recording.telemetry import Telemetry
from gateway.relay.answer import Upstream
from gateway.settings import Settings
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpUpstream
from gateway.upstream.keyring import EnvironmentKeyring
from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.domain.trace import Status, Trace
from switchboard.domain.usage import UsageSource
from testkit.openai_events import DONE, chunk, finish, role
from testkit.running_gateway import COMPLETIONS, KEY, PROJECT, AwaitedStore, RecordedLog, chat
from testkit.upstream import Answer, End, ScriptedUpstream, json_answer

NO_BUFFER_WORDS_MS = 10_000
PHASES = {  # what the provider does, and when buffer words are due: not before it has been asked
    "at buffer words": (Answer([role(), End.HANG]), 500),
    "at the answer": (Answer([chunk("Hello"), End.HANG]), NO_BUFFER_WORDS_MS),
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


class FaultyServer(Caller):
    """A server that cannot send a message of this type, for a reason that is no OSError."""

    def __init__(self, fails_at: str) -> None:
        super().__init__(is_broken=False)
        self._fails_at = fails_at

    @override
    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Raises RuntimeError, as a server does for a header that it cannot write."""
        if message["type"] == self._fails_at:
            raise RuntimeError("Invalid HTTP header value.")
        await super().send(message)


class IdleCaller(Caller):
    """Takes the headers, and nothing after them."""

    def __init__(self) -> None:
        super().__init__(is_broken=False)

    @override
    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Never returns for the body."""
        if message["type"] == "http.response.body":
            await asyncio.get_running_loop().create_future()
        await super().send(message)


class FaultyResponse:
    """Speaks, and then shows a fault of the gateway's own."""

    status = 200
    headers: Mapping[str, str] = {}

    async def chunks(self) -> AsyncIterator[bytes]:
        """Raises RuntimeError after the first words."""
        yield chunk("Hello")
        raise RuntimeError("nobody has thought of this")

    async def aclose(self) -> None:
        """Nothing is held."""


class FaultyUpstream:
    """Shows a fault of the gateway's own: at the first target at once, at any other one after its first words."""

    async def send(
        self, target: Target, _body: bytes, _headers: Mapping[str, str], waiting: Callable[[], None]
    ) -> FaultyResponse:
        """Raises RuntimeError."""
        waiting()
        if target.provider == "openai":
            raise RuntimeError("nobody has thought of this")
        return FaultyResponse()


async def _trace(
    upstream: Upstream,
    host: str,
    caller: Caller,
    log: RecordedLog,
    *,
    fallback: str = "",
    buffer_after_ms: int = NO_BUFFER_WORDS_MS,
    call_timeout_ms: int = 60_000,
) -> Trace:
    """The trace of one call to that host, and to the fallback where it fails."""
    store = AwaitedStore(GatewayKey(digest(KEY), PROJECT, frozenset({Scope.CALL}), datetime(2026, 1, 1, tzinfo=UTC)))
    environment = {
        "TABLE_NAME": "in-memory",
        "PRIVATE_PROVIDER_HOSTS": host,
        "KEYLESS_PROVIDERS": "groq",
        "CALL_TIMEOUT_MS": str(call_timeout_ms),
        "DEFAULT_POLICY": json.dumps({"buffer_words": {"text": "Well", "after_ms": buffer_after_ms}}),
    }
    telemetry = Telemetry(log, lambda _values, _dimensions: None)
    parts = Dependencies(store, upstream, EnvironmentKeyring({}), telemetry, random=Random(1))
    headers = {"authorization": f"Bearer {KEY}", "x-inference-provider-url": f"http://{host}/v1"}
    headers |= {"x-inference-fallback": fallback} if fallback else {}
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": COMPLETIONS,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    application = build(Settings.from_env(environment), parts)
    raised: Exception | None = None
    try:
        await application(scope, caller.receive, caller.send)
    except RuntimeError as error:
        raised = error
    assert (raised is None) is not isinstance(caller, FaultyServer), "the server learns of its own errors"
    return await store.completed()


@pytest.mark.parametrize(("answer", "buffer_after_ms"), PHASES.values(), ids=PHASES.keys())
async def test_a_caller_whose_connection_breaks_has_left_and_that_is_no_fault_of_the_gateway(
    answer: Answer, buffer_after_ms: int
) -> None:
    log = RecordedLog()
    with ScriptedUpstream(answer) as upstream:
        client = HttpUpstream(PrivateHosts.parse(upstream.host))
        trace = await _trace(client, upstream.host, Caller(is_broken=True), log, buffer_after_ms=buffer_after_ms)
        await (await upstream.request()).left()
        await client.aclose()
    assert (trace.status, [attempt.outcome for attempt in trace.attempts]) == (Status.CLIENT_CLOSED, ["client_closed"])
    assert "gateway.failed" not in log.events()


async def test_a_caller_that_does_not_read_is_left_when_the_calls_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply, "UNREAD_S", 0.05)
    with ScriptedUpstream(Answer([chunk("Hello"), End.HANG])) as upstream:
        client = HttpUpstream(PrivateHosts.parse(upstream.host))
        trace = await _trace(client, upstream.host, IdleCaller(), RecordedLog(), call_timeout_ms=1000)
        await (await upstream.request()).left()
        await client.aclose()
    assert (trace.status, [attempt.outcome for attempt in trace.attempts]) == (Status.TIMEOUT, ["answer_late"])
    assert trace.failure is not None
    assert "did not take" in trace.failure.message
    assert trace.usage.source is UsageSource.ESTIMATED


async def test_a_fault_of_the_gateways_own_is_said_and_what_it_cost_is_kept() -> None:
    log, caller = RecordedLog(), Caller(is_broken=False)
    trace = await _trace(FaultyUpstream(), "127.0.0.1:9", caller, log)
    assert caller.sent[0]["status"] == 500
    assert b'"internal_error"' in caller.sent[1]["body"]
    assert b"nobody has thought" not in caller.sent[1]["body"]
    assert trace.failure is not None
    assert (trace.failure.code, [attempt.outcome for attempt in trace.attempts]) == (
        "internal_error",
        ["AttemptBroken"],
    )
    assert trace.usage.source is UsageSource.ESTIMATED
    assert "gateway.failed" in log.events()


async def test_a_fault_at_one_target_is_no_reason_not_to_ask_the_next_and_one_in_mid_stream_ends_it() -> None:
    log, caller = RecordedLog(), Caller(is_broken=False)
    trace = await _trace(FaultyUpstream(), "127.0.0.1:9", caller, log, fallback="groq/llama")
    assert [message.get("status") for message in caller.sent[:1]] == [200]
    first, last, end = [message["body"] for message in caller.sent[1:]]
    assert (first, end) == (chunk("Hello"), b"")
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "internal_error"
    assert b"nobody has thought" not in last
    assert (trace.status, [attempt.outcome for attempt in trace.attempts]) == (
        Status.UPSTREAM_ERROR,
        ["AttemptBroken", "AttemptBroken"],
    )
    assert log.events().count("gateway.failed") == 2


@pytest.mark.parametrize("fails_at", ["http.response.start", "http.response.body"])
@pytest.mark.parametrize("answer", [Answer([chunk("Hello"), finish(), DONE]), json_answer({"error": {}}, 503)])
async def test_whatever_the_server_raises_the_call_is_recorded(fails_at: str, answer: Answer) -> None:
    log = RecordedLog()
    with ScriptedUpstream(answer) as upstream:
        client = HttpUpstream(PrivateHosts.parse(upstream.host))
        trace = await _trace(client, upstream.host, FaultyServer(fails_at), log)
        await client.aclose()
    assert trace.status is Status.UPSTREAM_ERROR
    assert trace.failure is not None
    assert trace.duration_ms is not None
    assert log.events()[:1] == ["call.opened"]
    assert set(log.events()) == {"call.opened", "call.completed", "gateway.failed"}


@pytest.mark.parametrize("fails_at", ["http.response.start", "http.response.body"])
async def test_whatever_the_server_raises_a_refused_request_is_recorded(fails_at: str) -> None:
    log = RecordedLog()
    with ScriptedUpstream() as upstream:
        client = HttpUpstream(PrivateHosts.parse(upstream.host))
        trace = await _trace(client, upstream.host, FaultyServer(fails_at), log, fallback="nobody/m")
        await client.aclose()
    assert trace.status is Status.REFUSED
    assert log.events()[-1] == "call.completed"
