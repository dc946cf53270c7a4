"""Plans beyond the matrix: each target's own deadline and key, no splice, no unneeded connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gateway.domain.clock import Clock
from switchboard.domain.trace import Status
from testkit.cascade import call_by_socket, cascade, outcomes
from testkit.faults import answer_events, good
from testkit.openai_events import DONE, chunk, error, finish, role, tool_call, usage
from testkit.running_gateway import KEY, chat
from testkit.upstream import Answer, End, ScriptedUpstream, Step, json_answer

pytestmark = pytest.mark.thorough

BOOM = json_answer({"error": {"message": "boom"}}, 500)
FIRST = b"".join(answer_events("the first"))
SPOKEN = good("the first", streamed=True)
SECOND = b"".join(answer_events("the second"))
PATIENCE_MS = 200
LONG_MS = 8000


@pytest.fixture
async def upstreams() -> AsyncIterator[tuple[ScriptedUpstream, ...]]:
    """Three providers; the second and the third answer well."""
    with ExitStack() as stack:
        names = ("the first", "the second", "the third")
        answers = [good(name, streamed=True) for name in names]
        yield tuple(stack.enter_context(ScriptedUpstream(answer)) for answer in answers)


async def test_only_the_connections_of_attempts_are_opened(upstreams: tuple[ScriptedUpstream, ...]) -> None:
    first, second, third = upstreams
    async with cascade(*upstreams) as gateway:
        assert (await gateway.call()).content == FIRST
        await gateway.trace()
        assert [upstream.connections_opened for upstream in upstreams] == [1, 0, 0]
        first.answers(BOOM)
        assert (await gateway.call()).content == SECOND
        await gateway.trace()
    assert [len(upstream.requests) for upstream in (first, second, third)] == [2, 1, 0]
    assert third.connections_opened == 0


NO_CONTENT: dict[str, Sequence[Step]] = {
    "comments": [b": thinking\n\n", 0.02] * 50,
    "a role": [role(), End.HANG],
    "blanks": [role(), chunk("\n\n"), End.HANG],
    "reasoning": [chunk(reasoning_content="Hm. "), 0.02] * 50,
    "usage": [usage(3, 0), 0.02] * 50,
}


@pytest.mark.parametrize("steps", NO_CONTENT.values(), ids=NO_CONTENT.keys())
async def test_a_stream_without_content_or_a_tool_call_is_late(
    upstreams: tuple[ScriptedUpstream, ...], steps: Sequence[Step]
) -> None:
    upstreams[0].answers(Answer([*steps, End.HANG]))
    policy = {"ttft_timeout_ms": PATIENCE_MS, "fallback": [{"target": "together/llama", "ttft_timeout_ms": LONG_MS}]}
    async with cascade(*upstreams, policy=policy) as gateway:
        assert (await gateway.call()).content == SECOND
        trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "FirstTokenLate"), ("together", "ok")]
    assert trace.attempts[1].started_ms >= trace.attempts[0].started_ms + PATIENCE_MS


CONTENT = {
    "content": (chunk("It"), "stop"),
    "a tool call": (tool_call("{}", name="end_call", call_id="call_1"), "tool_calls"),
}


@pytest.mark.parametrize(("word", "reason"), CONTENT.values(), ids=CONTENT.keys())
async def test_after_content_or_a_tool_call_no_other_target_starts(
    upstreams: tuple[ScriptedUpstream, ...], word: bytes, reason: str
) -> None:
    patience_ms = PATIENCE_MS * 3
    upstreams[0].answers(Answer([role(), word, patience_ms * 1.25 / 1000, chunk(" is."), finish(reason), DONE]))
    async with cascade(*upstreams, policy={"ttft_timeout_ms": patience_ms}) as gateway:
        response = await gateway.call()
    assert response.content == role() + word + chunk(" is.") + finish(reason) + DONE
    assert upstreams[1].connections_opened == 0


async def test_a_slow_fallback_is_not_ended_by_the_first_targets_deadline(
    upstreams: tuple[ScriptedUpstream, ...],
) -> None:
    first, second, third = upstreams
    first.answers(Answer([role(), End.HANG]))
    slow_s = PATIENCE_MS * 3 / 1000
    second.answers(Answer([role(), slow_s, *answer_events("the second")[1:]]))
    fallback = [{"target": "together/llama", "ttft_timeout_ms": LONG_MS}, "fireworks/llama"]
    async with cascade(*upstreams, policy={"ttft_timeout_ms": PATIENCE_MS, "fallback": fallback}) as gateway:
        assert (await gateway.call()).content == SECOND
        trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "FirstTokenLate"), ("together", "ok")]
    assert trace.ttft_ms is not None
    assert trace.ttft_ms >= PATIENCE_MS + slow_s * 1000
    assert third.connections_opened == 0


async def test_a_late_target_that_answers_first_is_passed_on(upstreams: tuple[ScriptedUpstream, ...]) -> None:
    first, second, _ = upstreams
    first.answers(Answer([role(), PATIENCE_MS * 2 / 1000, *answer_events("the first")[1:]]))
    second.answers(Answer([role(), End.HANG]))
    fallback = [{"target": "together/llama", "ttft_timeout_ms": LONG_MS}]
    async with cascade(*upstreams, policy={"ttft_timeout_ms": PATIENCE_MS, "fallback": fallback}) as gateway:
        assert (await gateway.call()).content == FIRST
        trace = await gateway.trace()
        await (await second.request()).left()
    assert outcomes(trace) == [("groq", "ok"), ("together", "outpaced")]


BROKEN: dict[str, tuple[Sequence[Step], str, Status]] = {
    "cut": ([End.CLOSE], "upstream_cut", Status.TRUNCATED),
    "reset": ([0.02, End.RESET], "upstream_cut", Status.TRUNCATED),
    "ended without an end": ([], "upstream_cut", Status.TRUNCATED),
    "an error event": ([error("overloaded")], "upstream_reported", Status.UPSTREAM_ERROR),
    "an error event, then silence": ([error("overloaded"), End.HANG], "upstream_reported", Status.UPSTREAM_ERROR),
    "a stall": ([End.HANG], "answer_late", Status.TIMEOUT),
}


@pytest.mark.parametrize(("steps", "code", "status"), BROKEN.values(), ids=BROKEN.keys())
async def test_after_the_first_content_no_other_target_is_asked(
    upstreams: tuple[ScriptedUpstream, ...], steps: Sequence[Step], code: str, status: Status
) -> None:
    first, second, third = upstreams
    first.answers(Answer([role(), chunk("Let me"), *steps]))
    async with cascade(*upstreams, policy={"max_attempts": 8}, stall_timeout_ms="500") as gateway:
        content = (await gateway.call()).content
        trace = await gateway.trace()
    sent, _, rest = content.partition(b'data: {"error"')
    assert sent == role() + chunk("Let me")
    assert json.loads(b'{"error"' + rest)["error"]["code"] == code
    assert b"[DONE]" not in content
    assert (trace.status, len(trace.attempts), len(first.requests)) == (status, 1, 1)
    assert (second.connections_opened, third.connections_opened) == (0, 0)


@pytest.mark.parametrize("is_date", [False, True], ids=["seconds", "a date"])
async def test_a_retry_starts_after_retry_after_if_that_is_within_the_plan(
    upstreams: tuple[ScriptedUpstream, ...], is_date: bool
) -> None:
    first = upstreams[0]
    now = datetime(2026, 11, 20, 9, 0, 0, 700_000, UTC)
    value = format_datetime(now + timedelta(milliseconds=300), usegmt=True) if is_date else "0.3"
    first.answers(json_answer({"error": {"message": "slow down"}}, 429, {"retry-after": value}), SPOKEN)
    async with cascade(first, policy={"max_attempts": 2}, clock=Clock(now=lambda: now)) as gateway:
        assert (await gateway.call()).content == FIRST
        busy, again = (await gateway.trace()).attempts
    assert again.started_ms >= busy.started_ms + busy.duration_ms + 299
    assert (busy.status, again.outcome) == (429, "ok")


async def test_a_retry_after_beyond_the_plan_is_not_waited_for(upstreams: tuple[ScriptedUpstream, ...]) -> None:
    first = upstreams[0]
    first.answers(json_answer({"error": {"message": "slow down"}}, 429, {"retry-after": "60"}))
    async with cascade(first) as gateway:
        response = await gateway.call()
        trace = await gateway.trace()
    assert (response.status_code, response.headers["retry-after"]) == (429, "60")
    assert (len(first.requests), len(trace.attempts)) == (1, 1)


async def test_one_targets_retry_after_does_not_delay_another(upstreams: tuple[ScriptedUpstream, ...]) -> None:
    first, second, _ = upstreams
    first.answers(json_answer({"error": {"message": "slow down"}}, 429, {"retry-after": "5"}))
    second.answers(BOOM, good("the second", streamed=True))
    async with cascade(first, second) as gateway:
        assert (await gateway.call()).content == SECOND
        trace = await gateway.trace()
    assert [attempt.provider for attempt in trace.attempts] == ["groq", "together", "together"]


async def test_a_failed_target_is_retried_while_the_last_one_is_silent(
    upstreams: tuple[ScriptedUpstream, ...],
) -> None:
    first, second, _ = upstreams
    first.answers(BOOM, SPOKEN)
    second.answers(Answer([role(), End.HANG]))
    async with cascade(first, second, policy={"ttft_timeout_ms": PATIENCE_MS}) as gateway:
        assert (await gateway.call()).content == FIRST
        trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "UpstreamRejected"), ("together", "FirstTokenLate"), ("groq", "ok")]
    assert trace.attempts[2].started_ms >= trace.attempts[1].started_ms + PATIENCE_MS


@pytest.mark.parametrize("max_attempts", [1, 2, 3, 5, 8])
async def test_max_attempts_are_made_and_no_more(upstreams: tuple[ScriptedUpstream, ...], max_attempts: int) -> None:
    for upstream in upstreams:
        upstream.answers(BOOM)
    async with cascade(*upstreams, policy={"max_attempts": max_attempts}) as gateway:
        response = await gateway.call()
        trace = await gateway.trace()
    assert (response.status_code, len(trace.attempts)) == (502, max_attempts)
    assert response.json()["error"]["message"].count("UpstreamRejected: answered 500: boom") == max_attempts
    assert sum(len(upstream.requests) for upstream in upstreams) == max_attempts
    # No target is retried before every target was asked.
    assert len({attempt.provider for attempt in trace.attempts[:3]}) == min(3, max_attempts)


async def test_without_a_budget_no_target_is_retried(upstreams: tuple[ScriptedUpstream, ...]) -> None:
    for upstream in upstreams:
        upstream.answers(BOOM)
    async with cascade(*upstreams, policy={"max_attempts": 8}, retry_budget_percent="0") as gateway:
        assert (await gateway.call()).status_code == 502
    assert [len(upstream.requests) for upstream in upstreams] == [1, 1, 1]


async def test_if_every_target_is_late_the_status_is_504(upstreams: tuple[ScriptedUpstream, ...]) -> None:
    for upstream in upstreams:
        upstream.answers(Answer([role(), End.HANG]))
    async with cascade(*upstreams) as gateway:
        response = await gateway.call(x_inference_ttft_timeout_ms=str(PATIENCE_MS))
        trace = await gateway.trace()
        for upstream in upstreams:
            await (await upstream.request()).left()
    assert (response.status_code, response.json()["error"]["code"]) == (504, "first_token_late")
    assert [outcome for _, outcome in outcomes(trace)] == ["FirstTokenLate"] * 3
    assert trace.duration_ms is not None
    assert trace.duration_ms >= PATIENCE_MS * 3


CANARIES = {"groq": "sk-first-canary-7f3a", "together": "sk-second-canary-91bc", "fireworks": "sk-third-canary-e05d"}


@pytest.mark.parametrize("streamed", [True, False])
async def test_each_key_is_sent_to_its_own_target_only_and_is_not_recorded(
    upstreams: tuple[ScriptedUpstream, ...], streamed: bool
) -> None:
    for upstream, key in zip(upstreams, CANARIES.values(), strict=True):
        upstream.answers(json_answer({"error": {"message": f"{key} has no room"}}, 503))
    stored = {"FIREWORKS_API_KEY": CANARIES["fireworks"], "TOGETHER_API_KEY": "sk-stored-and-not-used"}
    async with cascade(*upstreams, environment=stored, policy={"max_attempts": 6}) as gateway:
        response = await gateway.call(
            chat(stream=streamed),
            x_inference_provider_api_key=CANARIES["groq"],
            x_inference_key_together=CANARIES["together"],
        )
        trace = await gateway.trace()
        kept = repr((trace, gateway.bodies(trace), gateway.log.lines, gateway.metrics, response.text, response.headers))
    assert len(trace.attempts) == 6
    for upstream, key in zip(upstreams, CANARIES.values(), strict=True):
        for request in upstream.requests:
            assert request.headers["authorization"] == f"Bearer {key}"
            sent = repr((request.headers, request.path, request.body))
            assert not [other for other in (*CANARIES.values(), KEY) if other != key and other in sent]
    assert not [key for key in (*CANARIES.values(), *stored.values(), KEY) if key in kept]


async def test_every_request_is_cancelled_when_the_caller_disconnects(upstreams: tuple[ScriptedUpstream, ...]) -> None:
    first, second, third = upstreams
    for upstream in (first, second):
        upstream.answers(Answer([role(), End.HANG]))
    fallback = [{"target": "together/llama", "ttft_timeout_ms": LONG_MS}, "fireworks/llama"]
    async with cascade(*upstreams, policy={"ttft_timeout_ms": PATIENCE_MS, "fallback": fallback}) as gateway:
        _, writer = await call_by_socket(gateway)
        asked = [await first.request(), await second.request()]
        writer.close()
        await writer.wait_closed()
        left_at = asyncio.get_running_loop().time()
        moments = [await request.left() for request in asked]
        trace = await gateway.trace()
    assert max(moments) - left_at < 1
    assert trace.status is Status.CLIENT_CLOSED
    assert [outcome for _, outcome in outcomes(trace)] == ["client_closed", "client_closed"]
    assert third.connections_opened == 0
