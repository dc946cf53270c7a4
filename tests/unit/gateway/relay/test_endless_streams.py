"""Streams of any length are passed on to their end; what is kept of them is bounded, and the trace says so."""

import json
from collections.abc import AsyncIterator

import pytest

from gateway.recording import journal
from gateway.relay import flow
from switchboard.domain.limits import MAX_CHOICES, MAX_EVENT_VALUES, MAX_TOOL_CALLS
from switchboard.domain.notes import FURTHER
from switchboard.domain.trace import Status
from switchboard.domain.usage import UsageSource
from switchboard.stream import sse, transcript
from testkit.cascade import cascade, outcomes
from testkit.openai_events import DONE, chunk, error, event, finish, role, tool_call
from testkit.running_gateway import chat
from testkit.upstream import Answer, ScriptedUpstream, Step


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


def _reasoning(text: str) -> bytes:
    return chunk(reasoning_content=text)


async def test_an_event_that_is_too_long_is_left_out_and_the_stream_goes_on(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 20_000)
    long = chunk("x" * 30_000)
    upstream.answers(
        Answer([chunk("Hel"), long[:9_000], long[9_000:25_000], long[25_000:], chunk("lo"), finish(), DONE])
    )
    async with cascade(upstream) as gateway:
        assert (await gateway.call()).content == chunk("Hel") + chunk("lo") + finish() + DONE
        trace = await gateway.trace()
    assert (trace.status, trace.notes) == (Status.OK, ("left out an event that was too large to read",))


async def test_an_event_without_an_end_is_silence(upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 20_000)
    endless: list[Step] = [b"x" * 9_000, 0.02]
    upstream.answers(Answer([chunk("Hello"), b"data: ", *endless * 100]))
    async with cascade(upstream, stall_timeout_ms="300") as gateway:
        content = (await gateway.call()).content
        trace = await gateway.trace()
    assert content.startswith(chunk("Hello"))
    assert b"stalled for 300 ms" in content
    assert outcomes(trace) == [("groq", "AnswerLate")]


async def test_a_last_event_that_is_left_out_is_noted_too(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("Hello"), finish(), b"data: x\n" * 20_000]))
    async with cascade(upstream) as gateway:
        assert (await gateway.call()).content == chunk("Hello") + finish() + DONE
        trace = await gateway.trace()
    assert "left out an event that was too large to read" in trace.notes


DENSE = {
    "an event of many values": event({"choices": [], "ids": [0] * (MAX_EVENT_VALUES + 1)}),
    "an event of many choices": event(
        {"choices": [{"index": n, "delta": {"content": "x"}} for n in range(MAX_CHOICES + 1)]}
    ),
}


@pytest.mark.parametrize("name", DENSE)
async def test_an_event_of_too_much_is_left_out(upstream: ScriptedUpstream, name: str) -> None:
    upstream.answers(Answer([chunk("Hel"), DENSE[name], chunk("lo"), finish(), DONE]))
    async with cascade(upstream) as gateway:
        assert (await gateway.call()).content == chunk("Hel") + chunk("lo") + finish() + DONE
        trace = await gateway.trace()
    assert len(trace.notes) == 1
    assert trace.notes[0].startswith("left out ")


async def test_choices_and_tool_calls_beyond_the_bounds_are_left_out(upstream: ScriptedUpstream) -> None:
    choices = [event({"choices": [{"index": n, "delta": {"content": "x"}}]}) for n in range(1, MAX_CHOICES + 10)]
    calls = [tool_call("{}", name="f", call_id=f"c{n}", index=n) for n in range(MAX_TOOL_CALLS + 10)]
    upstream.answers(Answer([chunk("Hello"), *choices, *calls, finish("tool_calls"), DONE]))
    async with cascade(upstream) as gateway:
        content = (await gateway.call(chat(n=1))).content
        trace = await gateway.trace()
    events = [json.loads(line[6:]) for line in content.decode().splitlines() if line.startswith("data: {")]
    indexes = {choice["index"] for found in events for choice in found["choices"]}
    ids = {
        call["id"]
        for found in events
        for choice in found["choices"]
        for call in choice["delta"].get("tool_calls", ())
        if "id" in call
    }
    assert (len(indexes), len(ids)) == (MAX_CHOICES, MAX_TOOL_CALLS)
    assert f"left out choices: {MAX_CHOICES} are read" in trace.notes
    assert f"left out tool calls: {MAX_TOOL_CALLS} are read" in trace.notes


async def test_very_many_finish_reasons_are_noted_up_to_a_number(upstream: ScriptedUpstream) -> None:
    reasons = [chunk("", finish_reason=f"reason {number} " + "x" * 100) for number in range(7000)]
    upstream.answers(Answer([chunk("Hello"), b"".join(reasons), DONE]))
    async with cascade(upstream) as gateway:
        assert (await gateway.call()).content.endswith(DONE)
        trace = await gateway.trace()
    assert trace.status is Status.OK
    assert len(trace.notes) <= 65
    assert trace.notes[-1] == FURTHER


async def test_reasoning_beyond_what_is_held_is_left_out(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "MAX_HELD_BYTES", 2_000)
    thoughts: list[Step] = [_reasoning("Hm. " * 20), 0.001]
    upstream.answers(Answer([role(), *thoughts * 50, chunk("Hello"), finish(), DONE]))
    async with cascade(upstream) as gateway:
        content = (await gateway.call()).content
        trace = await gateway.trace()
    assert content.startswith(role() + _reasoning("Hm. " * 20))
    assert content.endswith(chunk("Hello") + finish() + DONE)
    assert len(content) < 4_000
    assert trace.notes == ("left out reasoning: too much of it came before the first content",)
    assert trace.usage.tokens is not None
    assert trace.usage.tokens.output > 50 * 80 / 8, "all of it is counted"


async def test_what_is_not_kept_is_counted(upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    long = [chunk("Hello " * 10), finish(), DONE]
    upstream.answers(Answer([chunk("Hello " * 10)] * 50 + long))
    outputs = []
    for room in (1_000_000, 1_000):
        monkeypatch.setattr(transcript, "MAX_TRANSCRIPT_BYTES", room)
        async with cascade(upstream) as gateway:
            content = (await gateway.call()).content
            trace = await gateway.trace()
        assert content.count(b"Hello") == 51 * 10
        assert (trace.usage.source, trace.finish_reason) == (UsageSource.ESTIMATED, "stop")
        outputs.append(trace.usage.tokens and trace.usage.tokens.output)
    assert outputs[0] == outputs[1]
    assert trace.notes == ("counted what came after 16 MB, without keeping it",)


async def test_the_trace_keeps_the_beginning_of_a_very_long_answer(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MAX_KEPT_ANSWER_BYTES", 1_000)
    upstream.answers(Answer([chunk(f"word {number} ") for number in range(100)] + [finish(), DONE]))
    async with cascade(upstream) as gateway:
        content = (await gateway.call()).content
        trace = await gateway.trace()
        kept = gateway.bodies(trace).response
    assert content.endswith(DONE)
    assert kept is not None
    assert content.startswith(kept)
    assert 500 < len(kept) <= 1_000
    assert trace.notes == ("kept only the first 0 MB of the answer",)


async def test_an_error_ends_a_stream_of_any_length(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("Hello") * 300 + error("boom") + chunk("more") * 300]))
    async with cascade(upstream) as gateway:
        content = (await gateway.call()).content
    assert content.count(b"Hello") == 300
    assert b"more" not in content
