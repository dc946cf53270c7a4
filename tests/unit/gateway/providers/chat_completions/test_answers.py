"""Streamed and whole chat completions: complete ones pass unchanged, others are repaired for strict clients."""

import json
from itertools import pairwise
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from gateway.providers import table
from gateway.providers.rows.generic import GENERIC
from gateway.relay.stream import Stream
from switchboard.stream.transcript import Transcript
from testkit.openai_events import (
    COMPLETION_ID,
    CREATED_S,
    DONE,
    MODEL,
    chunk,
    completion,
    event,
    finish,
    role,
    tool_call,
    usage,
    usage_object,
)
from testkit.read_answers import ANSWER_ID, ASKED_AT_S, StreamedAnswer, bare, context, whole

CHAT_DIALECTS = [row for row in table.PROVIDERS if row.reader_class is None]
CLEAN = {
    "text": role() + chunk("Hel") + chunk("lo <think> there") + finish() + usage(3, 2) + DONE,
    "tools": role()
    + tool_call("", name="look_up", call_id="c1")
    + tool_call('{"a":1}')
    + tool_call("{}", name="end_call", call_id="c2", index=1)
    + finish("tool_calls")
    + DONE,
    "reasoning": chunk(reasoning_content="Hm.") + chunk("Yes.") + finish("length") + DONE,
    "comments": b": keep-alive\n\n" + chunk("Yes.") + b": OPENROUTER PROCESSING\n\n" + finish("content_filter") + DONE,
    "carriage returns": (chunk("Yes.") + finish() + DONE).replace(b"\n", b"\r\n"),
    "the older way to call a tool": chunk(function_call={"name": "f", "arguments": "{}"})
    + finish("function_call")
    + DONE,
    "extensions": chunk("Yes.", reasoning=None, annotations=[]) + finish() + DONE,
}


@pytest.mark.parametrize("row", CHAT_DIALECTS, ids=lambda row: row.dialect)
@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_stream_is_passed_on_byte_for_byte(row: Any, name: str) -> None:
    answer = StreamedAnswer(CLEAN[name], row.dialect, wants_usage=True)
    assert answer.raw == CLEAN[name]
    assert answer.notes == []


@pytest.mark.parametrize("row", CHAT_DIALECTS, ids=lambda row: row.dialect)
def test_a_clean_completion_is_passed_on_byte_for_byte(row: Any) -> None:
    body = json.dumps(completion("Grüß Gott."), indent=1).encode()
    assert row.read_answer(body, context()).raw == body


