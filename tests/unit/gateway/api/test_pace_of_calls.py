"""The fields that describe an answer's pace and its prompt, for each way in which a call ends."""

from collections.abc import AsyncIterator

import pytest

from switchboard.domain.trace import Status, Trace
from testkit.cascade import call_by_socket, cascade
from testkit.openai_events import DONE, chunk, completion, error, finish, role
from testkit.running_gateway import RunningGateway, chat
from testkit.upstream import EVENT_STREAM, Answer, End, ScriptedUpstream, Step, json_answer

PAUSE_S = 0.08
PAUSE_MS = 70
WORDS: list[Step] = [chunk("Hello. "), PAUSE_S, chunk("How are"), chunk(" you?"), finish(), DONE]
ASKED = chat(messages=[{"role": "system", "content": "You are Anna."}, {"role": "user", "content": "A table?"}])
TOLD = {**EVENT_STREAM, "x-request-id": "req_1"}


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream(Answer(WORDS, headers=TOLD)) as scripted:
        yield scripted


@pytest.fixture
async def gateway(upstream: ScriptedUpstream) -> AsyncIterator[RunningGateway]:
    async with cascade(upstream) as running:
        yield running


def assert_told(trace: Trace, provider_id: str | None = "req_1") -> None:
    """What every call has whose prompt was read."""
    assert (trace.prompt_characters, trace.excerpt) == (13, "A table?")
    assert trace.prompt_version is not None
    assert trace.request_ids.provider == provider_id


async def test_a_streamed_answer(gateway: RunningGateway) -> None:
    trace = await gateway.trace_of(await gateway.call(ASKED))
    assert_told(trace)
    assert trace.ttft_ms is not None
    assert trace.first_sentence_ms is not None
    assert trace.longest_stall_ms is not None
    assert trace.duration_ms is not None
    assert trace.ttft_ms <= trace.first_sentence_ms <= trace.duration_ms - PAUSE_MS
    assert PAUSE_MS <= trace.longest_stall_ms <= trace.duration_ms


async def test_an_answer_that_is_not_streamed_has_no_pace(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(json_answer(completion("Hello. How are you?"), headers={"request-id": "req_2"}))
    trace = await gateway.trace_of(await gateway.call(ASKED | {"stream": False}))
    assert_told(trace, "req_2")
    assert (trace.status, trace.first_sentence_ms, trace.longest_stall_ms) == (Status.OK, None, None)


async def test_a_document_in_place_of_a_stream_is_one_part(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(json_answer(completion("Hello. How are you?")))
    trace = await gateway.trace_of(await gateway.call(ASKED))
    assert_told(trace, None)
    assert trace.first_sentence_ms is not None
    assert trace.longest_stall_ms is None


BREAKS = [(error("overloaded"), Status.UPSTREAM_ERROR), (End.CLOSE, Status.TRUNCATED)]


@pytest.mark.parametrize(("last", "status"), BREAKS, ids=["error", "cut"])
async def test_an_answer_that_breaks_in_its_first_sentence(
    gateway: RunningGateway, upstream: ScriptedUpstream, last: bytes | End, status: Status
) -> None:
    upstream.answers(Answer([chunk("Hello"), PAUSE_S, last], headers=TOLD))
    trace = await gateway.trace_of(await gateway.call(ASKED))
    assert_told(trace)
    assert (trace.status, trace.first_sentence_ms) == (status, None)
    assert trace.longest_stall_ms is not None
    assert trace.longest_stall_ms >= PAUSE_MS


async def test_an_answer_that_stalls(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("Hello. "), chunk("I"), End.HANG], headers=TOLD))
    async with cascade(upstream, stall_timeout_ms="1000") as gateway:
        trace = await gateway.trace_of(await gateway.call(ASKED))
    assert_told(trace)
    assert trace.first_sentence_ms is not None
    assert trace.longest_stall_ms is not None
    assert trace.longest_stall_ms >= 900


async def test_a_caller_that_leaves(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([chunk("Hello. "), End.HANG], headers=TOLD))
    reader, writer = await call_by_socket(gateway)
    await reader.readuntil(b"Hello. ")
    writer.close()
    trace = await gateway.trace()
    assert (trace.status, trace.request_ids.provider) == (Status.CLIENT_CLOSED, "req_1")
    assert trace.first_sentence_ms is not None
    assert (trace.longest_stall_ms, trace.excerpt) == (None, "Hello?")


async def test_the_pace_is_that_of_the_hedge_that_won(upstream: ScriptedUpstream) -> None:
    slow = Answer([role(), End.HANG], headers={**EVENT_STREAM, "x-request-id": "req_slow"})
    with ScriptedUpstream(slow) as first:
        hedged = {"hedge_after_ms": 40, "ttft_timeout_ms": 5000}
        async with cascade(first, upstream, policy=hedged, hedge_budget_percent="100") as gateway:
            trace = await gateway.trace_of(await gateway.call(ASKED))
    assert_told(trace)
    assert trace.attempts[1].is_hedge
    assert trace.ttft_ms is not None
    assert trace.first_sentence_ms is not None
    assert trace.first_sentence_ms >= trace.ttft_ms >= 40
    assert trace.longest_stall_ms is not None


async def test_buffer_words_are_no_part_of_the_answer(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([role(), 0.2, *WORDS], headers=TOLD))
    policy = {"buffer_words": {"text": "One moment", "after_ms": 60}, "ttft_timeout_ms": 5000}
    async with cascade(upstream, policy=policy) as gateway:
        trace = await gateway.trace_of(await gateway.call(ASKED))
    assert_told(trace)
    assert trace.buffered_ms is not None
    assert trace.ttft_ms is not None
    assert trace.first_sentence_ms is not None
    assert trace.first_sentence_ms >= trace.ttft_ms > trace.buffered_ms
    assert trace.longest_stall_ms is not None
    assert trace.longest_stall_ms < trace.ttft_ms - trace.buffered_ms


async def test_a_call_that_every_target_refused(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(json_answer({"error": {"message": "no"}}, 400, {"x-request-id": "req_3"}))
    trace = await gateway.trace_of(await gateway.call(ASKED))
    assert_told(trace, "req_3")
    assert trace.status is Status.UPSTREAM_ERROR
    assert (trace.first_sentence_ms, trace.longest_stall_ms) == (None, None)


async def test_a_request_that_became_no_call_has_none_of_them(gateway: RunningGateway) -> None:
    trace = await gateway.trace_of(await gateway.call({"model": 7}))
    assert (trace.status, trace.excerpt, trace.prompt_characters) == (Status.REFUSED, None, None)
    assert (trace.first_sentence_ms, trace.longest_stall_ms, trace.prompt_version) == (None, None, None)


async def test_an_empty_answer_has_no_sentence(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([role(), finish("length"), DONE], headers=TOLD))
    trace = await gateway.trace_of(await gateway.call(ASKED))
    assert_told(trace)
    assert (trace.status, trace.first_sentence_ms, trace.longest_stall_ms) == (Status.EMPTY, None, None)


async def test_below_full_there_is_no_excerpt(gateway: RunningGateway) -> None:
    response = await gateway.call(ASKED, x_inference_capture="metadata")
    trace = await gateway.trace_of(response)
    assert (trace.excerpt, trace.prompt_characters) == (None, 13)
    assert trace.prompt_version is not None
    hidden = await gateway.trace_of(await gateway.call(ASKED, x_inference_zero_retention="true"))
    assert (hidden.excerpt, hidden.prompt_version, hidden.prompt_characters) == (None, None, 13)
