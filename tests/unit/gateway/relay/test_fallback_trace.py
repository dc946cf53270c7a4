"""The trace of a call with a fallback: the target that answered, every attempt, and the times."""

from collections.abc import AsyncIterator

import httpx
import pytest

from switchboard.domain.policy import FallbackTarget, Policy
from switchboard.domain.trace import Status
from testkit.cascade import cascade, outcomes
from testkit.openai_events import DONE, chunk, completion, error, finish, role, usage
from testkit.running_gateway import PROJECT, chat
from testkit.upstream import Answer, End, ScriptedUpstream, json_answer

SPOKEN = Answer([0.05, chunk("Hello"), finish(), usage(12, 3), DONE])
HEARD = b"".join([chunk("Hello"), finish(), DONE])
BROKEN = json_answer({"error": {"message": "boom"}}, 500)


@pytest.fixture
async def first() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(BROKEN) as scripted:
        yield scripted


@pytest.fixture
async def second() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(SPOKEN) as scripted:
        yield scripted


FAILED = {
    "500": (BROKEN, "UpstreamRejected", 500),
    "an error event": (Answer([error("overloaded")]), "UpstreamReported", 200),
    "empty": (Answer([role(), finish(), DONE]), "EmptyCompletion", 200),
    "cut": (Answer([role(), End.CLOSE]), "UpstreamCut", 200),
    "no answer": (Answer(before_headers=[End.CLOSE]), "UpstreamCut", None),
    "silence": (Answer([role(), End.HANG]), "FirstTokenLate", 200),
    "silence before headers": (Answer(before_headers=[End.HANG]), "FirstTokenLate", None),
}


@pytest.mark.parametrize(("answer", "outcome", "status"), FAILED.values(), ids=FAILED.keys())
async def test_each_attempt_has_its_outcome(
    first: ScriptedUpstream, second: ScriptedUpstream, answer: Answer, outcome: str, status: int | None
) -> None:
    first.answers(answer)
    deadline_ms = 100 if outcome == "FirstTokenLate" else 5000
    async with cascade(first, second, policy={"ttft_timeout_ms": deadline_ms}) as gateway:
        response = await gateway.call()
        trace = await gateway.trace()
        assert response.content == HEARD
        assert gateway.bodies(trace).response == HEARD
    assert outcomes(trace) == [("groq", outcome), ("together", "ok")]
    failed, answered = trace.attempts
    assert (failed.status, failed.ttft_ms, failed.error is None) == (status, None, False)
    assert (answered.status, answered.error, answered.is_hedge) == (200, None, False)
    assert (trace.status, trace.failure, trace.provider, trace.model) == (Status.OK, None, "together", "llama")
    assert trace.decisive_attempt == answered


