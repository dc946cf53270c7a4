import json
from typing import Any

import pytest

from gateway.domain.clock import Clock
from gateway.domain.codec import TooMuch
from gateway.providers.anthropic.row import NATIVE
from gateway.providers.anthropic.stream import MAX_COUNTERS, AnthropicReader
from gateway.providers.anthropic.usage import read_anthropic
from gateway.providers.anthropic.whole import read_message
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.relay.stream import Stream
from switchboard.domain.limits import MAX_ANSWER_NAME_CHARACTERS, MAX_TOOL_CALLS
from switchboard.domain.usage import UsageSource
from switchboard.stream.sse import Event
from switchboard.stream.transcript import Transcript

MEMORY = SignatureMemory(Clock())
NOW_S = 1_795_176_000
MESSAGE: dict[str, Any] = {
    "id": "msg_01",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-6",
    "content": [],
    "stop_reason": None,
    "usage": {"input_tokens": 12, "cache_read_input_tokens": 6000, "output_tokens": 1},
}


def event(name: str, **fields: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def start(index: int, **block: Any) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def delta(index: int, **fields: Any) -> bytes:
    return event("content_block_delta", index=index, delta=fields)


def stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


BEGIN = event("message_start", message=MESSAGE)


def end(reason: str | None = "end_turn", **usage: int) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, usage=usage) + event("message_stop")


def read_stream(wire: bytes, *, wants_usage: bool = True) -> tuple[list[Any], Stream]:
    stream = Stream(AnthropicReader(MEMORY, lambda: NOW_S), Transcript(), wants_usage, [])
    passed = stream.feed(wire) + stream.finish()
    events = [part.removeprefix(b"data: ") for part in passed.split(b"\n\n") if part]
    return [part if part == b"[DONE]" else json.loads(part) for part in events], stream


def deltas(chunks: list[Any]) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in chunks if chunk != b"[DONE]" and chunk["choices"]]


