"""Streamed and whole chat completions: clean ones byte for byte, others as strict clients need them."""

import json
from itertools import pairwise
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway.domain.clock import Clock
from gateway.domain.codec import AnswerContext, WholeAnswer
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.providers.rows.generic import GENERIC
from gateway.relay.stream import Stream
from switchboard.stream.sse import EventSplitter
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

ANSWER_ID = "019a0000000070008000000000000001"
ASKED_AT_S = 1_795_000_000
CHAT_DIALECTS = [row for row in table.PROVIDERS if row.new_reader is None]
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


def asked(model: str = "asked-model", *, wants_usage: bool = False) -> AnswerContext:
    """What a reader knows of the call."""
    return AnswerContext(model, ANSWER_ID, ASKED_AT_S, wants_usage, SignatureMemory(Clock()))


class Heard:
    """A stream as the caller gets it and as the trace keeps it."""

    def __init__(
        self, stream: bytes, provider: str = "generic", model: str = "asked-model", *, wants_usage: bool = False
    ) -> None:
        self.notes: list[str] = []
        reader = table.by_dialect(provider).reader_of(asked(model, wants_usage=wants_usage))
        self.stream = Stream(reader, Transcript(), wants_usage, self.notes)
        self.raw = self.stream.feed(stream) + self.stream.finish()
        self.transcript = self.stream.transcript
        data = [found.data for found in EventSplitter().feed(self.raw)]
        self.chunks = [json.loads(found) for found in data if found and found != b"[DONE]"]
        for found in self.chunks:
            ChatCompletionChunk.model_validate(found, strict=True)

    @property
    def spoken(self) -> str:
        """The content of all chunks."""
        return "".join(delta.get("content") or "" for delta in self.deltas)

    @property
    def reasoned(self) -> str:
        """The reasoning of all chunks."""
        return "".join(delta.get("reasoning_content") or "" for delta in self.deltas)

    @property
    def deltas(self) -> list[dict[str, Any]]:
        """Every delta."""
        return [choice["delta"] for found in self.chunks for choice in found["choices"]]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every part of a tool call."""
        return [call for delta in self.deltas for call in delta.get("tool_calls") or []]


def bare(choice: dict[str, Any], **others: Any) -> bytes:
    """A chunk with one choice as it is given and nothing else of its own."""
    return event({"choices": [choice], **others})


def whole(message: dict[str, Any], provider: str = "generic", **choice: Any) -> WholeAnswer:
    """A whole answer with that message, read."""
    body = completion(None)
    body["choices"] = [{"index": 0, "finish_reason": "stop", **choice, "message": {"role": "assistant", **message}}]
    return table.by_dialect(provider).whole_of(json.dumps(body).encode(), asked())


@pytest.mark.parametrize("row", CHAT_DIALECTS, ids=lambda row: row.dialect)
@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_stream_is_passed_on_byte_for_byte(row: Any, name: str) -> None:
    heard = Heard(CLEAN[name], row.dialect, wants_usage=True)
    assert heard.raw == CLEAN[name]
    assert heard.notes == []


@pytest.mark.parametrize("row", CHAT_DIALECTS, ids=lambda row: row.dialect)
def test_a_clean_completion_is_passed_on_byte_for_byte(row: Any) -> None:
    body = json.dumps(completion("Grüß Gott."), indent=1).encode()
    assert row.whole_of(body, asked()).raw == body


def test_what_a_chunk_lacks_is_filled_in_and_stays_the_same() -> None:
    heard = Heard(event({"choices": [{"delta": {"content": "a"}}]}) + chunk("b") + bare({"delta": {"content": "c"}}))
    first, second, third = heard.chunks
    assert (first["id"], first["model"]) == (f"chatcmpl-{ANSWER_ID}", "asked-model")
    assert (first["created"], first["object"]) == (ASKED_AT_S, "chat.completion.chunk")
    assert first["choices"] == [{"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None}]
    assert "role" not in third["choices"][0]["delta"]
    told = {"id": COMPLETION_ID, "model": MODEL, "created": CREATED_S, "object": "chat.completion.chunk"}
    assert {name: second[name] for name in told} == told
    assert {name: third[name] for name in told} == told
    assert heard.spoken == "abc"


@pytest.mark.parametrize("filler", [{"id": ""}, {"created": 0}, {"model": None}, {"object": ""}])
def test_empty_is_as_good_as_missing(filler: dict[str, Any]) -> None:
    body = json.loads(chunk("a").removeprefix(b"data: ")) | filler
    name = next(iter(filler))
    assert Heard(event(body)).chunks[0][name]


def test_chunks_without_choices_are_kept_from_the_caller() -> None:
    filters = event({"id": "", "created": 0, "model": "", "object": "", "choices": [], "prompt_filter_results": [{}]})
    ping = b"event: ping\ndata: {}\n\n"
    assert Heard(filters + ping + CLEAN["text"], "azure").raw == CLEAN["text"].replace(usage(3, 2), b"")


def test_a_delta_that_is_missing_or_null_says_nothing() -> None:
    heard = Heard(chunk("a") + bare({"index": 0, "finish_reason": "stop"}) + bare({"index": 0, "delta": None}) + DONE)
    assert heard.spoken == "a"
    assert heard.transcript.finish_reason == "stop"


def test_content_in_parts_becomes_text_and_reasoning() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}, {"type": "text", "text": " So."}]}
    parts = [thinking, {"type": "text", "text": "Ye"}, {"type": "text", "text": "s."}]
    heard = Heard(bare({"index": 0, "delta": {"content": parts}}) + finish() + DONE, "mistral")
    assert (heard.reasoned, heard.spoken) == ("Hm. So.", "Yes.")
    read = whole({"content": parts}, "mistral")
    message = json.loads(read.raw)["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("Hm. So.", "Yes.")


@pytest.mark.parametrize("provider", ["groq", "cerebras", "openrouter", "together"])
def test_reasoning_under_another_name_is_renamed(provider: str) -> None:
    heard = Heard(chunk("", reasoning="Hm.") + chunk("Yes.") + finish() + DONE, provider)
    assert (heard.reasoned, heard.spoken) == ("Hm.", "Yes.")
    assert not any("reasoning" in delta for delta in heard.deltas)
    message = json.loads(whole({"content": "Yes.", "reasoning": "Hm."}, provider).raw)["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}


def test_reasoning_under_both_names_is_told_once() -> None:
    heard = Heard(chunk("", reasoning="Hm.", reasoning_content="Hm.") + chunk("Yes.") + finish())
    assert heard.reasoned == "Hm."


def test_what_gemini_marks_as_a_thought_is_not_spoken() -> None:
    thought = chunk("**Planning**", extra_content={"google": {"thought": True}})
    heard = Heard(thought + chunk("Yes.") + finish() + DONE, "google")
    assert (heard.reasoned, heard.spoken) == ("**Planning**", "Yes.")


@pytest.mark.parametrize("provider", ["cloudflare", "groq", "together", "fireworks", "bedrock", "generic"])
@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_thinking_aloud_is_moved_out_of_the_content(provider: str, size: int) -> None:
    text = "<think>\nThe caller\nsays hello.\n</think>\n\nHello <b>there</b>."
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    heard = Heard(role() + b"".join(map(chunk, pieces)) + finish() + DONE, provider)
    assert heard.spoken == "Hello <b>there</b>."
    assert heard.reasoned == "\nThe caller\nsays hello.\n"
    assert heard.notes == ["moved reasoning out of the content"]
    assert heard.raw.endswith(finish() + DONE)


def test_who_does_not_think_aloud_may_say_the_tag() -> None:
    stream = chunk("<think>") + chunk("is a tag.") + finish() + DONE
    assert Heard(stream, "openai").raw == stream


def test_thinking_is_no_first_token() -> None:
    thought = role() + chunk("<think>Hm.") + chunk("</think>\n\n")
    assert not Heard(thought).transcript.is_useful
    assert Heard(thought + chunk("Yes.")).transcript.is_useful


def test_an_answer_that_never_stops_thinking_says_nothing() -> None:
    heard = Heard(chunk("<think>Hm, hm") + finish("length") + DONE)
    assert (heard.reasoned, heard.spoken, heard.transcript.is_useful) == ("Hm, hm", "", False)


@pytest.mark.parametrize("ending", [finish() + DONE, DONE])
def test_the_beginning_of_a_tag_is_spoken_when_nothing_follows(ending: bytes) -> None:
    heard = Heard(chunk("<thin") + ending)
    assert heard.spoken == "<thin"
    assert heard.raw.endswith(DONE)


def test_a_model_whose_template_opens_the_block_is_not_spoken_before_it_closes_it() -> None:
    model = "@cf/deepseek-ai/deepseek-r1-distill-qwen-32b"
    thinking = role() + chunk("Okay, the caller ") + chunk("says hello.</thi")
    heard = Heard(thinking + chunk("nk>\n\nHello.") + finish() + DONE, "cloudflare", model)
    assert (heard.reasoned, heard.spoken) == ("Okay, the caller says hello.", "Hello.")
    assert not Heard(thinking, "cloudflare", model).transcript.is_useful
    assert Heard(chunk("Hello.") + finish() + DONE, "cloudflare", model).spoken == "Hello."


def test_a_tool_call_after_thinking_is_passed_on() -> None:
    heard = Heard(chunk("<think>Hm.") + tool_call("{}", name="end_call", call_id="c1") + finish("tool_calls") + DONE)
    assert (heard.reasoned, heard.spoken) == ("Hm.", "")
    assert [call["id"] for call in heard.calls] == ["c1"]


def test_parallel_calls_one_a_chunk_without_indexes_are_numbered() -> None:
    calls = [{"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in (1, 2)]
    heard = Heard(b"".join(chunk(tool_calls=[call]) for call in calls) + finish("tool_calls"), "google")
    assert [(call["index"], call["id"]) for call in heard.calls] == [(0, "c1"), (1, "c2")]
    assert len(heard.transcript.choices[0].tool_calls) == 2


def test_parallel_calls_under_one_index_are_numbered_with_their_parts() -> None:
    first, second = (tool_call("{", name="f", call_id=f"c{n}") for n in (1, 2))
    heard = Heard(first + tool_call("}") + second + tool_call("}") + finish("tool_calls"))
    assert [call["index"] for call in heard.calls] == [0, 0, 1, 1]
    assert [call.arguments for call in heard.transcript.choices[0].tool_calls] == ["{}", "{}"]


def test_calls_without_an_id_get_one_of_their_own() -> None:
    call = {"function": {"name": "f", "arguments": "{}"}}
    heard = Heard(chunk(tool_calls=[call]) + chunk(tool_calls=[call]) + finish("tool_calls") + DONE, "google")
    ids = [made["id"] for made in heard.calls]
    assert len(set(ids)) == 2
    assert all(made.startswith("call_") and len(made) <= 40 for made in ids)
    assert all(made["type"] == "function" for made in heard.calls)
    message = json.loads(whole({"tool_calls": [call, call]}).raw)["choices"][0]["message"]
    assert [made["id"] for made in message["tool_calls"]] == ids
    assert all("index" not in made for made in message["tool_calls"])


@pytest.mark.parametrize(("arguments", "text"), [({"a": 1}, '{"a":1}'), (None, ""), ([], "[]")])
def test_arguments_become_json_text(arguments: object, text: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    assert Heard(chunk(tool_calls=[call])).calls[0]["function"]["arguments"] == text
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
def test_finish_reasons_that_strict_clients_do_not_know_are_translated(reason: str, known: str) -> None:
    heard = Heard(chunk("a") + finish(reason) + DONE)
    assert heard.transcript.finish_reason == known
    assert heard.notes == [f"finish reason {reason!r} became {known!r}"]
    read = whole({"content": "a"}, finish_reason=reason)
    assert json.loads(read.raw)["choices"][0]["finish_reason"] == known
    assert read.notes == (f"finish reason {reason!r} became {known!r}",)


@pytest.mark.parametrize(
    ("event_data", "said", "code"),
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
def test_an_error_event_ends_the_answer_in_any_shape(event_data: object, said: str, code: str | None) -> None:
    heard = Heard(chunk("Hel") + event(event_data) + chunk("never") + DONE)
    assert heard.raw == chunk("Hel")
    assert heard.stream.error is not None
    assert said in heard.stream.error.message
    assert code is None or heard.stream.error.code == code
    assert not heard.stream.is_complete


@pytest.mark.parametrize("broken", [b'{"choices":[{"del', b"null", b'{"choices":["x"]}', b'"text"', b"[]"])
def test_one_malformed_event_is_skipped(broken: bytes) -> None:
    heard = Heard(chunk("Hel") + b"data: " + broken + b"\n\n" + chunk("lo") + finish() + DONE)
    assert heard.raw == chunk("Hel") + chunk("lo") + finish() + DONE
    assert heard.notes == ["skipped an event that is no JSON object"]


def test_half_of_a_surrogate_pair_goes_through() -> None:
    raw = chunk("x").replace(b'"x"', b'"\\ud83d"')
    assert Heard(raw + finish() + DONE).raw == raw + finish() + DONE
    assert b"\\ud83d" in Heard(raw.replace(b'"index":0,', b"") + finish() + DONE).raw


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
def test_who_asked_for_usage_gets_it_once_before_the_end(name: str) -> None:
    heard = Heard(USAGE_STREAMS[name], wants_usage=True)
    told = [found["usage"] for found in heard.chunks if found.get("usage")]
    assert told == [COUNTS]
    assert heard.raw.endswith(DONE)
    assert heard.transcript.usage == COUNTS


@pytest.mark.parametrize("name", USAGE_STREAMS)
def test_who_did_not_ask_gets_no_chunk_of_usage_alone(name: str) -> None:
    heard = Heard(USAGE_STREAMS[name])
    assert all(found["choices"] for found in heard.chunks)
    assert heard.transcript.usage == COUNTS


def test_a_whole_answers_thinking_is_moved() -> None:
    read = whole({"content": "<think>\nHm.</think>\n\nYes."})
    message = json.loads(read.raw)["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("\nHm.", "Yes.")
    assert read.notes == ("moved reasoning out of the content",)
    assert json.loads(whole({"content": "<think>Hm."}).raw)["choices"][0]["message"]["content"] is None


def test_a_whole_answer_is_filled_in() -> None:
    body = b'{"choices":[{"message":{"content":"Yes."}}]}'
    read = table.by_dialect("cloudflare").whole_of(body, asked())
    made = ChatCompletion.model_validate_json(read.raw)
    assert (made.id, made.object, made.model) == (f"chatcmpl-{ANSWER_ID}", "chat.completion", "asked-model")
    assert made.choices[0].message.content == "Yes."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'[{"error":{"code":503,"message":"high demand"}}]', "high demand"),
        (b'{"success":false,"errors":[{"code":3040,"message":"capacity"}]}', "capacity"),
        (b'{"error":{"code":502,"message":"disconnected"},"choices":[]}', "disconnected"),
        (b'{"choices":[{"index":0,"finish_reason":"error","message":{"content":null}}]}', "error"),
    ],
)
def test_an_error_in_a_whole_answer_is_one(body: bytes, said: str) -> None:
    read = GENERIC.whole_of(body, asked())
    assert read.delta.error is not None
    assert said in read.delta.error.message


@pytest.mark.parametrize("name", sorted(CLEAN | USAGE_STREAMS))
def test_two_chunks_of_bytes_are_as_good_as_one(name: str) -> None:
    stream = (CLEAN | USAGE_STREAMS)[name]
    expected = Heard(stream, wants_usage=True).raw
    for cut, _ in pairwise(range(0, len(stream), 17)):
        reader = GENERIC.reader_of(asked(wants_usage=True))
        half = Stream(reader, Transcript(), wants_usage=True, notes=[])
        assert half.feed(stream[:cut]) + half.feed(stream[cut:]) + half.finish() == expected
