"""A streamed answer: when it counts as begun, silent or complete, and what ends it."""

import json
import re
from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.relay import flow
from switchboard.domain.trace import Status
from switchboard.domain.usage import UsageSource
from testkit.cascade import cascade, outcomes
from testkit.faults import answer_events, good
from testkit.openai_events import DONE, chunk, completion, error, event, finish, role, tool_call, usage
from testkit.running_gateway import chat
from testkit.upstream import Answer, End, ScriptedUpstream, Step, json_answer


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


HELD_TO_THE_END = {
    "its only event lacks the blank line": (Answer([chunk("Hello", finish_reason="stop").rstrip()]), "gpt-4o"),
    "thinking without a tag, to the end": (Answer([chunk("Hello"), finish().rstrip()]), "deepseek-r1-distill"),
}


@pytest.mark.parametrize(("answer", "model"), HELD_TO_THE_END.values(), ids=HELD_TO_THE_END.keys())
async def test_content_in_the_last_chunk_gets_one_end_marker(
    upstream: ScriptedUpstream, answer: Answer, model: str
) -> None:
    upstream.answers(answer)
    async with cascade(upstream) as gateway:
        content = (await gateway.call(chat(model=model))).content
        trace = await gateway.trace()
    assert content.count(b"Hello") == content.count(DONE) == 1
    assert content.endswith(b"}\n\n" + DONE)
    assert (trace.status, trace.notes) == (Status.OK, ("added the missing [DONE]",))


SHORT_MS = 300
"""A stall timeout or grace that a test waits for."""


def _choice(index: int, content: str | None = None, finish_reason: str | None = None) -> bytes:
    delta = {} if content is None else {"content": content}
    return event({"choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}]})


async def test_every_choice_must_be_finished(upstream: ScriptedUpstream) -> None:
    begun = [chunk("First."), _choice(1, "Sec"), finish()]
    upstream.answers(Answer(begun), Answer([*begun, _choice(1, finish_reason="stop")]))
    async with cascade(upstream) as gateway:
        cut = (await gateway.call(chat(n=2))).content
        assert b"upstream_cut" in cut
        assert DONE not in cut
        assert (await gateway.trace()).status is Status.TRUNCATED
        assert (await gateway.call(chat(n=2))).content.endswith(DONE)
        assert (await gateway.trace()).status is Status.OK


PINGS: list[Step] = [b": ping\n\n", chunk(""), event({"choices": [], "ping": 1}), 0.05] * 60
UNENDED: dict[str, Sequence[Step]] = {
    "silence": [End.HANG],
    "a broken connection": [0.02, End.RESET],
    "a connection closed too soon": [0.02, End.CLOSE],
    "keep-alives": PINGS,
    "its finish reason for ever": [finish(), usage(3, 2), 0.05] * 60,
    "half an event": [b'data: {"choi', End.HANG],
}


@pytest.mark.parametrize("has_usage", [True, False])
@pytest.mark.parametrize("steps", UNENDED.values(), ids=UNENDED.keys())
async def test_a_finished_answer_is_ok_whatever_its_provider_does_then(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, steps: Sequence[Step], *, has_usage: bool
) -> None:
    monkeypatch.setattr(flow, "FINISH_GRACE_MS", SHORT_MS)
    monkeypatch.setattr(flow, "USAGE_GRACE_MS", SHORT_MS)
    upstream.answers(Answer([chunk("Hello"), finish(), *([usage(3, 2)] if has_usage else []), *steps]))
    async with cascade(upstream) as gateway:
        content = (await gateway.call()).content
        trace = await gateway.trace()
    assert content.startswith(chunk("Hello") + finish())
    assert content.endswith(DONE)
    assert content.count(DONE) == 1
    assert b"error" not in content
    assert (trace.status, trace.attempts[0].outcome) == (Status.OK, "ok")
    assert "the provider did not end its answer" in trace.notes
    told = has_usage or any(step == usage(3, 2) for step in steps)
    assert trace.usage.source is (UsageSource.PROVIDER if told else UsageSource.ESTIMATED)
    assert trace.duration_ms is not None
    assert trace.duration_ms < SHORT_MS * 4


async def test_usage_is_waited_for_longer_than_an_end_marker(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "FINISH_GRACE_MS", SHORT_MS)
    upstream.answers(Answer([chunk("Hello"), finish(), SHORT_MS * 2 / 1000, usage(3, 2), 0.05, DONE]))
    async with cascade(upstream) as gateway:
        assert (await gateway.call()).content == chunk("Hello") + finish() + DONE
        trace = await gateway.trace()
    assert (trace.usage.source, trace.notes) == (UsageSource.PROVIDER, ())


async def test_the_grace_is_at_most_the_stall_timeout(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("Hello"), finish(), End.HANG]))
    async with cascade(upstream, stall_timeout_ms=str(SHORT_MS)) as gateway:
        assert (await gateway.call()).content.endswith(DONE)
        trace = await gateway.trace()
    assert trace.duration_ms is not None
    assert SHORT_MS <= trace.duration_ms < flow.USAGE_GRACE_MS