def test_text_becomes_chunks_with_one_envelope() -> None:
    wire = BEGIN + start(0, type="text", text="") + event("ping") + delta(0, type="text_delta", text="Hel")
    wire += delta(0, type="text_delta", text="lo.") + stop(0) + end(output_tokens=7)
    chunks, stream = read_stream(wire)
    assert chunks[-1] == b"[DONE]"
    assert deltas(chunks) == [{"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo."}, {}]
    for chunk in chunks[:-1]:
        envelope = (chunk["id"], chunk["object"], chunk["created"], chunk["model"])
        assert envelope == ("msg_01", "chat.completion.chunk", NOW_S, "claude-sonnet-4-6")
    assert chunks[3]["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert stream.transcript.choices[0].message()["content"] == "Hello."


def test_usage_is_sent_once_before_the_end_and_only_to_callers_that_ask() -> None:
    wire = BEGIN + start(0, type="text", text="Hello.") + stop(0) + end(input_tokens=12, output_tokens=7)
    with_usage, stream = read_stream(wire)
    usage = with_usage[-2]
    assert usage["choices"] == []
    assert usage["usage"] == {
        "prompt_tokens": 6012,
        "completion_tokens": 7,
        "total_tokens": 6019,
        "prompt_tokens_details": {"cached_tokens": 6000},
        "completion_tokens_details": {"reasoning_tokens": 0},
        "input_tokens": 12,
        "cache_read_input_tokens": 6000,
        "output_tokens": 7,
    }
    assert stream.transcript.usage == usage["usage"]
    without_usage, quiet = read_stream(wire, wants_usage=False)
    assert not any("usage" in chunk for chunk in without_usage[:-1])
    assert quiet.transcript.usage == usage["usage"]


def test_parallel_tool_calls_are_numbered_from_zero() -> None:
    wire = BEGIN + start(0, type="text", text="One moment.") + stop(0)
    wire += start(1, type="tool_use", id="toolu_1", name="look_up", input={})
    wire += delta(1, type="input_json_delta", partial_json="") + delta(1, type="input_json_delta", partial_json='{"a":')
    wire += delta(1, type="input_json_delta", partial_json=" 1}") + stop(1)
    wire += start(2, type="tool_use", id="toolu_2", name="end_call", input={}) + stop(2) + end("tool_use")
    chunks, stream = read_stream(wire)
    calls = [fields["tool_calls"][0] for fields in deltas(chunks) if "tool_calls" in fields]
    assert calls[0] == {
        "index": 0,
        "id": "toolu_1",
        "type": "function",
        "function": {"name": "look_up", "arguments": ""},
    }
    assert [call["index"] for call in calls] == [0, 0, 0, 1, 1]
    calls = [(call.name, call.arguments) for call in stream.transcript.choices[0].tool_calls]
    assert calls == [("look_up", '{"a": 1}'), ("end_call", "{}")]
    assert stream.transcript.finish_reason == "tool_calls"


def test_input_given_at_the_start_of_a_call_is_its_arguments() -> None:
    wire = BEGIN + start(0, type="tool_use", id="t", name="look_up", input={"a": 1}) + stop(0) + end("tool_use")
    assert read_stream(wire)[1].transcript.choices[0].tool_calls[0].arguments == '{"a":1}'


def test_thinking_is_reasoning_and_is_not_yet_an_answer() -> None:
    wire = BEGIN + start(0, type="thinking", thinking="", signature="")
    wire += (
        delta(0, type="thinking_delta", thinking="Hm.") + delta(0, type="signature_delta", signature="c2ln") + stop(0)
    )
    wire += start(1, type="redacted_thinking", data="c2VjcmV0") + stop(1)
    chunks, stream = read_stream(wire)
    assert deltas(chunks)[1:] == [{"reasoning_content": "Hm."}]
    assert not stream.transcript.is_useful


@pytest.mark.parametrize(
    "quiet",
    [
        event("ping"),
        b": a comment\n\n",
        event("content_block_delta", index=7, delta={"type": "citations_delta", "citation": {}}),
        event("content_block_delta", index=7, delta={"type": "input_json_delta", "partial_json": "{}"}),
        start(0, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
        event("an_event_of_tomorrow", text="Hello"),
    ],
)
def test_events_without_content_for_the_caller_send_nothing(quiet: bytes) -> None:
    assert read_stream(quiet)[0] == []


@pytest.mark.parametrize(
    ("stop_reason", "finish_reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("a_reason_of_tomorrow", "stop"),
    ],
)
def test_every_stop_reason_has_an_openai_finish_reason(stop_reason: str, finish_reason: str) -> None:
    assert read_stream(BEGIN + end(stop_reason))[1].transcript.finish_reason == finish_reason
    whole = read_message(json.dumps(MESSAGE | {"stop_reason": stop_reason}).encode(), MEMORY)
    assert whole.delta.choices[0].finish_reason == finish_reason


def test_an_error_in_mid_stream_ends_it_without_its_bytes() -> None:
    wire = (
        BEGIN
        + start(0, type="text", text="Hel")
        + event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    )
    chunks, stream = read_stream(wire + delta(0, type="text_delta", text="lo"))
    assert stream.error is not None
    assert (stream.error.message, stream.error.kind) == ("Overloaded", "overloaded_error")
    assert deltas(chunks)[-1] == {"content": "Hel"}


def test_a_stream_cut_before_its_stop_reason_records_its_prompt_tokens_only() -> None:
    chunks, stream = read_stream(BEGIN + start(0, type="text", text="Hel"))
    assert stream.transcript.usage == {"input_tokens": 12, "cache_read_input_tokens": 6000}
    assert read_anthropic(stream.transcript.usage).source is UsageSource.ESTIMATED
    assert not any("usage" in chunk for chunk in chunks)
    assert not stream.is_complete
    assert b"[DONE]" not in chunks


def test_a_stream_without_its_last_event_still_sends_usage() -> None:
    wire = (
        BEGIN
        + start(0, type="text", text="Hello.")
        + event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 7})
    )
    chunks, stream = read_stream(wire)
    assert chunks[-1] == b"[DONE]"
    assert chunks[-2]["usage"]["completion_tokens"] == 7
    assert stream.is_complete