def test_missing_fields_of_chunks_are_added_and_constant() -> None:
    answer = StreamedAnswer(
        event({"choices": [{"delta": {"content": "a"}}]}) + chunk("b") + bare({"delta": {"content": "c"}})
    )
    first, second, third = answer.chunks
    assert (first["id"], first["model"]) == (f"chatcmpl-{ANSWER_ID}", "requested-model")
    assert (first["created"], first["object"]) == (ASKED_AT_S, "chat.completion.chunk")
    assert first["choices"] == [{"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None}]
    assert "role" not in third["choices"][0]["delta"]
    envelope = {"id": COMPLETION_ID, "model": MODEL, "created": CREATED_S, "object": "chat.completion.chunk"}
    assert {name: second[name] for name in envelope} == envelope
    assert {name: third[name] for name in envelope} == envelope
    assert answer.content == "abc"


@pytest.mark.parametrize("filler", [{"id": ""}, {"created": 0}, {"model": None}, {"object": ""}])
def test_empty_fields_count_as_missing(filler: dict[str, Any]) -> None:
    body = json.loads(chunk("a").removeprefix(b"data: ")) | filler
    name = next(iter(filler))
    assert StreamedAnswer(event(body)).chunks[0][name]


def test_chunks_without_choices_are_not_sent() -> None:
    filters = event({"id": "", "created": 0, "model": "", "object": "", "choices": [], "prompt_filter_results": [{}]})
    ping = b"event: ping\ndata: {}\n\n"
    assert StreamedAnswer(filters + ping + CLEAN["text"], "azure").raw == CLEAN["text"].replace(usage(3, 2), b"")


def test_a_missing_or_null_delta_is_empty() -> None:
    answer = StreamedAnswer(
        chunk("a") + bare({"index": 0, "finish_reason": "stop"}) + bare({"index": 0, "delta": None}) + DONE
    )
    assert answer.content == "a"
    assert answer.transcript.finish_reason == "stop"


def test_content_in_parts_becomes_text_and_reasoning() -> None:
    tagged = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}, {"type": "text", "text": " So."}]}
    parts = [tagged, {"type": "text", "text": "Ye"}, {"type": "text", "text": "s."}]
    answer = StreamedAnswer(bare({"index": 0, "delta": {"content": parts}}) + finish() + DONE, "mistral")
    assert (answer.reasoning, answer.content) == ("Hm. So.", "Yes.")
    read = whole({"content": parts}, "mistral")
    message = json.loads(read.raw)["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("Hm. So.", "Yes.")


@pytest.mark.parametrize("provider", ["groq", "cerebras", "openrouter", "together"])
def test_reasoning_under_another_name_is_renamed(provider: str) -> None:
    answer = StreamedAnswer(chunk("", reasoning="Hm.") + chunk("Yes.") + finish() + DONE, provider)
    assert (answer.reasoning, answer.content) == ("Hm.", "Yes.")
    assert not any("reasoning" in delta for delta in answer.deltas)
    message = json.loads(whole({"content": "Yes.", "reasoning": "Hm."}, provider).raw)["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}


def test_reasoning_under_both_names_is_sent_once() -> None:
    answer = StreamedAnswer(chunk("", reasoning="Hm.", reasoning_content="Hm.") + chunk("Yes.") + finish())
    assert answer.reasoning == "Hm."


@pytest.mark.parametrize("provider", ["cloudflare", "groq", "together", "fireworks", "bedrock", "generic"])
@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_tagged_reasoning_is_moved_out_of_the_content(provider: str, size: int) -> None:
    text = "<think>\nThe caller\nsays hello.\n</think>\n\nHello <b>there</b>."
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    answer = StreamedAnswer(role() + b"".join(map(chunk, pieces)) + finish() + DONE, provider)
    assert answer.content == "Hello <b>there</b>."
    assert answer.reasoning == "\nThe caller\nsays hello.\n"
    assert answer.notes == ["moved reasoning out of the content"]
    assert answer.raw.endswith(finish() + DONE)


def test_tags_pass_for_providers_without_tagged_reasoning() -> None:
    stream = chunk("<think>") + chunk("is a tag.") + finish() + DONE
    assert StreamedAnswer(stream, "openai").raw == stream


def test_reasoning_is_not_a_first_token() -> None:
    thought = role() + chunk("<think>Hm.") + chunk("</think>\n\n")
    assert not StreamedAnswer(thought).transcript.is_useful
    assert StreamedAnswer(thought + chunk("Yes.")).transcript.is_useful


def test_an_unclosed_block_gives_no_content() -> None:
    answer = StreamedAnswer(chunk("<think>Hm, hm") + finish("length") + DONE)
    assert (answer.reasoning, answer.content, answer.transcript.is_useful) == ("Hm, hm", "", False)


@pytest.mark.parametrize("ending", [finish() + DONE, DONE])
def test_the_beginning_of_a_tag_is_sent_at_the_end(ending: bytes) -> None:
    answer = StreamedAnswer(chunk("<thin") + ending)
    assert answer.content == "<thin"
    assert answer.raw.endswith(DONE)


def test_content_is_held_until_the_closing_tag_if_the_template_opens_the_block() -> None:
    model = "@cf/deepseek-ai/deepseek-r1-distill-qwen-32b"
    tagged = role() + chunk("Okay, the caller ") + chunk("says hello.</thi")
    answer = StreamedAnswer(tagged + chunk("nk>\n\nHello.") + finish() + DONE, "cloudflare", model)
    assert (answer.reasoning, answer.content) == ("Okay, the caller says hello.", "Hello.")
    assert not StreamedAnswer(tagged, "cloudflare", model).transcript.is_useful
    assert StreamedAnswer(chunk("Hello.") + finish() + DONE, "cloudflare", model).content == "Hello."


def test_a_tool_call_after_reasoning_is_passed_on() -> None:
    answer = StreamedAnswer(
        chunk("<think>Hm.") + tool_call("{}", name="end_call", call_id="c1") + finish("tool_calls") + DONE
    )
    assert (answer.reasoning, answer.content) == ("Hm.", "")
    assert [call["id"] for call in answer.calls] == ["c1"]


def test_parallel_calls_one_a_chunk_without_indexes_are_numbered() -> None:
    calls = [{"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in (1, 2)]
    answer = StreamedAnswer(b"".join(chunk(tool_calls=[call]) for call in calls) + finish("tool_calls"), "google")
    assert [(call["index"], call["id"]) for call in answer.calls] == [(0, "c1"), (1, "c2")]
    assert len(answer.transcript.choices[0].tool_calls) == 2


def test_parallel_calls_under_one_index_are_numbered_with_their_parts() -> None:
    first, second = (tool_call("{", name="f", call_id=f"c{n}") for n in (1, 2))
    answer = StreamedAnswer(first + tool_call("}") + second + tool_call("}") + finish("tool_calls"))
    assert [call["index"] for call in answer.calls] == [0, 0, 1, 1]
    assert [call.arguments for call in answer.transcript.choices[0].tool_calls] == ["{}", "{}"]


def test_calls_without_an_id_get_one() -> None:
    call = {"function": {"name": "f", "arguments": "{}"}}
    answer = StreamedAnswer(chunk(tool_calls=[call]) + chunk(tool_calls=[call]) + finish("tool_calls") + DONE, "google")
    ids = [made["id"] for made in answer.calls]
    assert len(set(ids)) == 2
    assert all(made.startswith("call_") and len(made) <= 40 for made in ids)
    assert all(made["type"] == "function" for made in answer.calls)
    message = json.loads(whole({"tool_calls": [call, call]}).raw)["choices"][0]["message"]
    assert [made["id"] for made in message["tool_calls"]] == ids
    assert all("index" not in made for made in message["tool_calls"])


@pytest.mark.parametrize(("arguments", "text"), [({"a": 1}, '{"a":1}'), (None, ""), ([], "[]")])
def test_arguments_become_json_text(arguments: object, text: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    assert StreamedAnswer(chunk(tool_calls=[call])).calls[0]["function"]["arguments"] == text
    ChatCompletion.model_validate_json(whole({"tool_calls": [call]}).raw)


@pytest.mark.parametrize(
    ("reason", "known"),
    [
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("STOP", "stop"),
        ("MALFORMED_FUNCTION_CALL", "stop"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("tool_use", "tool_calls"),
        ("SAFETY", "content_filter"),
        ("guardrail_intervened", "content_filter"),
    ],
)
def test_finish_reasons_unknown_to_strict_clients_are_translated(reason: str, known: str) -> None:
    answer = StreamedAnswer(chunk("a") + finish(reason) + DONE)
    assert answer.transcript.finish_reason == known
    assert answer.notes == [f"finish reason {reason!r} became {known!r}"]
    read = whole({"content": "a"}, finish_reason=reason)
    assert json.loads(read.raw)["choices"][0]["finish_reason"] == known
    assert read.notes == (f"finish reason {reason!r} became {known!r}",)


@pytest.mark.parametrize(
    ("event_data", "error_text", "code"),
    [
        ({"error": {"message": "overloaded", "type": "server_error", "code": None}}, "overloaded", "server_error"),
        (
            {
                "id": "gen-1",
                "object": "chat.completion.chunk",
                "error": {"code": 502, "message": "Provider disconnected"},
                "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
            },
            "Provider disconnected",
            "502",
        ),
        (
            {
                "choices": [
                    {"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 429, "message": "slow"}}
                ]
            },
            "slow",
            "429",
        ),
        ([{"error": {"code": 503, "message": "high demand", "status": "UNAVAILABLE"}}], "high demand", "503"),
        ({"success": False, "errors": [{"code": 3040, "message": "capacity"}]}, "capacity", "3040"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "Overloaded", None),
        ({"object": "error", "message": "Service unavailable", "type": "x"}, "Service unavailable", None),
        ({"choices": [{"index": 0, "delta": {}, "finish_reason": "insufficient_system_resource"}]}, "insuff", None),
    ],
)
def test_an_error_event_ends_the_answer_in_any_shape(event_data: object, error_text: str, code: str | None) -> None:
    answer = StreamedAnswer(chunk("Hel") + event(event_data) + chunk("never") + DONE)
    assert answer.raw == chunk("Hel")
    assert answer.stream.error is not None
    assert error_text in answer.stream.error.message
    assert code is None or code in (answer.stream.error.code, answer.stream.error.kind)
    assert not answer.stream.is_complete


@pytest.mark.parametrize("broken", [b'{"choices":[{"del', b"null", b'{"choices":["x"]}', b'"text"', b"[]"])
def test_one_malformed_event_is_skipped(broken: bytes) -> None:
    answer = StreamedAnswer(chunk("Hel") + b"data: " + broken + b"\n\n" + chunk("lo") + finish() + DONE)
    assert answer.raw == chunk("Hel") + chunk("lo") + finish() + DONE
    assert answer.notes == ["skipped an event that is no JSON object"]


COUNTS = usage_object(5, 2)


def with_usage(made: bytes, **fields: Any) -> bytes:
    """That chunk with more fields."""
    return event(json.loads(made.removeprefix(b"data: ")) | fields)


USAGE_STREAMS = {
    "own chunk": chunk("a") + finish() + usage(5, 2) + DONE,
    "last content chunk": chunk("a") + with_usage(finish(), usage=COUNTS) + DONE,
    "last content chunk, then its own": chunk("a") + with_usage(finish(), usage=COUNTS) + usage(5, 2) + DONE,
    "every chunk": with_usage(chunk("a"), usage=usage_object(5, 1)) + with_usage(finish(), usage=COUNTS) + DONE,
    "every chunk but the last": with_usage(chunk("a"), usage=usage_object(5, 1))
    + with_usage(chunk("b"), usage=COUNTS)
    + finish()
    + DONE,
    "x_groq": chunk("a") + with_usage(finish(), x_groq={"id": "req", "usage": COUNTS}) + DONE,
    "x_groq and its own": chunk("a") + with_usage(finish(), x_groq={"usage": COUNTS}) + usage(5, 2) + DONE,
    "no end marker": with_usage(chunk("a"), usage=COUNTS) + finish(),
    "its own, without choices": chunk("a") + finish() + event({"usage": COUNTS}) + DONE,
}


@pytest.mark.parametrize("name", USAGE_STREAMS)
def test_a_caller_that_asks_for_usage_gets_it_once_before_the_end(name: str) -> None:
    answer = StreamedAnswer(USAGE_STREAMS[name], wants_usage=True)
    usages = [found["usage"] for found in answer.chunks if found.get("usage")]
    assert usages == [COUNTS]
    assert answer.raw.endswith(DONE)
    assert answer.transcript.usage == COUNTS


@pytest.mark.parametrize("name", USAGE_STREAMS)
def test_a_caller_that_does_not_ask_gets_no_usage_chunk(name: str) -> None:
    answer = StreamedAnswer(USAGE_STREAMS[name])
    assert all(found["choices"] for found in answer.chunks)
    assert answer.transcript.usage == COUNTS


def test_a_whole_answers_tagged_reasoning_is_moved() -> None:
    read = whole({"content": "<think>\nHm.</think>\n\nYes."})
    message = json.loads(read.raw)["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("\nHm.", "Yes.")
    assert read.notes == ("moved reasoning out of the content",)
    assert json.loads(whole({"content": "<think>Hm."}).raw)["choices"][0]["message"]["content"] is None


def test_missing_fields_of_a_whole_answer_are_added() -> None:
    body = b'{"choices":[{"message":{"content":"Yes."}}]}'
    read = table.by_dialect("cloudflare").read_answer(body, context())
    made = ChatCompletion.model_validate_json(read.raw)
    assert (made.id, made.object, made.model) == (f"chatcmpl-{ANSWER_ID}", "chat.completion", "requested-model")
    assert made.choices[0].message.content == "Yes."


@pytest.mark.parametrize(
    ("body", "error_text"),
    [
        (b'[{"error":{"code":503,"message":"high demand"}}]', "high demand"),
        (b'{"success":false,"errors":[{"code":3040,"message":"capacity"}]}', "capacity"),
        (b'{"error":{"code":502,"message":"disconnected"},"choices":[]}', "disconnected"),
        (b'{"choices":[{"index":0,"finish_reason":"error","message":{"content":null}}]}', "error"),
    ],
)
def test_an_error_in_a_whole_answer_is_read(body: bytes, error_text: str) -> None:
    read = GENERIC.read_answer(body, context())
    assert read.delta.error is not None
    assert error_text in read.delta.error.message


@pytest.mark.parametrize("name", sorted(CLEAN | USAGE_STREAMS))
def test_an_event_split_over_two_reads_is_read_as_one(name: str) -> None:
    stream = (CLEAN | USAGE_STREAMS)[name]
    expected = StreamedAnswer(stream, wants_usage=True).raw
    for cut, _ in pairwise(range(0, len(stream), 17)):
        reader = GENERIC.make_reader(context(wants_usage=True))
        half = Stream(reader, Transcript(), wants_usage=True, notes=[])
        assert half.feed(stream[:cut]) + half.feed(stream[cut:]) + half.finish() == expected
