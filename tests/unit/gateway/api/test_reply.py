"""The reply and the caller: who leaves early, what is kept when the store is away, and that no secret shows."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator

import pytest

from switchboard.domain.trace import Status, Trace
from switchboard.domain.usage import UsageSource
from switchboard.store.ports import StoreUnavailable
from testkit.openai_events import DONE, chunk, error, finish, role
from testkit.running_gateway import KEY, RunningGateway, chat, running_gateway
from testkit.upstream import Answer, End, ScriptedUpstream, json_answer

CANARY = "sk-canary-7f3a91c2"
LEFT_WITHIN_S = 0.05


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.fixture
async def gateway(upstream: ScriptedUpstream) -> AsyncIterator[RunningGateway]:
    async with running_gateway(upstream.host) as running:
        yield running


@pytest.mark.alone
@pytest.mark.parametrize("steps", [[chunk("Hello"), End.HANG], [role(), End.HANG], [End.HANG]])
async def test_the_upstream_is_left_when_the_caller_leaves(
    gateway: RunningGateway, upstream: ScriptedUpstream, steps: list[bytes | End]
) -> None:
    upstream.answers(Answer(steps))
    left_after_s: list[float] = []
    # A few tries at the most: other work on the machine can only make it later.
    while len(left_after_s) < 3 and min(left_after_s, default=1.0) >= LEFT_WITHIN_S:
        left_after_s.append(await _leave(gateway, upstream, len(left_after_s) + 1, steps))
        trace = await gateway.trace()
        assert trace.status is Status.CLIENT_CLOSED
        assert [attempt.outcome for attempt in trace.attempts] == ["client_closed"]
        assert trace.usage.source is UsageSource.ESTIMATED
        assert trace.usage.tokens is not None
        assert trace.usage.tokens.fresh_input > 0
        assert (trace.usage.tokens.output > 0) is (steps[0] == chunk("Hello"))
    assert min(left_after_s) < LEFT_WITHIN_S
    assert len([e for e in gateway.store.events if e[0] == "complete_trace"]) == len(left_after_s)


async def _leave(gateway: RunningGateway, upstream: ScriptedUpstream, call: int, steps: list[bytes | End]) -> float:
    """Call, leave once the call is under way, and return how long after that the provider was left, in seconds."""
    body = json.dumps(chat()).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(gateway.url.rpartition(":")[2]))
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        f"x-inference-provider-url: {upstream.base_url}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    request = await upstream.request(call)
    await gateway.store.opened()
    if steps[0] == chunk("Hello"):
        await reader.readuntil(b"Hello")
    left_at = time.monotonic()
    writer.close()
    return await request.left() - left_at


async def test_a_store_that_is_away_costs_no_call(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("Hi"), finish(), DONE]))
    await gateway.call(**_at(upstream))  # its key is known from here on
    await gateway.log.says("call.opened", "call.completed")
    gateway.store.fail_with(StoreUnavailable("away"))
    assert (await gateway.call(**_at(upstream))).content.endswith(DONE)
    await gateway.log.says("call.opened", "call.completed")


async def test_a_slow_store_holds_no_connection_and_is_no_part_of_a_calls_time(
    gateway: RunningGateway, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.answers(Answer([chunk("Hi"), finish(), DONE]))
    may_write, opens = threading.Event(), gateway.store.open_trace

    def open_trace(trace: Trace) -> None:
        may_write.wait(5)
        opens(trace)

    monkeypatch.setattr(gateway.store, "open_trace", open_trace)
    took_ms: list[float] = []
    for _ in range(3):
        began = time.monotonic()
        assert (await gateway.call(**_at(upstream))).content.endswith(DONE)
        took_ms.append((time.monotonic() - began) * 1000)
    assert upstream.connections_opened < 3  # a call may come before the last one's connection is back
    await asyncio.sleep(2 * max(took_ms) / 1000)  # the store's own time
    may_write.set()
    for _ in range(3):
        trace = await gateway.trace()
        assert trace.duration_ms is not None
        assert trace.duration_ms < 2 * max(took_ms)


async def test_without_keys_nobody_is_let_in(gateway: RunningGateway) -> None:
    gateway.store.fail_with(StoreUnavailable("away"))
    response = await gateway.call()
    assert (response.status_code, response.json()["error"]["code"]) == (503, "keys_unavailable")


async def test_a_second_turn_uses_the_same_connection(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("Hi"), finish(), DONE]))
    for _ in range(3):
        await gateway.call(**_at(upstream))
        await gateway.trace()
        await _idle(upstream)
    assert upstream.connections_opened == 1


async def _idle(upstream: ScriptedUpstream) -> None:
    """Nothing to wait for but the loop's own turn: the drain follows the trace."""
    for _ in range(20):
        await asyncio.sleep(0)
    assert upstream.requests


