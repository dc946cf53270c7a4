"""Zero retention: no content of a call is stored, and it is sent to allowed targets only."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.domain.clock import Clock
from switchboard.domain.policy import Policy
from switchboard.domain.trace import Bodies, Status
from switchboard.store.dynamodb import DynamoStore
from testkit.cascade import cascade, outcomes
from testkit.dynamodb import items_of
from testkit.openai_events import DONE, chunk, error, finish
from testkit.running_gateway import PROJECT, chat
from testkit.upstream import Answer, End, Framing, ScriptedUpstream, json_answer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CANARY = "canary-9c41e7"
ASKED = f"My card number is {CANARY}"
ANSWERED = f"You said {CANARY}"
HEADER = {"x_inference_zero_retention": "true"}
CONTENT = chat(
    messages=[{"role": "system", "content": CANARY}, {"role": "user", "content": ASKED}],
    user=CANARY,
    elevenlabs_extra_body={"note": CANARY, CANARY: 1},
    tools=[{"type": "function", "function": {"name": CANARY, "description": CANARY}}],
)
METADATA = {"x_inference_metadata_caller_id": CANARY, "x_inference_metadata_conversation_id": CANARY}
GOOD = Answer([chunk(ANSWERED), finish(), DONE])


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.fixture
async def other() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


ANSWERS = {
    "an answer": (GOOD, Status.OK),
    "an error that repeats the request": (json_answer({"error": {"message": ASKED}}, 400), Status.UPSTREAM_ERROR),
    "an error page": (Answer([ASKED.encode()], 503, {}, framing=Framing.LENGTH), Status.UPSTREAM_ERROR),
    "an error event first": (Answer([error(ASKED)]), Status.UPSTREAM_ERROR),
    "an error event later": (Answer([chunk(ANSWERED), error(ASKED)]), Status.UPSTREAM_ERROR),
    "a cut": (Answer([chunk(ANSWERED), End.CLOSE]), Status.TRUNCATED),
    "malformed events": (Answer([f"data: {CANARY}\n\n".encode(), chunk(ANSWERED), finish(), DONE]), Status.OK),
}


@pytest.mark.parametrize("by_policy", [False, True], ids=["header", "policy"])
@pytest.mark.parametrize(("answer", "status"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_no_content_is_stored(
    upstream: ScriptedUpstream, answer: Answer, status: Status, *, by_policy: bool
) -> None:
    upstream.answers(answer)
    async with cascade(upstream, policy={"zero_retention": by_policy}) as gateway:
        response = await gateway.call(CONTENT, **METADATA, **({} if by_policy else HEADER))
        trace = await gateway.trace()
        await gateway.log.says("call.completed")
        assert CANARY in response.text, "the caller gets every word"
        assert CANARY in upstream.requests[0].body.decode()
        assert CANARY not in gateway.everything_kept()
        assert (trace.status, trace.is_zero_retention, trace.metadata) == (status, True, {})
        assert gateway.bodies(trace) == Bodies()


async def test_without_zero_retention_the_same_content_is_stored(upstream: ScriptedUpstream) -> None:
    upstream.answers(json_answer({"error": {"message": ASKED}}, 400))
    async with cascade(upstream) as gateway:
        await gateway.call(CONTENT, **METADATA)
        trace = await gateway.trace()
        assert trace.failure is not None
        assert ASKED in trace.failure.message
        assert not trace.is_zero_retention
        assert CANARY in (gateway.bodies(trace).request or b"").decode()


async def test_no_error_text_of_any_target_is_stored(upstream: ScriptedUpstream, other: ScriptedUpstream) -> None:
    upstream.answers(json_answer({"error": {"message": ASKED}}, 500))
    other.answers(json_answer({"error": {"message": ASKED}}, 401))
    async with cascade(upstream, other) as gateway:
        response = await gateway.call(CONTENT, **METADATA, **HEADER)
        trace = await gateway.trace()
        await gateway.log.says("call.completed")
        assert response.json()["error"]["message"].count(ASKED) >= 2
        assert CANARY not in gateway.everything_kept()
    assert {attempt.error for attempt in trace.attempts} == {"answered 500", "answered 401"}
    assert trace.failure is not None
    assert "groq (127.0.0.1, gpt-4o): UpstreamRejected: answered 500;" in trace.failure.message
    assert "together (127.0.0.1, llama): UpstreamRejected: answered 401;" in trace.failure.message


async def test_no_content_of_a_refused_call_is_stored(upstream: ScriptedUpstream) -> None:
    async with cascade(upstream) as gateway:
        for body in (b'{"model": "m", "messages": "' + ASKED.encode() + b'"}', ASKED.encode()):
            assert (await gateway.call(body, **METADATA, **HEADER)).status_code == 400
            trace = await gateway.trace()
            assert (trace.status, trace.is_zero_retention) == (Status.REFUSED, True)
        assert CANARY not in gateway.everything_kept()


async def test_no_content_is_written_to_the_table(
    upstream: ScriptedUpstream, dynamodb: "DynamoDBClient", table: str
) -> None:
    upstream.answers(json_answer({"error": {"message": ASKED}}, 500))
    async with cascade(upstream) as gateway:
        await gateway.call(CONTENT, **METADATA, **HEADER)
        trace = await gateway.trace()
        bodies = gateway.bodies(trace)
    store = DynamoStore(dynamodb, table, retention=timedelta(days=1), clock=Clock().now)
    store.complete_trace(trace, bodies)
    items = items_of(dynamodb, table)
    assert items
    assert CANARY not in repr(items)


async def test_the_policy_of_a_task_applies_to_that_task_only(upstream: ScriptedUpstream) -> None:
    upstream.answers(GOOD)
    async with cascade(upstream) as gateway:
        gateway.store.put_policy(PROJECT, "clinic", Policy(zero_retention=True))
        for task_id, holds in (("clinic", True), ("shop", False)):
            await gateway.call(CONTENT, **METADATA, x_inference_task_id=task_id)
            trace = await gateway.trace()
            assert (trace.is_zero_retention, gateway.bodies(trace) == Bodies()) == (holds, holds)


async def test_a_header_cannot_turn_off_a_policys_zero_retention(upstream: ScriptedUpstream) -> None:
    upstream.answers(GOOD)
    async with cascade(upstream, policy={"zero_retention": True}) as gateway:
        await gateway.call(CONTENT, x_inference_zero_retention="false", x_inference_capture="full")
        assert gateway.bodies(await gateway.trace()) == Bodies()


async def test_retries_of_the_conversation_are_still_recognised(upstream: ScriptedUpstream) -> None:
    upstream.answers(GOOD)
    async with cascade(upstream) as gateway:
        turns = []
        for _ in range(2):
            await gateway.call(CONTENT, **METADATA, **HEADER)
            turns.append((await gateway.trace()).turn)
        assert CANARY not in gateway.everything_kept()
    first, again = turns
    assert first is not None
    assert again is not None
    assert (first.turn_id, first.retry) == (again.turn_id, 0)


async def test_targets_that_are_not_allowed_are_left_out(upstream: ScriptedUpstream, other: ScriptedUpstream) -> None:
    upstream.answers(GOOD)
    other.answers(GOOD)
    async with cascade(upstream, other, policy={"allowed_targets": ["together/llama"]}) as gateway:
        await gateway.call(CONTENT, **HEADER)
        trace = await gateway.trace()
        assert outcomes(trace) == [("together", "ok")]
        assert "passed over groq/gpt-4o: not allowed under zero retention" in trace.notes
        assert upstream.requests == []
        await gateway.call(CONTENT)
        assert outcomes(await gateway.trace()) == [("groq", "ok")]


async def test_a_call_without_an_allowed_target_is_refused(upstream: ScriptedUpstream) -> None:
    upstream.answers(GOOD)
    async with cascade(upstream, policy={"zero_retention": True, "allowed_targets": ["openai"]}) as gateway:
        for headers in ({}, {"x_inference_provider_url": upstream.base_url, "x_inference_provider": "openai"}):
            response = await gateway.call(CONTENT, **METADATA, **headers)
            assert (response.status_code, response.json()["error"]["code"]) == (403, "no_target_allowed")
            trace = await gateway.trace()
            assert trace.status is Status.REFUSED
            assert trace.failure is not None
            assert trace.failure.code == "no_target_allowed"
        assert upstream.requests == []
        assert CANARY not in gateway.everything_kept()
