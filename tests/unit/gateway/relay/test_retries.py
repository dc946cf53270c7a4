"""Retries of a target within a call: after which failures, when, and how often."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import pytest

from switchboard.domain.trace import AttemptRecord, Status
from testkit.cascade import cascade, outcomes
from testkit.openai_events import DONE, chunk, completion, error, finish, role
from testkit.running_gateway import chat
from testkit.upstream import Answer, End, ScriptedUpstream, json_answer

SPOKEN = Answer([chunk("Hello"), finish(), DONE])
HEARD = b"".join([chunk("Hello"), finish(), DONE])


def rejected(status: int, retry_after: str | None = None) -> Answer:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return json_answer({"error": {"message": "no"}}, status, headers)


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.fixture
async def other() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


REPEATED = {
    **{str(status): rejected(status) for status in (408, 425, 429, 498, 500, 502, 503, 504, 520, 529)},
    "cut before an answer": Answer(before_headers=[End.CLOSE]),
    "reset": Answer([role(), End.RESET]),
    "an error event": Answer([error("overloaded")]),
    "empty": Answer([role(), finish(), DONE]),
}


@pytest.mark.parametrize("failing", REPEATED.values(), ids=REPEATED.keys())
async def test_a_temporary_failure_is_retried(upstream: ScriptedUpstream, failing: Answer) -> None:
    upstream.answers(failing, SPOKEN)
    async with cascade(upstream) as gateway:
        assert (await gateway.call()).content == HEARD
        trace = await gateway.trace()
    assert trace.status is Status.OK
    assert [outcome for _, outcome in outcomes(trace)][1:] == ["ok"]
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 405, 409, 413, 415, 422])
async def test_a_permanent_failure_is_not_retried(upstream: ScriptedUpstream, status: int) -> None:
    upstream.answers(rejected(status), SPOKEN)
    async with cascade(upstream) as gateway:
        assert (await gateway.call()).status_code >= 400
        assert outcomes(await gateway.trace()) == [("groq", "UpstreamRejected")]


async def test_a_late_first_token_is_not_retried(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([End.HANG]), SPOKEN)
    async with cascade(upstream, policy={"ttft_timeout_ms": 30, "plan_timeout_ms": 500}) as gateway:
        assert (await gateway.call()).status_code == 504
        assert outcomes(await gateway.trace()) == [("groq", "FirstTokenLate")]


async def test_a_whole_answer_is_retried_too(upstream: ScriptedUpstream) -> None:
    upstream.answers(rejected(503), json_answer({"choices": [{"message": {"role": "assistant", "content": "Hi"}}]}))
    async with cascade(upstream) as gateway:
        body = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]}
        assert (await gateway.call(body)).json()["choices"][0]["message"]["content"] == "Hi"
        assert outcomes(await gateway.trace()) == [("groq", "UpstreamRejected"), ("groq", "ok")]


async def test_targets_that_were_not_tried_come_before_any_retry(
    upstream: ScriptedUpstream, other: ScriptedUpstream
) -> None:
    upstream.answers(rejected(500))
    other.answers(rejected(401))
    async with cascade(upstream, other, policy={"max_attempts": 4}) as gateway:
        assert (await gateway.call()).status_code == 502
        trace = await gateway.trace()
    assert [provider for provider, _ in outcomes(trace)] == ["groq", "together", "groq", "groq"]


@pytest.mark.parametrize("max_attempts", [1, 2, 3, 5, 8])
async def test_attempts_are_limited_to_max_attempts(upstream: ScriptedUpstream, max_attempts: int) -> None:
    upstream.answers(rejected(500))
    async with cascade(upstream, policy={"max_attempts": max_attempts}) as gateway:
        response = await gateway.call()
        trace = await gateway.trace()
    assert (response.status_code, response.json()["error"]["code"]) == (502, "upstream_rejected")
    assert len(trace.attempts) == len(upstream.requests) == max_attempts
    assert response.json()["error"]["message"].count("answered 500") == max_attempts


async def test_a_retry_waits_for_retry_after(upstream: ScriptedUpstream) -> None:
    upstream.answers(rejected(429, "0.15"), SPOKEN)
    async with cascade(upstream) as gateway:
        assert (await gateway.call()).content == HEARD
        first, again = (await gateway.trace()).attempts
    assert again.started_ms >= _end_ms(first) + 150


def _end_ms(attempt: AttemptRecord) -> float:
    # Times are rounded to the microsecond, so that a sum of two may exceed the third.
    return attempt.started_ms + attempt.duration_ms - 0.01


async def test_a_retry_after_longer_than_the_plan_is_not_waited_for(upstream: ScriptedUpstream) -> None:
    upstream.answers(rejected(429, "8"), SPOKEN)
    async with cascade(upstream, policy={"plan_timeout_ms": 10_000}) as gateway:
        response = await gateway.call()
        trace = await gateway.trace()
    assert (response.status_code, response.headers["retry-after"]) == (429, "8")
    assert trace.duration_ms is not None
    assert trace.duration_ms < 7500
    assert len(upstream.requests) == 1


async def test_the_target_with_the_shorter_pause_is_retried_first(
    upstream: ScriptedUpstream, other: ScriptedUpstream
) -> None:
    upstream.answers(rejected(429, "1"))
    other.answers(rejected(429), SPOKEN)
    async with cascade(upstream, other) as gateway:
        assert (await gateway.call()).content == HEARD
        trace = await gateway.trace()
    assert [provider for provider, _ in outcomes(trace)] == ["groq", "together", "together"]


@pytest.mark.parametrize("hedge_after_ms", [0, 20], ids=["unhedged", "hedged"])
async def test_a_failed_target_is_retried_while_the_last_one_is_silent(
    upstream: ScriptedUpstream, other: ScriptedUpstream, hedge_after_ms: int
) -> None:
    upstream.answers(rejected(503, "0.1"), SPOKEN)
    other.answers(Answer([role(), End.HANG]))
    policy = {"ttft_timeout_ms": 60, "plan_timeout_ms": 5000, "max_attempts": 4, "hedge_after_ms": hedge_after_ms}
    async with cascade(upstream, other, policy=policy, hedge_budget_percent="100") as gateway:
        assert (await gateway.call()).content == HEARD
        trace = await gateway.trace()
    assert outcomes(trace)[0] == ("groq", "UpstreamRejected")
    assert outcomes(trace)[-1] == ("groq", "ok")


async def test_a_target_that_fails_late_is_retried_while_the_last_one_is_silent(
    upstream: ScriptedUpstream, other: ScriptedUpstream
) -> None:
    upstream.answers(replace(rejected(503), before_headers=[0.15]), SPOKEN)
    other.answers(Answer([role(), End.HANG]))
    policy = {"ttft_timeout_ms": 50, "plan_timeout_ms": 5000}
    async with cascade(upstream, other, policy=policy) as gateway:
        assert (await gateway.call()).content == HEARD
        trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "UpstreamRejected"), ("together", "FirstTokenLate"), ("groq", "ok")]


async def test_a_whole_answer_does_not_wait_for_a_retry_longer_than_its_plan(upstream: ScriptedUpstream) -> None:
    upstream.answers(rejected(429, "8"), json_answer(completion("Hello")))
    async with cascade(upstream, policy={"plan_timeout_ms": 7000}) as gateway:
        response = await gateway.call(chat(stream=False))
        trace = await gateway.trace()
    assert (response.status_code, response.headers["retry-after"]) == (429, "8")
    assert outcomes(trace) == [("groq", "UpstreamRejected")]


async def test_a_target_without_a_key_uses_no_attempt(upstream: ScriptedUpstream, other: ScriptedUpstream) -> None:
    other.answers(SPOKEN)
    async with cascade(
        upstream, upstream, other, policy={"max_attempts": 1}, environment={"FIREWORKS_API_KEY": "fwk"}
    ) as gateway:
        assert (await gateway.call()).content == HEARD
        trace = await gateway.trace()
    assert outcomes(trace) == [("fireworks", "ok")]
    assert "passed over groq/gpt-4o: no key" in trace.notes


async def test_retry_after_may_be_a_date_and_an_invalid_one_is_ignored(
    upstream: ScriptedUpstream,
) -> None:
    absurd = "Fri, 20 Nov 2026 12:00:05 +99999999999999999"
    upstream.answers(rejected(503, "Fri, 20 Nov 2020 12:00:00 GMT"), rejected(503, absurd), SPOKEN)
    async with cascade(upstream) as gateway:
        assert (await gateway.call()).content == HEARD
        assert [outcome for _, outcome in outcomes(await gateway.trace())][2:] == ["ok"]


async def test_pauses_differ_and_stay_below_their_bound(upstream: ScriptedUpstream) -> None:
    upstream.answers(rejected(500))
    async with cascade(upstream, policy={"max_attempts": 8}, retry_backoff_ms="1") as gateway:
        await gateway.call()
        attempts = (await gateway.trace()).attempts
    pauses_ms = [late.started_ms - _end_ms(early) for early, late in pairwise(attempts)]
    assert all(pause_ms >= 0 for pause_ms in pauses_ms)
    assert len(set(pauses_ms)) > len(pauses_ms) / 2  # two may be equal by chance
    assert sum(pauses_ms) < 2000


async def test_the_budget_caps_retries(upstream: ScriptedUpstream) -> None:
    upstream.answers(rejected(500))
    async with cascade(upstream, policy={"max_attempts": 2}, retry_budget_percent="1") as gateway:
        attempts = []
        for _ in range(12):
            await gateway.call()
            attempts.append(len((await gateway.trace()).attempts))
    assert attempts == [2] * 10 + [1] * 2


async def test_a_budget_of_0_allows_no_retry_and_every_fallback(
    upstream: ScriptedUpstream, other: ScriptedUpstream
) -> None:
    upstream.answers(rejected(500), SPOKEN)
    other.answers(rejected(500), SPOKEN)
    async with cascade(upstream, other, retry_budget_percent="0") as gateway:
        assert (await gateway.call()).status_code == 502
        assert [provider for provider, _ in outcomes(await gateway.trace())] == ["groq", "together"]