def _call_with_reason(index: int) -> bytes:
    call = {"index": index, "id": f"c{index}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    delta = {"tool_calls": [call]}
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": "tool_calls"}]})


ROLE_WITH_REASON = event({"choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": "stop"}]})
WITH_REASONS = {
    "words": (1, [chunk(word, finish_reason="stop") for word in ("One, ", "two, ", "three.")]),
    "tool calls": (1, [_call_with_reason(index) for index in range(3)]),
    "one before the first word": (1, [ROLE_WITH_REASON, chunk("One."), finish()]),
    "one choice after the other": (2, [chunk("One."), finish(), _choice(1, "Two."), _choice(1, finish_reason="stop")]),
}


@pytest.mark.parametrize("pause_after", [1, 2])
@pytest.mark.parametrize(("choices", "said"), WITH_REASONS.values(), ids=WITH_REASONS.keys())
async def test_a_finish_reason_is_not_always_the_end(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, choices: int, said: list[bytes], pause_after: int
) -> None:
    for grace in ("FINISH_GRACE_MS", "USAGE_GRACE_MS"):
        monkeypatch.setattr(flow, grace, SHORT_MS)
    pause_s = SHORT_MS * 2 / 1000
    upstream.answers(Answer([*said[:pause_after], pause_s, *said[pause_after:], DONE]))
    async with cascade(upstream) as gateway:
        content = (await gateway.call(chat(n=choices))).content
        assert "the provider did not end its answer" not in (await gateway.trace()).notes
    assert content.endswith(DONE)
    assert all(mark in content for mark in re.findall(rb"One|wo[.,]|three|c[012]", b"".join(said)))


async def test_content_with_a_finish_reason_is_cut_if_nothing_follows(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("One, ", finish_reason="stop"), 0.05, End.RESET]))
    async with cascade(upstream) as gateway:
        content = (await gateway.call()).content
        assert (await gateway.trace()).status is Status.TRUNCATED
    assert DONE not in content


@pytest.mark.parametrize("steps", [PINGS, [chunk(""), 0.05] * 60, [End.HANG]], ids=["pings", "empty deltas", "silence"])
async def test_events_without_content_do_not_end_a_stall(upstream: ScriptedUpstream, steps: Sequence[Step]) -> None:
    upstream.answers(Answer([chunk("Hello"), *steps]))
    # The call's timeout is close too, but is not what the error names.
    async with cascade(upstream, stall_timeout_ms=str(SHORT_MS), call_timeout_ms=str(SHORT_MS + 100)) as gateway:
        content = (await gateway.call()).content
        trace = await gateway.trace()
    assert content.rpartition(b"data: ")[2].count(b"the answer stalled for 300 ms") == 1
    assert trace.status is Status.TIMEOUT
    assert trace.duration_ms is not None
    assert SHORT_MS <= trace.duration_ms < SHORT_MS * 3


SAID = {
    "text": chunk("."),
    "reasoning": chunk(reasoning_content="Hm."),
    "a tool call": tool_call("{}", name="f", call_id="c1"),
    "usage": usage(3, 2),
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID.keys())
async def test_events_with_content_end_a_stall(upstream: ScriptedUpstream, said: bytes) -> None:
    pauses: list[Step] = [0.12, said] * 5
    upstream.answers(Answer([chunk("Hello"), *pauses, finish(), DONE]))
    async with cascade(upstream, stall_timeout_ms=str(SHORT_MS)) as gateway:
        assert (await gateway.call()).content.endswith(DONE)


async def test_the_error_names_the_calls_timeout_if_that_ends_the_answer(upstream: ScriptedUpstream) -> None:
    words: list[Step] = [0.05, chunk(".")] * 60
    upstream.answers(Answer([chunk("Hello"), *words]))
    async with cascade(upstream, call_timeout_ms=str(SHORT_MS)) as gateway:
        content = (await gateway.call()).content
    assert b"the answer was not complete within 300 ms" in content