async def test_changes_for_another_attempt_are_noted_with_its_target(
    first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    first.answers(Answer([b"data: nonsense\n\n", error("overloaded")]))
    async with cascade(first, second) as gateway:
        await gateway.call(chat(elevenlabs_extra_body={"a": 1}))
        notes = (await gateway.trace()).notes
    assert "groq/gpt-4o: skipped an event that is no JSON object" in notes
    assert "skipped an event that is no JSON object" not in notes
    assert {"left out elevenlabs_extra_body", "groq/gpt-4o: left out elevenlabs_extra_body"} <= set(notes)


async def test_the_call_and_each_attempt_have_their_own_times(
    first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    first.answers(Answer([0.1, End.CLOSE]))
    async with cascade(first, second) as gateway:
        response = await gateway.call()
        trace = await gateway.trace()
    failed, answered = trace.attempts
    assert failed.duration_ms >= 100
    assert answered.started_ms >= failed.started_ms + failed.duration_ms - 0.01
    assert trace.ttft_ms is not None
    assert answered.ttft_ms is not None
    assert trace.ttft_ms == pytest.approx(answered.started_ms + answered.ttft_ms, abs=0.01)
    assert trace.gateway_ms == failed.started_ms
    timings = _timings(response)
    assert timings.keys() == {"auth", "gateway", "upstream"}
    assert 50 <= timings["upstream"] == pytest.approx(answered.ttft_ms, abs=0.1)
    assert timings["gateway"] == pytest.approx(trace.gateway_ms, abs=0.1)


async def test_a_whole_answer_after_a_fallback_has_its_total_time(
    first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    second.answers(json_answer(completion("Good day.")))
    async with cascade(first, second) as gateway:
        response = await gateway.call(chat(stream=False))
        assert outcomes(await gateway.trace()) == [("groq", "UpstreamRejected"), ("together", "ok")]
    assert _timings(response).keys() == {"auth", "gateway", "total"}


def _timings(response: httpx.Response) -> dict[str, float]:
    parts = (part.split(";dur=") for part in response.headers["server-timing"].split(", "))
    return {name: float(ms) for name, ms in parts}


async def test_if_every_target_fails_the_error_names_each(first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    second.answers(Answer([role(), End.HANG]))
    async with cascade(first, second, policy={"plan_timeout_ms": 250, "max_attempts": 2}) as gateway:
        response = await gateway.call()
        trace = await gateway.trace()
    assert response.status_code == 504
    message = response.json()["error"]["message"]
    assert "groq (127.0.0.1, gpt-4o): UpstreamRejected: answered 500: boom" in message
    assert "together (127.0.0.1, llama): FirstTokenLate: no content within" in message
    assert (trace.status, trace.ttft_ms) == (Status.TIMEOUT, None)
    assert trace.failure is not None
    assert trace.failure.message == message


async def test_a_late_target_may_still_answer_first(first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    first.answers(Answer([0.3, chunk("Hello"), finish(), DONE]))
    second.answers(Answer([role(), End.HANG]))
    async with cascade(first, second, policy={"ttft_timeout_ms": 50}) as gateway:
        assert (await gateway.call()).content == HEARD
        trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "ok"), ("together", "outpaced")]
    assert not any(attempt.is_hedge for attempt in trace.attempts)
    assert trace.attempts[1].started_ms >= 50


async def test_each_key_is_sent_to_its_own_target(first: ScriptedUpstream, second: ScriptedUpstream) -> None:
    stored = {"GROQ_API_KEY": "gsk-stored", "TOGETHER_API_KEY": "tog-stored"}
    async with cascade(first, second, environment=stored) as gateway:
        sent = []
        for headers in ({}, {"x_inference_provider_api_key": "gsk-own"}, {"x_inference_key_together": "tog-own"}):
            first.answers(json_answer({"error": {"message": "no"}}, 400))
            await gateway.call(**headers)
            await gateway.trace()
            sent.append([server.requests[-1].headers["authorization"] for server in (first, second)])
    assert sent == [
        ["Bearer gsk-stored", "Bearer tog-stored"],
        ["Bearer gsk-own", "Bearer tog-stored"],
        ["Bearer gsk-stored", "Bearer tog-own"],
    ]


async def test_a_fallback_to_an_unknown_provider_is_a_400(first: ScriptedUpstream) -> None:
    async with cascade(first) as gateway:
        for value in ("azure/gpt-4o", "groq", "nobody/model"):
            response = await gateway.call(x_inference_fallback=value)
            assert (response.status_code, response.json()["error"]["param"]) == (400, "x-inference-fallback")
            assert value.partition("/")[0] in response.json()["error"]["message"]


async def test_a_policys_fallback_without_address_or_key_is_skipped_with_a_note(
    first: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    async with cascade(first, second, policy={"max_attempts": 5}) as gateway:
        fallback = (
            FallbackTarget("azure", "gpt-4o"),
            FallbackTarget("mistral", "mistral-small"),
            FallbackTarget("together", "llama"),
        )
        gateway.store.put_policy(PROJECT, None, Policy(fallback=fallback))
        assert (await gateway.call()).content == HEARD
        trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "UpstreamRejected"), ("together", "ok")]
    assert "passed over mistral/mistral-small: no key" in trace.notes
    assert any(note.startswith("passed over a fallback: azure/gpt-4o has no address") for note in trace.notes)