LEAKS = {
    "a clean answer": Answer([chunk("Hi"), finish(), DONE]),
    "an error that repeats the key": json_answer({"error": {"message": f"Incorrect key: {CANARY}"}}, 401),
    "an error event that repeats it": Answer([chunk("Hi"), error(f"key {CANARY} expired")]),
    "an answer that repeats it": Answer([chunk(f"Your key is {CANARY}"), finish(), DONE]),
}


@pytest.mark.parametrize("answer", LEAKS.values(), ids=LEAKS.keys())
async def test_no_secret_shows(upstream: ScriptedUpstream, answer: Answer) -> None:
    upstream.answers(answer)
    async with running_gateway(upstream.host) as gateway:
        response = await gateway.call(
            chat(user=CANARY), "/v1/chat/completions?key=" + CANARY, **_at(upstream), x_inference_foo=CANARY
        )
        trace = await gateway.trace()
        kept = repr((trace, gateway.bodies(trace), gateway.log.lines, gateway.metrics))
        assert CANARY not in kept
        assert KEY not in kept
        assert KEY not in response.text
        assert KEY not in repr(upstream.requests[0].headers)
    if b"Your key" not in b"".join(step for step in answer.steps if isinstance(step, bytes)):
        assert CANARY not in response.text


@pytest.mark.parametrize("name", ["authorization", "x_inference_project_api_key", "x_inference_observability_api_key"])
async def test_a_refused_key_shows_only_its_public_name(gateway: RunningGateway, name: str) -> None:
    value = f"Bearer {CANARY}" if name == "authorization" else CANARY
    response = await gateway.call(**{"authorization": "", name: value})
    assert response.status_code == 401
    assert CANARY not in response.text + repr((gateway.log.lines, gateway.metrics, gateway.store.events))
    refused = [fields for _, event, fields in gateway.log.lines if event == "call.refused"]
    assert str(refused[0]["key_id"]).startswith("key_")


async def test_no_route_upstream_without_a_key(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    response = await gateway.call(authorization="", x_inference_provider_url=upstream.base_url)
    assert response.status_code == 401
    assert upstream.requests == []


async def test_a_body_over_the_limit_is_a_413_with_a_trace(gateway: RunningGateway) -> None:
    response = await gateway.call(b'{"model": "' + b"x" * (6 * 1024 * 1024) + b'"}')
    assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large")
    trace = await gateway.trace()
    assert trace.status is Status.REFUSED


async def test_a_refused_body_is_traced_with_its_reason(gateway: RunningGateway) -> None:
    response = await gateway.call(b"{}", x_inference_task_id="t1")
    assert response.status_code == 400
    trace = await gateway.trace()
    assert (trace.status, trace.task_id) == (Status.REFUSED, "t1")
    assert trace.failure is not None
    assert trace.failure.code == "body_malformed"
    assert trace.trace_id == response.headers["x-inference-trace-id"]


def _at(upstream: ScriptedUpstream) -> dict[str, str]:
    return {"x_inference_provider_url": upstream.base_url, "x_inference_provider_api_key": CANARY}
