"""Answers that are no failure though they look like one: of the other kind, without words, with late usage, 201."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from gateway.relay.stream import LATE_ERROR
from switchboard.domain.trace import Status
from switchboard.domain.usage import Tokens, UsageSource
from switchboard.stream.transcript import assemble
from testkit.cascade import cascade, outcomes
from testkit.faults import answer_events, good
from testkit.openai_events import DONE, chunk, completion, event, finish, role, tool_call, usage, usage_object
from testkit.running_gateway import chat
from testkit.upstream import Answer, End, ScriptedUpstream, Step, json_answer

THREE = {"max_attempts": 3}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.mark.parametrize("status", [200, 201, 202, 203, 226])
@pytest.mark.parametrize("streamed", [True, False])
async def test_every_status_of_success_has_an_answer(
    upstream: ScriptedUpstream, status: int, *, streamed: bool
) -> None:
    whole = json_answer(completion("Hello"), status)
    upstream.answers(Answer([role(), chunk("Hello"), finish(), DONE], status=status) if streamed else whole)
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat(stream=streamed))
        trace = await gateway.trace()
    assert (response.status_code, trace.status, trace.attempts[0].status) == (200, Status.OK, status)


WHOLE: dict[str, dict[str, Any]] = {
    "text": completion("Hello"),
    "a tool call": completion(None, finish_reason="tool_calls", tool_calls=[CALL]),
    "reasoning": completion("Hello", reasoning_content="Hm."),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("wants_usage", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
async def test_a_completion_where_a_stream_was_asked_is_sent_as_events(
    upstream: ScriptedUpstream, name: str, indent: int | None, *, wants_usage: bool
) -> None:
    body = json.dumps(WHOLE[name], indent=indent).encode()
    upstream.answers(Answer([body[:20], 0.01, body[20:]], headers={"content-type": "application/json"}))
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat(stream_options={"include_usage": wants_usage}))
        trace = await gateway.trace()
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.content.endswith(DONE)
    heard = assemble(response.content)
    told = WHOLE[name]["choices"][0]
    assert {key: value for key, value in heard.choices[0].message().items() if value} == {
        key: value for key, value in told["message"].items() if value
    }
    assert heard.finish_reason == told["finish_reason"]
    assert (heard.usage is not None) is wants_usage
    assert (trace.status, trace.usage.tokens) == (Status.OK, Tokens(3, 2))
    assert "the provider answered with one JSON document: sent as a stream" in trace.notes
    assert trace.ttft_ms is not None


STREAMED: dict[str, tuple[list[bytes], dict[str, Any], str]] = {
    "text": (
        [b": hello\n\n", role(), chunk("Hel"), chunk("lo"), finish(), usage(3, 2), DONE],
        {"content": "Hello"},
        "stop",
    ),
    "tool calls": (
        [tool_call("", name="f", call_id="c1"), tool_call("{}"), finish("tool_calls"), usage(3, 2), DONE],
        {"content": None, "tool_calls": [CALL]},
        "tool_calls",
    ),
    "no end marker": ([chunk("Hello", finish_reason="stop"), usage(3, 2)], {"content": "Hello"}, "stop"),
}


@pytest.mark.parametrize("name", STREAMED)
async def test_a_stream_where_a_document_was_asked_is_sent_as_a_document(upstream: ScriptedUpstream, name: str) -> None:
    steps, message, reason = STREAMED[name]
    upstream.answers(Answer(steps))
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat(stream=False))
        trace = await gateway.trace()
    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert body["choices"] == [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}]
    assert (body["object"], body["usage"]) == ("chat.completion", usage_object(3, 2))
    assert (trace.status, trace.usage.tokens) == (Status.OK, Tokens(3, 2))
    assert "the provider answered with a stream: sent as one JSON document" in trace.notes


async def test_a_cut_stream_where_a_document_was_asked_is_a_cut_answer(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([role(), chunk("Hel")]))
    async with cascade(upstream) as gateway:
        assert (await gateway.call(chat(stream=False))).json()["error"]["code"] == "upstream_cut"


THOUGHT = [role(), chunk(reasoning_content="Hm.")]
FILTERED = {"choices": [{"index": 0, "finish_reason": "content_filter", "content_filter_results": {}}]}
UNSPOKEN: dict[str, tuple[Answer, bool, str]] = {
    "length": (Answer([*THOUGHT, finish("length"), usage(3, 16), DONE]), True, "length"),
    "length, whole": (
        json_answer(completion(None, reasoning_content="Hm.", finish_reason="length")),
        False,
        "length",
    ),
    "an open block": (Answer([role(), chunk("<think>Hm."), finish("length"), DONE]), True, "length"),
    "an open block, whole": (json_answer(completion("<think>Hm.", finish_reason="length")), False, "length"),
    "a filter": (Answer([role(), finish("content_filter"), DONE]), True, "content_filter"),
    "a filter without a message": (json_answer(FILTERED), False, "content_filter"),
    "a filter of another name": (Answer([role(), finish("SAFETY"), DONE]), True, "content_filter"),
    "no end marker": (Answer([*THOUGHT, finish("length")]), True, "length"),
    "a document": (json_answer(completion(None, reasoning_content="Hm.", finish_reason="length")), True, "length"),
}


@pytest.mark.parametrize("name", UNSPOKEN)
async def test_an_answer_without_words_by_its_limit_is_passed_on_where_no_other_target_is_left(
    upstream: ScriptedUpstream, name: str
) -> None:
    answer, streamed, reason = UNSPOKEN[name]
    upstream.answers(answer)
    async with cascade(upstream, policy=THREE) as gateway:
        for _ in range(4):  # it does not count against the target
            response = await gateway.call(chat(stream=streamed))
            trace = await gateway.trace()
    assert response.status_code == 200
    assert len(upstream.requests) == 4
    assert (trace.status, trace.finish_reason, trace.failure, trace.is_error) == (Status.EMPTY, reason, None, False)
    assert outcomes(trace) == [("groq", "EmptyCompletion")]
    assert trace.usage.tokens is not None
    if streamed:
        heard = assemble(response.content)
        assert (response.content.endswith(DONE), heard.finish_reason) == (True, reason)
        assert "error" not in response.text
        message = heard.choices[0].message()
    else:
        choice = response.json()["choices"][0]
        message = choice["message"]
        assert (choice["finish_reason"], message["role"]) == (reason, "assistant")
    assert message.get("reasoning_content") == (None if reason == "content_filter" else "Hm.")


@pytest.mark.parametrize("streamed", [True, False])
async def test_the_next_target_answers_where_one_had_no_words_by_its_limit(
    upstream: ScriptedUpstream, *, streamed: bool
) -> None:
    upstream.answers(UNSPOKEN["length" if streamed else "length, whole"][0])
    with ScriptedUpstream(good("the second", streamed=streamed)) as second:
        async with cascade(upstream, second) as gateway:
            response = await gateway.call(chat(stream=streamed))
            trace = await gateway.trace()
    assert outcomes(trace) == [("groq", "EmptyCompletion"), ("together", "ok")]
    assert trace.status is Status.OK
    if streamed:
        assert response.content == b"".join(answer_events("the second"))


async def test_an_answer_without_words_is_passed_on_where_the_other_targets_fail(upstream: ScriptedUpstream) -> None:
    upstream.answers(UNSPOKEN["length"][0])
    with ScriptedUpstream(json_answer({"error": {"message": "boom"}}, 400)) as second:
        async with cascade(upstream, second) as gateway:
            response = await gateway.call()
            trace = await gateway.trace()
    assert (response.status_code, trace.status, trace.model) == (200, Status.EMPTY, trace.attempts[0].model)
    assert outcomes(trace) == [("groq", "EmptyCompletion"), ("together", "UpstreamRejected")]


FAULTS: list[dict[str, Any]] = [
    {"message": "too long", "code": "CONTEXT_LENGTH_EXCEEDED"},
    {"message": "too long", "code": "context_length_exceeded", "type": "invalid_request_error"},
    {"message": "wrong", "type": "invalid_request_error", "code": None},
    {"message": "wrong", "code": 400},
    {"message": "filtered", "code": "content_filter"},
]


@pytest.mark.parametrize("error", FAULTS, ids=json.dumps)
@pytest.mark.parametrize("streamed", [True, False])
async def test_an_error_of_the_request_inside_an_answer_is_not_repeated(
    upstream: ScriptedUpstream, error: dict[str, Any], *, streamed: bool
) -> None:
    upstream.answers(Answer([event({"error": error}), DONE]) if streamed else json_answer({"error": error}))
    async with cascade(upstream, policy=THREE) as gateway:
        response = await gateway.call(chat(stream=streamed))
    assert response.json()["error"]["code"] == "upstream_reported"
    assert len(upstream.requests) == 1


async def test_an_error_of_the_provider_inside_an_answer_is_repeated(upstream: ScriptedUpstream) -> None:
    upstream.answers(Answer([event({"error": {"message": "busy", "code": 503}})]))
    async with cascade(upstream, policy=THREE) as gateway:
        await gateway.call()
    assert len(upstream.requests) == 3


IN_A_CHOICE = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage_object(3, 2)}]})
LATE: dict[str, Sequence[Step]] = {
    "in the same read": [chunk("Hello") + finish() + DONE + usage(3, 2)],
    "in another read": [chunk("Hello"), finish(), DONE, 0.05, usage(3, 2)],
    "before a silence": [chunk("Hello"), finish(), DONE, usage(3, 2), End.HANG],
    "without a blank line": [chunk("Hello"), finish(), DONE, 0.05, usage(3, 2).rstrip()],
    "in a choice": [chunk("Hello"), IN_A_CHOICE, DONE],
}


@pytest.mark.parametrize("name", LATE)
@pytest.mark.parametrize("wants_usage", [True, False])
async def test_usage_is_counted_wherever_it_comes(upstream: ScriptedUpstream, name: str, *, wants_usage: bool) -> None:
    upstream.answers(Answer(LATE[name]))
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat(stream_options={"include_usage": wants_usage}))
        trace = await gateway.trace()
    assert (trace.status, trace.usage.source, trace.usage.tokens) == (Status.OK, UsageSource.PROVIDER, Tokens(3, 2))
    assert response.content.endswith(DONE)
    assert response.content.count(DONE) == 1
    assert (b'"usage":{' in response.content.replace(b'"finish_reason":"stop","usage"', b"")) is wants_usage


@pytest.mark.parametrize("wants_usage", [True, False])
async def test_an_end_marker_is_not_waited_on_for_long(upstream: ScriptedUpstream, *, wants_usage: bool) -> None:
    upstream.answers(Answer([chunk("Hello"), finish(), DONE, End.HANG]))
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat(stream_options={"include_usage": wants_usage}))
        trace = await gateway.trace()
    assert response.content == chunk("Hello") + finish() + DONE
    assert (trace.status, trace.usage.source, trace.notes) == (Status.OK, UsageSource.ESTIMATED, ())
    assert trace.duration_ms is not None
    assert trace.duration_ms < (2000 if wants_usage else 900)


DATA = "data:image/png;base64," + "A" * 1_000_000
MEDIA: dict[str, dict[str, Any]] = {
    "an image": {"type": "image_url", "image_url": {"url": DATA}},
    "audio": {"type": "input_audio", "input_audio": {"data": "A" * 1_000_000, "format": "wav"}},
    "a file": {"type": "file", "file": {"file_data": DATA}},
    "a part of an unknown type": {"type": "hologram", "hologram": DATA},
}


@pytest.mark.parametrize("name", MEDIA)
@pytest.mark.parametrize("streamed", [True, False])
async def test_images_and_files_are_no_part_of_an_estimate(
    upstream: ScriptedUpstream, name: str, *, streamed: bool
) -> None:
    answer = completion("Hi")
    del answer["usage"]
    upstream.answers(Answer([chunk("Hi"), finish(), DONE]) if streamed else json_answer(answer))
    content = [{"type": "text", "text": "x" * 40}, MEDIA[name]]
    async with cascade(upstream) as gateway:
        body = chat(stream=streamed, messages=[{"role": "user", "content": content}])
        await gateway.call(body, x_inference_provider_url=upstream.base_url)  # a server that takes any part
        trace = await gateway.trace()
        assert (trace.usage.source, trace.usage.tokens) == (UsageSource.ESTIMATED, Tokens(10, 1))
        assert "images, audio and files are not in the estimate" in trace.notes
        await gateway.call(chat(stream=streamed))
        assert "images, audio and files are not in the estimate" not in (await gateway.trace()).notes


LATE_ERRORS = {
    "an error": event({"error": {"message": "late", "code": 503}}),
    "an event that is named so": b"event: error\ndata: late\n\n",
    "an error outside of events": b'{"error": {"message": "late"}}\n\n',
    "an error in a choice": event({"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]}),
}


@pytest.mark.parametrize("name", LATE_ERRORS)
@pytest.mark.parametrize("wants_usage", [True, False])
async def test_an_error_after_a_complete_answer_is_noted_alone(
    upstream: ScriptedUpstream, name: str, *, wants_usage: bool
) -> None:
    upstream.answers(Answer([role(), chunk("Hello"), finish(), usage(3, 2), LATE_ERRORS[name], End.HANG]))
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat(stream_options={"include_usage": wants_usage}))
        trace = await gateway.trace()
    counted = usage(3, 2) if wants_usage else b""
    assert response.content == role() + chunk("Hello") + finish() + counted + DONE
    assert (trace.status, trace.finish_reason, trace.usage.tokens) == (Status.OK, "stop", Tokens(3, 2))
    assert LATE_ERROR in trace.notes


@pytest.mark.parametrize("name", LATE_ERRORS)
async def test_an_error_before_every_choice_has_ended_is_told(upstream: ScriptedUpstream, name: str) -> None:
    upstream.answers(Answer([role(), chunk("Hello"), finish(), LATE_ERRORS[name], End.HANG]))
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat(n=2))
        trace = await gateway.trace()
    assert b'"upstream_reported"' in response.content
    assert trace.status is Status.UPSTREAM_ERROR


async def test_an_error_after_an_end_without_words_is_told(upstream: ScriptedUpstream) -> None:
    thought = chunk(reasoning_content="Hm.")
    upstream.answers(Answer([role(), thought, finish("length"), LATE_ERRORS["an error"], End.HANG]))
    async with cascade(upstream) as gateway:
        response = await gateway.call(chat())
    assert (response.status_code, "late" in response.json()["error"]["message"]) == (502, True)
