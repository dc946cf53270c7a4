"""Buffer words: sent while every target is silent, and not part of the answer."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.buffer_words import ENDING, chunk, with_ellipsis
from gateway.domain.call import Arrival, Call, Caller, Chat, Labels, Route
from switchboard.domain.policy import BufferWords, Policy
from switchboard.domain.trace import Status
from testkit import openai_events as events
from testkit.cascade import cascade, outcomes
from testkit.running_gateway import PROJECT, RunningGateway, chat
from testkit.upstream import Answer, End, Gate, ScriptedUpstream, json_answer

AFTER_MS = 60
WORDS = {"buffer_words": {"text": "Let me see", "after_ms": AFTER_MS}, "ttft_timeout_ms": 5000}
LATER = {"buffer_words": {"text": "Let me see", "after_ms": 3000}}
SPOKEN = [events.chunk("Hello"), events.finish(), events.usage(9, 1), events.DONE]
HEARD = b"".join([events.chunk("Hello"), events.finish(), events.DONE])
SLOW = Answer([events.role(), 0.2, *SPOKEN])


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(SLOW) as scripted:
        yield scripted


@pytest.fixture
async def gateway(upstream: ScriptedUpstream) -> AsyncIterator[RunningGateway]:
    async with cascade(upstream, policy=WORDS) as running:
        yield running


def _events(content: bytes) -> list[Any]:
    found = [event.removeprefix(b"data: ") for event in content.split(b"\n\n") if event]
    return [json.loads(event) for event in found if event != b"[DONE]"]


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("Let me see", "Let me see... "),
        ("Let me see...", "Let me see... "),
        ("Let me see… ", "Let me see... "),
        ("Einen Moment.", "Einen Moment... "),
        ("Ready?", "Ready?... "),
    ],
)
def test_words_end_in_an_ellipsis_and_a_space(words: str, sent: str) -> None:
    assert with_ellipsis(words) == sent


@given(st.text(max_size=200))
def test_any_words_make_one_event_with_them(words: str) -> None:
    call = Call(
        trace_id="0198-trace",
        arrival=Arrival(datetime(2026, 11, 20, tzinfo=UTC), 0.0),
        auth_ms=0.1,
        caller=Caller("acme", "key_0"),
        labels=Labels(),
        route=Route(),
        chat=Chat("gpt-4o", (), streamed=True, wants_usage=False, others={}),
        body=b"{}",
        secrets=(),
    )
    data = chunk(call, words)
    assert data.count(b"\n") == 2
    [event] = _events(data)
    assert (event["object"], event["model"], event["created"]) == ("chat.completion.chunk", "gpt-4o", 1_795_132_800)
    [choice] = event["choices"]
    assert choice["delta"]["content"].endswith(ENDING)
    assert (choice["index"], choice["finish_reason"]) == (0, None)


async def test_buffer_words_are_sent_once_before_the_answer(
    gateway: RunningGateway, upstream: ScriptedUpstream
) -> None:
    gate = Gate()
    upstream.answers(Answer([gate, *SPOKEN]))
    async with gateway.stream() as response:
        received = response.aiter_raw()
        first = await anext(received)  # before the model has sent any content
        assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, "text/event-stream")
        assert response.headers["x-inference-trace-id"]
        assert "upstream" not in response.headers["server-timing"]
        gate.open()
        rest = b"".join([piece async for piece in received])
    assert rest == HEARD
    [event] = _events(first)
    assert event["choices"][0]["delta"] == {"role": "assistant", "content": "Let me see... "}
    trace = await gateway.trace()
    assert (trace.status, outcomes(trace)) == (Status.OK, [("groq", "ok")])


async def test_the_trace_has_their_time_and_counts_them_neither_as_first_token_nor_as_output(
    gateway: RunningGateway,
) -> None:
    content = (await gateway.call()).content
    assert content.endswith(HEARD)
    trace = await gateway.trace()
    assert trace.buffered_ms is not None
    assert trace.ttft_ms is not None
    assert AFTER_MS <= trace.buffered_ms < trace.ttft_ms
    assert trace.ttft_ms >= 200
    assert trace.usage.tokens is not None
    assert trace.usage.tokens.output == 1
    kept = gateway.bodies(trace).response
    assert kept is not None
    assert kept.endswith(HEARD)
    assert b"Let me see" not in kept


async def test_estimated_usage_leaves_them_out(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    uncounted = [events.chunk("Hello"), events.finish(), events.DONE]
    upstream.answers(Answer([0.2, *uncounted]), Answer(uncounted))
    await gateway.call()
    buffered = await gateway.trace()
    await gateway.call()
    quick = await gateway.trace()
    assert buffered.buffered_ms is not None
    assert buffered.usage == quick.usage


async def test_a_quick_answer_has_none(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer(SPOKEN))
    async with cascade(upstream, policy=LATER) as gateway:
        assert (await gateway.call()).content == HEARD
        assert (await gateway.trace()).buffered_ms is None


async def test_an_answer_that_is_not_streamed_has_none(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    whole = json.dumps(events.completion("Hello")).encode()
    upstream.answers(Answer([0.2, whole], headers={"content-type": "application/json"}))
    response = await gateway.call(chat(stream=False))
    assert response.json() == events.completion("Hello")
    assert (await gateway.trace()).buffered_ms is None


@pytest.mark.parametrize("policy", [{}, {"buffer_words": {"text": ""}}], ids=["by default", "an empty text"])
async def test_there_are_none_without_a_policy(upstream: ScriptedUpstream, policy: dict[str, object]) -> None:
    async with cascade(upstream, policy=policy) as gateway:
        assert (await gateway.call()).content.endswith(HEARD)
        assert (await gateway.trace()).buffered_ms is None


async def test_a_task_may_have_its_own_or_none(gateway: RunningGateway) -> None:
    gateway.store.put_policy(PROJECT, "booking", Policy(buffer_words=BufferWords("Un momento", AFTER_MS)))
    gateway.store.put_policy(PROJECT, "silent", Policy(buffer_words=BufferWords("", 0)))
    assert b'"Un momento... "' in (await gateway.call(x_inference_task_id="booking")).content
    assert b"... " not in (await gateway.call(x_inference_task_id="silent")).content


async def test_a_failure_after_them_is_sent_as_an_error_event(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([0.15, End.CLOSE]))
    async with cascade(upstream, policy=WORDS | {"max_attempts": 2}) as gateway:
        response = await gateway.call()
        trace = await gateway.trace()
        assert response.status_code == 200
        words, failure = _events(response.content)
        assert words["choices"][0]["delta"]["content"] == "Let me see... "
        assert failure["error"]["code"] == "upstream_cut"
        assert b"[DONE]" not in response.content
        assert gateway.bodies(trace).response == response.content.split(b"\n\n", 1)[1]
    assert trace.status is Status.UPSTREAM_ERROR
    assert trace.failure is not None
    assert (trace.failure.code, trace.failure.http_status) == ("upstream_cut", 502)
    assert len(trace.attempts) == 2
    assert trace.ttft_ms is None


async def test_a_timeout_after_them_is_sent_as_an_error_event(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([events.role(), End.HANG]))
    async with cascade(upstream, policy=WORDS | {"plan_timeout_ms": 600}) as gateway:
        response = await gateway.call()
        assert response.status_code == 200
        assert _events(response.content)[1]["error"]["code"] == "first_token_late"
        assert (await gateway.trace()).status is Status.TIMEOUT


async def test_a_failure_before_they_are_due_is_an_error_response(upstream: ScriptedUpstream) -> None:
    upstream.answers(json_answer({"error": {"message": "no"}}, 401))
    async with cascade(upstream, policy=LATER) as gateway:
        response = await gateway.call()
        assert (response.status_code, response.json()["error"]["code"]) == (424, "upstream_rejected")
        assert (await gateway.trace()).buffered_ms is None


async def test_a_fallbacks_answer_follows_them(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([events.role(), 0.15, End.CLOSE]))
    with ScriptedUpstream(Answer(SPOKEN)) as other:
        async with cascade(upstream, other, policy=WORDS) as gateway:
            content = (await gateway.call()).content
            trace = await gateway.trace()
    assert content.endswith(HEARD)
    assert len(_events(content)) == 3
    assert outcomes(trace) == [("groq", "UpstreamCut"), ("together", "ok")]
