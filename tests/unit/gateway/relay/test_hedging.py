"""Hedging: a second request in parallel with a silent target. The first useful delta wins, the other is cancelled."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest

from gateway.relay.health import MIN_SAMPLES
from switchboard.domain.trace import AttemptRecord, Status, Trace
from switchboard.domain.usage import Tokens, UsageSource
from testkit.cascade import call_by_socket, cascade, outcomes
from testkit.openai_events import DONE, chunk, completion, finish, role, usage
from testkit.running_gateway import RunningGateway, chat
from testkit.upstream import Answer, End, Gate, ScriptedUpstream, json_answer

SPOKEN = [chunk("Hello"), finish(), usage(12, 3), DONE]
HEARD = b"".join([chunk("Hello"), finish(), DONE])
QUICK = Answer(SPOKEN)
SLOW = Answer([0.15, *SPOKEN])
SILENT = Answer([role(), End.HANG])
HEDGE_MS = 40
HEDGED = {"hedge_after_ms": HEDGE_MS, "ttft_timeout_ms": 5000}
NO_LIMIT = "100"
CANCELLED_WITHIN_S = 0.05


@pytest.fixture
async def first() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(SILENT) as scripted:
        yield scripted


@pytest.fixture
async def second() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(QUICK) as scripted:
        yield scripted


@pytest.fixture
async def gateway(first: ScriptedUpstream, second: ScriptedUpstream) -> AsyncIterator[RunningGateway]:
    async with cascade(first, second, policy=HEDGED, hedge_budget_percent=NO_LIMIT) as running:
        yield running


def _hedges(trace: Trace) -> list[bool]:
    return [attempt.is_hedge for attempt in trace.attempts]


async def test_the_next_target_is_asked_in_parallel_with_a_silent_one_and_passed_on(gateway: RunningGateway) -> None:
    response = await gateway.call()
    assert response.content == HEARD
    trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "outpaced"), ("together", "ok")]
    assert _hedges(trace) == [False, True]
    assert (trace.status, trace.provider, trace.model) == (Status.OK, "together", "llama")
    silent, heard = trace.attempts
    assert heard.started_ms >= HEDGE_MS
    assert trace.ttft_ms is not None
    assert trace.ttft_ms >= heard.started_ms
    assert heard.ttft_ms is not None
    assert (silent.ttft_ms, silent.status, silent.error) == (None, 200, None)
    assert silent.duration_ms >= HEDGE_MS


async def test_the_outpaced_attempt_is_cancelled_at_once_and_its_usage_estimated(
    gateway: RunningGateway, first: ScriptedUpstream
) -> None:
    async with gateway.stream() as response:
        async for _ in response.aiter_raw():
            break
        heard_at = time.monotonic()
        assert await (await first.request()).left() - heard_at < 2.0
    trace = await gateway.trace()
    lost: AttemptRecord = trace.attempts[0]
    assert (trace.usage.source, trace.usage.tokens) == (UsageSource.PROVIDER, Tokens(fresh_input=12, output=3))
    assert lost.usage.source is UsageSource.ESTIMATED
    assert lost.usage.tokens is not None
    assert (lost.usage.tokens.fresh_input > 0, lost.usage.tokens.output) == (True, 0)
    assert len(trace.usages) == 2


async def test_the_first_target_is_passed_on_if_it_answers_before_the_hedge(
    gateway: RunningGateway, first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    gate = Gate()
    first.answers(Answer([gate, *SPOKEN]))
    second.answers(SILENT)
    calling = asyncio.create_task(gateway.call())
    hedge = await second.request()
    gate.open()
    assert (await calling).content == HEARD
    await hedge.left()
    trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "ok"), ("together", "outpaced")]
    assert _hedges(trace) == [False, True]


async def test_without_another_target_the_same_one_is_asked_again(first: ScriptedUpstream) -> None:
    first.answers(SILENT, QUICK)
    async with cascade(first, policy=HEDGED, hedge_budget_percent=NO_LIMIT) as gateway:
        assert (await gateway.call()).content == HEARD
        trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "outpaced"), ("groq", "ok")]
    assert _hedges(trace) == [False, True]


async def test_a_call_is_hedged_once(
    gateway: RunningGateway, first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    first.answers(Answer([0.25, *SPOKEN]))
    second.answers(SILENT)
    await gateway.call()
    assert outcomes(await gateway.trace()) == [("groq", "ok"), ("together", "outpaced")]


async def test_a_silent_fallback_is_hedged_too(first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    first.answers(json_answer({"error": {"message": "boom"}}, 500))
    second.answers(SILENT)
    policy = HEDGED | {"hedge_after_ms": HEDGE_MS * 10}  # the first target must fail before its own hedge
    with ScriptedUpstream(QUICK) as third:
        async with cascade(first, second, third, policy=policy, hedge_budget_percent=NO_LIMIT) as gateway:
            assert (await gateway.call()).content == HEARD
            trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "UpstreamRejected"), ("together", "outpaced"), ("fireworks", "ok")]
    assert _hedges(trace) == [False, False, True]


async def test_a_failed_hedge_does_not_end_the_first_attempt(
    gateway: RunningGateway, first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    first.answers(SLOW)
    second.answers(json_answer({"error": {"message": "no"}}, 401))
    assert (await gateway.call()).content == HEARD
    assert outcomes(await gateway.trace()) == [("groq", "ok"), ("together", "UpstreamRejected")]


async def test_a_hedge_continues_if_the_first_attempt_fails(
    gateway: RunningGateway, first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    gate = Gate()
    first.answers(Answer([gate, End.CLOSE]))
    second.answers(SLOW)
    calling = asyncio.create_task(gateway.call())
    await second.request()
    gate.open()
    assert (await calling).content == HEARD
    assert outcomes(await gateway.trace()) == [("groq", "UpstreamCut"), ("together", "ok")]


async def test_a_winner_that_breaks_later_is_not_spliced(
    gateway: RunningGateway, first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    first.answers(Answer([2.0, chunk("Never heard"), finish(), DONE]))
    second.answers(Answer([chunk("Hel"), 0.05, End.CLOSE]))
    content = (await gateway.call()).content
    assert content.startswith(chunk("Hel"))
    assert b'"upstream_cut"' in content
    assert b"Never heard" not in content
    assert b"[DONE]" not in content
    trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "outpaced"), ("together", "UpstreamCut")]
    assert trace.status is Status.TRUNCATED


@pytest.mark.parametrize(
    ("policy", "headers"),
    [
        ({}, {}),
        (HEDGED, {"x_inference_hedge_after_ms": "0"}),
        ({"hedge_after_ms": 1000}, {}),
        ({**HEDGED, "max_attempts": 1}, {}),
        ({"hedge_after_ms": "p50"}, {}),
    ],
    ids=["by default", "0 in the header", "not so soon", "no attempt left", "nothing learnt"],
)
async def test_no_hedge(
    first: ScriptedUpstream, second: ScriptedUpstream, policy: dict[str, object], headers: dict[str, str]
) -> None:
    first.answers(SLOW)
    async with cascade(first, second, policy=policy, hedge_budget_percent=NO_LIMIT) as gateway:
        assert (await gateway.call(**headers)).content == HEARD
        assert outcomes(await gateway.trace()) == [("groq", "ok")]
    assert second.requests == []


async def test_a_header_asks_for_a_hedge(first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    async with cascade(first, second) as gateway:
        await gateway.call(x_inference_hedge_after_ms="30")
        trace = await gateway.trace()
    assert _hedges(trace) == [False, True]
    assert trace.attempts[1].started_ms >= 30


async def test_a_quantile_is_used_from_twenty_first_tokens_on(
    first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    policy = {"hedge_after_ms": "p90", "ttft_timeout_ms": 5000}
    async with cascade(first, second, policy=policy, hedge_budget_percent=NO_LIMIT) as gateway:
        first.answers(QUICK)
        for _ in range(MIN_SAMPLES - 1):
            await gateway.call()
            assert len((await gateway.trace()).attempts) == 1
        first.answers(SLOW)
        await gateway.call()
        assert len((await gateway.trace()).attempts) == 1
        first.answers(SILENT)
        await gateway.call()
        assert outcomes(await gateway.trace()) == [("groq", "outpaced"), ("together", "ok")]
        # First tokens of one model do not count for another.
        await gateway.call({**_chat("another"), "model": "another"}, x_inference_ttft_timeout_ms="100")
        trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "FirstTokenLate"), ("together", "ok")]
    assert _hedges(trace) == [False, False]


def _chat(model: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello?"}], "stream": True}


async def test_the_budget_caps_hedges(first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    first.answers(SLOW)
    second.answers(SILENT)
    async with cascade(first, second, policy=HEDGED, hedge_budget_percent="25") as gateway:
        hedged = []
        for _ in range(9):
            await gateway.call()
            hedged.append(any(_hedges(await gateway.trace())))
    # One at the start, then one for every four calls.
    assert hedged == [True, False, False, True, False, False, False, True, False]


async def test_a_budget_of_0_allows_no_hedge(first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    first.answers(SLOW)
    async with cascade(first, second, policy=HEDGED, hedge_budget_percent="0") as gateway:
        await gateway.call()
        assert outcomes(await gateway.trace()) == [("groq", "ok")]


async def test_a_hedge_without_a_key_is_no_attempt(first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    first.answers(SLOW)
    async with cascade(
        first, second, policy=HEDGED, environment={"GROQ_API_KEY": "gsk"}, hedge_budget_percent=NO_LIMIT
    ) as gateway:
        assert (await gateway.call()).content == HEARD
        trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "ok")]
    assert "passed over together/llama: no key" in trace.notes
    assert second.requests == []


async def test_if_the_hedges_target_has_no_key_the_next_one_is_asked(
    first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    stored = {"GROQ_API_KEY": "gsk", "FIREWORKS_API_KEY": "fwk"}
    with ScriptedUpstream(QUICK) as third:
        async with cascade(
            first, second, third, policy=HEDGED, environment=stored, hedge_budget_percent="5"
        ) as gateway:
            assert (await gateway.call()).content == HEARD
            trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "outpaced"), ("fireworks", "ok")]
    assert _hedges(trace) == [False, True]


async def test_a_whole_answer_is_never_hedged(first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    whole = json_answer(completion("Hello"))
    first.answers(replace(whole, before_headers=[2 * HEDGE_MS / 1000]))
    async with cascade(first, second, policy=HEDGED, hedge_budget_percent="5") as gateway:
        assert (await gateway.call(chat(stream=False))).json() == completion("Hello")
        assert outcomes(await gateway.trace()) == [("groq", "ok")]
        first.answers(SILENT)
        assert (await gateway.call()).content == HEARD, "the budget is still there"
    assert second.requests


async def test_both_requests_are_cancelled_when_the_caller_disconnects(
    gateway: RunningGateway, first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    second.answers(SILENT)
    cancelled_after_s: list[float] = []
    # Several tries, because other load on the machine can delay it.
    while len(cancelled_after_s) < 3 and min(cancelled_after_s, default=1.0) >= CANCELLED_WITHIN_S:
        call = len(cancelled_after_s) + 1
        _, writer = await call_by_socket(gateway)
        one, other = await first.request(call), await second.request(call)
        disconnected_at = time.monotonic()
        writer.close()
        cancelled_after_s.append(max(await one.left(), await other.left()) - disconnected_at)
        with suppress(ConnectionError):
            await writer.wait_closed()
        trace = await gateway.trace()
        assert trace.status is Status.CLIENT_CLOSED
        assert outcomes(trace) == [("groq", "client_closed"), ("together", "client_closed")]
        assert [usage.source for usage in trace.usages] == [UsageSource.ESTIMATED] * 2
    assert min(cancelled_after_s) < CANCELLED_WITHIN_S
