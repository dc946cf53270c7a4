"""What a gateway records of its targets between calls, and which failures count against them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway.domain.clock import Clock
from gateway.relay.health import FAILURES_IN_A_ROW, FIRST_COOLDOWN_S
from testkit.cascade import cascade, outcomes
from testkit.openai_events import DONE, chunk, completion, finish
from testkit.running_gateway import RunningGateway, chat
from testkit.upstream import Answer, End, Gate, Request, ScriptedUpstream, json_answer

SPOKEN = Answer([chunk("Hello"), finish(), DONE])
BROKEN = json_answer({"error": {"message": "boom"}}, 500)


class MovedTime:
    """The real clock, plus the time by which it was moved."""

    def __init__(self) -> None:
        self.moved_s = 0.0
        real = Clock()
        self.clock = Clock(real.now, lambda: real.monotonic() + self.moved_s)


@pytest.fixture
async def upstreams() -> AsyncIterator[tuple[ScriptedUpstream, ScriptedUpstream]]:
    with ScriptedUpstream() as first, ScriptedUpstream() as second:
        yield first, second


async def _called(gateway: RunningGateway) -> list[tuple[str, str]]:
    await gateway.call()
    return outcomes(await gateway.trace())


async def test_a_gateway_asks_a_failing_provider_last_and_probes_it_later(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(BROKEN)
    second.answers(SPOKEN)
    time = MovedTime()
    async with cascade(first, second, clock=time.clock) as gateway:
        for _ in range(FAILURES_IN_A_ROW):
            assert await _called(gateway) == [("groq", "UpstreamRejected"), ("together", "ok")]
        for _ in range(3):
            assert await _called(gateway) == [("together", "ok")]
        time.moved_s += FIRST_COOLDOWN_S
        assert await _called(gateway) == [("groq", "UpstreamRejected"), ("together", "ok")]
        assert await _called(gateway) == [("together", "ok")]
        first.answers(SPOKEN)
        time.moved_s += 2 * FIRST_COOLDOWN_S
        for _ in range(3):
            assert await _called(gateway) == [("groq", "ok")]


async def test_while_one_call_probes_a_target_other_calls_do_not_ask_it(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(BROKEN)
    second.answers(SPOKEN)
    time, gate = MovedTime(), Gate()
    async with cascade(first, second, clock=time.clock, policy={"ttft_timeout_ms": 5000}) as gateway:
        for _ in range(FAILURES_IN_A_ROW):
            await _called(gateway)
        first.answers(Answer([gate, chunk("Back"), finish(), DONE]))
        time.moved_s += FIRST_COOLDOWN_S
        probe = asyncio.create_task(gateway.call())
        await first.request(FAILURES_IN_A_ROW + 1)
        for _ in range(3):
            assert await _called(gateway) == [("together", "ok")]
        gate.open()
        assert chunk("Back") in (await probe).content
        assert outcomes(await gateway.trace()) == [("groq", "ok")]
        assert await _called(gateway) == [("groq", "ok")]


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_an_error_of_the_request_does_not_count_against_its_target(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream], status: int
) -> None:
    first, second = upstreams
    first.answers(json_answer({"error": {"message": "no such field"}}, status))
    second.answers(SPOKEN)
    async with cascade(first, second) as gateway:
        for _ in range(FAILURES_IN_A_ROW + 2):
            assert await _called(gateway) == [("groq", "UpstreamRejected"), ("together", "ok")]


async def test_an_outpaced_attempt_does_not_count_against_its_target(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(Answer([End.HANG]))
    second.answers(SPOKEN)
    policy = {"hedge_after_ms": 20, "ttft_timeout_ms": 5000}
    async with cascade(first, second, policy=policy, hedge_budget_percent="100") as gateway:
        for _ in range(FAILURES_IN_A_ROW + 2):
            assert await _called(gateway) == [("groq", "outpaced"), ("together", "ok")]


async def test_repeated_lateness_counts_against_its_target(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(Answer([End.HANG]))
    second.answers(SPOKEN)
    fallback = [{"target": "together/llama", "ttft_timeout_ms": 5000}]
    async with cascade(first, second, policy={"ttft_timeout_ms": 30, "fallback": fallback}) as gateway:
        for _ in range(FAILURES_IN_A_ROW):
            assert await _called(gateway) == [("groq", "FirstTokenLate"), ("together", "ok")]
        assert await _called(gateway) == [("together", "ok")]


async def test_repeated_cuts_in_mid_answer_count_against_their_target(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(Answer([chunk("Hel"), End.CLOSE]))
    second.answers(SPOKEN)
    async with cascade(first, second) as gateway:
        for _ in range(FAILURES_IN_A_ROW):
            assert await _called(gateway) == [("groq", "UpstreamCut")]
        assert await _called(gateway) == [("together", "ok")]


async def test_a_callers_disconnect_counts_against_no_target(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    second.answers(SPOKEN)
    async with cascade(first, second) as gateway:
        for _ in range(FAILURES_IN_A_ROW):
            first.answers(BROKEN)
            assert await _called(gateway) == [("groq", "UpstreamRejected"), ("together", "ok")]
            first.answers(Answer([chunk("Hello"), End.HANG]))
            async with gateway.stream() as response:
                assert chunk("Hello") in await anext(response.aiter_raw())
            assert outcomes(await gateway.trace()) == [("groq", "client_closed")]


@pytest.mark.parametrize("status", [401, 429])
async def test_a_failure_about_one_callers_key_does_not_count_for_other_callers(status: int) -> None:
    refused = json_answer({"error": {"message": "no"}}, status, {"retry-after": "60"})

    def answer(request: Request) -> Answer:
        return refused if request.headers["authorization"] == "Bearer sk-callers-own" else SPOKEN

    stored = {"GROQ_API_KEY": "gsk", "TOGETHER_API_KEY": "tgk"}
    with ScriptedUpstream(respond=answer) as first, ScriptedUpstream(SPOKEN) as second:
        async with cascade(first, second, environment=stored) as gateway:
            for _ in range(FAILURES_IN_A_ROW):
                await gateway.call(x_inference_provider_api_key="sk-callers-own")
                assert outcomes(await gateway.trace()) == [("groq", "UpstreamRejected"), ("together", "ok")]
            assert await _called(gateway) == [("groq", "ok")]
            await gateway.call(x_inference_provider_api_key="sk-callers-own")
            assert outcomes(await gateway.trace()) == [("together", "ok")]


async def test_missing_a_callers_short_deadline_does_not_count_against_the_target(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    second.answers(SPOKEN)
    async with cascade(first, second, policy={"ttft_timeout_ms": 5000}) as gateway:
        first.answers(Answer([End.HANG]))
        for _ in range(FAILURES_IN_A_ROW):
            await gateway.call(x_inference_ttft_timeout_ms="20")
            assert outcomes(await gateway.trace())[0] == ("groq", "FirstTokenLate")
        first.answers(SPOKEN)
        assert await _called(gateway) == [("groq", "ok")]


async def test_missing_a_short_deadline_and_then_failing_counts_against_the_target(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(replace(BROKEN, before_headers=[0.15]))
    second.answers(Answer([End.HANG]))
    async with cascade(first, second, policy={"ttft_timeout_ms": 5000}) as gateway:
        for _ in range(FAILURES_IN_A_ROW):
            await gateway.call(x_inference_ttft_timeout_ms="100", x_inference_fallback="together/llama, together/llama")
            assert outcomes(await gateway.trace())[0] == ("groq", "UpstreamRejected")
        second.answers(SPOKEN)
        assert await _called(gateway) == [("together", "ok")]


async def test_an_attempt_counts_against_its_target_at_most_once(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(Answer([0.1, chunk("Hel"), End.CLOSE]))
    second.answers(Answer([End.HANG]))
    async with cascade(first, second, policy={"ttft_timeout_ms": 20}) as gateway:
        for _ in range(FAILURES_IN_A_ROW):
            assert (await _called(gateway))[0] == ("groq", "UpstreamCut"), "late, first to speak, and broken"


async def test_a_whole_answers_time_is_no_time_to_first_token(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(Answer([End.HANG]))
    second.answers(json_answer(completion("Hello")))
    async with cascade(first, second, call_timeout_ms="200") as gateway:
        for _ in range(FAILURES_IN_A_ROW):
            await gateway.call(chat(stream=False), x_inference_ttft_timeout_ms="100")
            assert outcomes(await gateway.trace())[0] == ("groq", "AnswerLate")
        await gateway.call(chat(stream=False))
        assert outcomes(await gateway.trace()) == [("together", "ok")]


async def test_exceeding_the_call_timeout_does_not_count_against_the_target(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(Answer([step for _ in range(100) for step in (chunk("."), 0.05)]))
    second.answers(SPOKEN)
    async with cascade(first, second, call_timeout_ms="200") as gateway:
        for _ in range(FAILURES_IN_A_ROW + 1):
            assert await _called(gateway) == [("groq", "AnswerLate")]


async def test_an_attempt_with_too_little_time_does_not_count_against_its_target(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(BROKEN)
    second.answers(Answer([End.HANG]))
    fallback = [{"target": "together/llama", "ttft_timeout_ms": 5000}]
    policy = {"plan_timeout_ms": 200, "max_attempts": 2, "fallback": fallback}
    async with cascade(first, second, policy=policy) as gateway:
        for _ in range(FAILURES_IN_A_ROW):
            assert (await gateway.call()).status_code == 504
            await gateway.trace()
        second.answers(SPOKEN)
        # The first target rests. If the second one did too, the order would be unchanged.
        assert await _called(gateway) == [("together", "ok")]


async def test_a_target_moved_first_by_a_rest_leaves_time_for_the_other(
    upstreams: tuple[ScriptedUpstream, ScriptedUpstream],
) -> None:
    first, second = upstreams
    first.answers(BROKEN)
    second.answers(SPOKEN)
    fallback = [{"target": "together/llama", "ttft_timeout_ms": 100}]
    policy = {"plan_timeout_ms": 10000, "ttft_timeout_ms": 5000, "fallback": fallback}
    async with cascade(first, second, policy=policy) as gateway:
        for _ in range(FAILURES_IN_A_ROW):
            await _called(gateway)
        first.answers(SPOKEN)
        second.answers(Answer([End.HANG]))
        assert await _called(gateway) == [("together", "FirstTokenLate"), ("groq", "ok")]