@pytest.mark.parametrize("data", [b"no JSON", b"[]", b"[" * 40_000, b'"text"'])
def test_an_unreadable_event_is_skipped(data: bytes) -> None:
    chunks, stream = read_stream(BEGIN + b"data: " + data + b"\n\n" + start(0, type="text", text="Hello."))
    assert len(chunks) == 2
    assert stream.notes == ["skipped an event that is no JSON object"]


def test_a_whole_message_becomes_a_completion() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "text", "text": "One "},
        {"type": "text", "text": "moment."},
        {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "end_call", "input": {}},
    ]
    body = json.dumps(MESSAGE | {"content": blocks, "stop_reason": "tool_use"}).encode()
    completion = json.loads(read_message(body, MEMORY, lambda: NOW_S).raw)
    assert (completion["object"], completion["created"], completion["id"]) == ("chat.completion", NOW_S, "msg_01")
    (choice,) = completion["choices"]
    message = choice["message"]
    assert choice["finish_reason"] == "tool_calls"
    assert (message["content"], message["reasoning_content"]) == ("One moment.", "Hm.")
    assert [(call["id"], call["function"]["arguments"]) for call in message["tool_calls"]] == [
        ("toolu_1", '{"a":1}'),
        ("toolu_2", "{}"),
    ]
    assert completion["usage"]["prompt_tokens"] == 6012


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}"])
def test_a_body_that_is_not_a_message_has_an_empty_delta(body: bytes) -> None:
    whole = read_message(body, MEMORY)
    assert (whole.raw, whole.delta.is_useful, whole.delta.error) == (body, False, None)


def test_an_error_with_status_200_is_read_like_one_with_an_error_status() -> None:
    body = json.dumps({"type": "error", "error": {"type": "api_error", "message": "Broken"}}).encode()
    in_place = read_message(body, MEMORY).delta.error
    assert in_place is not None
    assert (in_place.message, in_place.kind) == ("Broken", "api_error")
    assert NATIVE.read_error(body) == in_place


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence", "tool_use"])
def test_an_answer_with_a_tool_call_ends_with_tool_calls(reason: str) -> None:
    tool = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    _, stream = read_stream(BEGIN + start(0, **tool) + stop(0) + end(reason))
    assert stream.transcript.finish_reason == "tool_calls"
    assert stream.transcript.choices[0].tool_calls[0].arguments == "{}"
    whole = json.dumps({**MESSAGE, "content": [tool], "stop_reason": reason}).encode()
    read = read_message(whole, MEMORY)
    assert json.loads(read.raw)["choices"][0]["finish_reason"] == "tool_calls"


def test_what_is_kept_of_a_message_is_bounded() -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    starts = [
        {"type": "content_block_start", "index": number, "content_block": block} for number in range(MAX_TOOL_CALLS + 9)
    ]
    usage = {f"count_{number}": number for number in range(1000)}
    message = {"type": "message_start", "message": {"id": "i" * 5000, "model": "m" * 5000, "usage": usage}}
    reader, read, refused = AnthropicReader(SignatureMemory(Clock())), 0, 0
    for fields in (message, *starts):
        try:
            read += len(list(reader.read(Event(b"", json.dumps(fields).encode()))))
        except TooMuch:
            refused += 1
    assert (read, refused) == (1 + MAX_TOOL_CALLS, 9)
    assert len(reader._chunks.completion_id) == len(reader._chunks.model) == MAX_ANSWER_NAME_CHARACTERS
    assert len(reader._usage) == MAX_COUNTERS


def test_a_whole_message_has_tool_calls_up_to_their_bound() -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    blocks = [*[block] * (MAX_TOOL_CALLS + 9), {"type": "text", "text": "Hello."}]
    answer = read_message(json.dumps(MESSAGE | {"content": blocks}).encode(), MEMORY)
    assert len(answer.delta.choices[0].tool_calls) == MAX_TOOL_CALLS
    assert answer.delta.choices[0].text == "Hello."
    assert answer.notes == (f"left out tool calls: {MAX_TOOL_CALLS} are read",)