WHOLE = completion("Hello")
FAULT = {"error": {"message": "the quota is over"}}
WHERE_A_STREAM_WAS_ASKED: dict[str, tuple[Answer, str, str, UsageSource]] = {
    "an error": (json_answer(FAULT), "UpstreamReported", "the quota is over", UsageSource.ABSENT),
    "an error, as Google wraps it": (json_answer([FAULT]), "UpstreamReported", "the quota is over", UsageSource.ABSENT),
    "an error of no known type": (
        Answer([json.dumps(FAULT, indent=2).encode() + b"\n\n"], headers={}),
        "UpstreamReported",
        "the quota is over",
        UsageSource.ABSENT,
    ),
    "no completion": (
        json_answer({"status": "ok", "usage": WHOLE["usage"]}),
        "EmptyCompletion",
        "answered with one JSON document where a stream was asked",
        UsageSource.PROVIDER,
    ),
    "a page": (
        Answer([b"<html>Sign in</html>"], headers={"content-type": "text/html"}),
        "UpstreamRejected",
        "answered 200: a web page: the provider URL is wrong",
        UsageSource.ABSENT,
    ),
}


@pytest.mark.parametrize(
    ("answer", "outcome", "said", "source"), WHERE_A_STREAM_WAS_ASKED.values(), ids=WHERE_A_STREAM_WAS_ASKED.keys()
)
async def test_a_document_instead_of_a_stream_fails_and_the_next_target_answers(
    upstream: ScriptedUpstream, answer: Answer, outcome: str, said: str, source: UsageSource
) -> None:
    upstream.answers(answer)
    with ScriptedUpstream(good("the second", streamed=True)) as second:
        async with cascade(upstream, second) as gateway:
            assert (await gateway.call()).content == b"".join(answer_events("the second"))
            failed = (await gateway.trace()).attempts[0]
    assert (failed.outcome, failed.error, failed.usage.source) == (outcome, said, source)


async def test_a_target_that_does_not_stream_is_not_retried(upstream: ScriptedUpstream) -> None:
    upstream.answers(json_answer({"status": "ok"}))
    async with cascade(upstream, policy={"max_attempts": 3}) as gateway:
        assert (await gateway.call()).json()["error"]["code"] == "empty_completion"
    assert len(upstream.requests) == 1


async def test_a_stream_without_content_instead_of_a_document_fails(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([role(), finish(), DONE]))
    async with cascade(upstream) as gateway:
        error = (await gateway.call(chat(stream=False))).json()["error"]
    assert error["code"] == "empty_completion"
    assert error["message"].endswith("answered with a stream where one JSON document was asked")


async def test_a_stream_under_a_wrong_type_is_a_stream(upstream: ScriptedUpstream) -> None:
    said = [role(), chunk("Hello"), finish(), DONE]
    upstream.answers(Answer(said, headers={"content-type": "application/json"}))
    async with cascade(upstream) as gateway:
        assert (await gateway.call()).content == b"".join(said)


async def test_an_error_outside_of_any_event_is_reported(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("Hello"), json.dumps(FAULT).encode()]))
    async with cascade(upstream) as gateway:
        content = (await gateway.call()).content
    said, _, told = content.partition(b'data: {"error"')
    assert said == chunk("Hello")
    assert b"the quota is over" in told


AT_ONCE = {
    "an error": (chunk("Hel") + error("overloaded"), "UpstreamReported"),
    "an end without an end": (chunk("Hel").rstrip(), "UpstreamCut"),
}


@pytest.mark.parametrize(("read", "outcome"), AT_ONCE.values(), ids=AT_ONCE.keys())
async def test_content_that_arrives_with_a_failure_is_not_sent(
    upstream: ScriptedUpstream, read: bytes, outcome: str
) -> None:
    upstream.answers(Answer([read]))
    with ScriptedUpstream(good("the second", streamed=True)) as second:
        async with cascade(upstream, second) as gateway:
            assert (await gateway.call()).content == b"".join(answer_events("the second"))
            trace = await gateway.trace()
    assert outcomes(trace) == [("groq", outcome), ("together", "ok")]
    assert trace.attempts[0].ttft_ms is None
    assert trace.attempts[0].usage.source is UsageSource.ESTIMATED
