"""The caller leaves, in every phase of a call: its providers are left at once, and one trace says what was used."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from switchboard.domain.trace import Status, Trace
from switchboard.domain.usage import UsageSource
from testkit.cascade import call_by_socket, cascade, outcomes
from testkit.openai_events import chunk, role
from testkit.running_gateway import COMPLETIONS, KEY, RunningGateway
from testkit.upstream import Answer, End, Request, ScriptedUpstream, json_answer

SILENT = Answer([role(), End.HANG])
SPEAKING = Answer([chunk("Hello"), End.HANG])
BROKEN = json_answer({"error": {"message": "boom"}}, 500)
LEFT_WITHIN_S = 1.0
"""Generous: test_reply and test_hedging measure it closely."""


@pytest.fixture
async def first() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(SILENT) as scripted:
        yield scripted


@pytest.fixture
async def second() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(SILENT) as scripted:
        yield scripted


async def _leave(gateway: RunningGateway, writer: asyncio.StreamWriter, requests: Sequence[Request]) -> Trace:
    """Leave a call; return its trace, once each of its providers was left."""
    left_at = time.monotonic()
    writer.close()
    for request in requests:
        assert await request.left() - left_at < LEFT_WITHIN_S
    trace = await gateway.trace()
    await gateway.log.says("call.completed")
    assert trace.status is Status.CLIENT_CLOSED
    assert (trace.failure and trace.failure.code, trace.is_error) == ("client_closed", False)
    assert [event for event, _ in gateway.store.events].count("complete_trace") == 1
    assert gateway.log.lines[-1][2]["http_status"] == 499
    return trace


async def test_while_its_request_is_read(first: ScriptedUpstream, caplog: pytest.LogCaptureFixture) -> None:
    server_log = logging.getLogger("uvicorn.error")
    async with cascade(first) as gateway:
        server_log.addHandler(caplog.handler)
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", int(gateway.url.rpartition(":")[2]))
            head = (
                f"POST {COMPLETIONS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: 9999\r\n\r\n"
            )
            writer.write(head.encode() + b'{"model": ')
            await writer.drain()
            trace = await _leave(gateway, writer, [])
        finally:
            server_log.removeHandler(caplog.handler)
    assert trace.failure is not None
    assert trace.failure.message == "The caller left before its request was complete."
    assert gateway.log.events() == ["call.completed"]
    assert caplog.records == []
    assert first.requests == []


async def test_while_two_targets_are_silent(first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    async with cascade(first, second, policy={"ttft_timeout_ms": 50}) as gateway:
        _, writer = await call_by_socket(gateway)
        requests = [await first.request(), await second.request()]
        trace = await _leave(gateway, writer, requests)
    assert outcomes(trace) == [("groq", "client_closed"), ("together", "client_closed")]
    assert [usage.source for usage in trace.usages] == [UsageSource.ESTIMATED] * 2
    assert trace.ttft_ms is None


async def test_in_the_pause_before_a_repeat(first: ScriptedUpstream) -> None:
    first.answers(json_answer({"error": {"message": "slow down"}}, 429, {"retry-after": "2"}), SPEAKING)
    async with cascade(first, policy={"buffer_words": {"text": "Well", "after_ms": 150}}) as gateway:
        reader, writer = await call_by_socket(gateway)
        await reader.readuntil(b"Well... ")  # the refusal has come long since
        trace = await _leave(gateway, writer, [])
    assert outcomes(trace) == [("groq", "UpstreamRejected")]
    assert trace.duration_ms is not None
    assert trace.duration_ms < 2000
    assert trace.usage.source is UsageSource.ABSENT
    assert len(first.requests) == 1


async def test_behind_buffer_words(first: ScriptedUpstream) -> None:
    async with cascade(first, policy={"buffer_words": {"text": "Well", "after_ms": 20}}) as gateway:
        reader, writer = await call_by_socket(gateway)
        await reader.readuntil(b"Well... ")
        trace = await _leave(gateway, writer, [await first.request()])
    assert outcomes(trace) == [("groq", "client_closed")]
    assert trace.buffered_ms is not None
    assert trace.usage.tokens is not None
    assert trace.usage.tokens.output == 0


async def test_during_a_fallbacks_answer(first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    first.answers(BROKEN)
    second.answers(SPEAKING)
    async with cascade(first, second) as gateway:
        reader, writer = await call_by_socket(gateway)
        await reader.readuntil(b"Hello")
        trace = await _leave(gateway, writer, [await second.request()])
    assert outcomes(trace) == [("groq", "UpstreamRejected"), ("together", "client_closed")]
    assert (trace.provider, trace.usage.source) == ("together", UsageSource.ESTIMATED)
    assert trace.usage.tokens is not None
    assert trace.usage.tokens.output > 0
    assert trace.ttft_ms is not None


async def test_while_a_whole_answer_is_awaited(first: ScriptedUpstream) -> None:
    async with cascade(first) as gateway:
        _, writer = await call_by_socket(gateway, streamed=False)
        trace = await _leave(gateway, writer, [await first.request()])
    assert outcomes(trace) == [("groq", "client_closed")]
    assert trace.usage.source is UsageSource.ESTIMATED
