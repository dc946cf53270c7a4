"""Answers whose messages are in another place, or have other types, than clients of OpenAI expect."""

import json
from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway.providers import table
from gateway.providers.chat_completions.answers import MISSING_END
from testkit.openai_events import DONE, chunk, event, finish, tool_call, usage, usage_object
from testkit.read_answers import StreamedAnswer, bare, context, whole

CHAT_DIALECTS = [row for row in table.PROVIDERS if row.reader_class is None]


def joined(answer: StreamedAnswer) -> ChatCompletion:
    """The answer as OpenAI's SDK joins its chunks."""
    state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
    for found in answer.chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate(found))
    return state.current_completion_snapshot


@pytest.mark.parametrize("row", CHAT_DIALECTS, ids=lambda row: row.dialect)
def test_a_role_in_every_chunk_is_told_once(row: Any) -> None:
    told = chunk("Hel", role="assistant") + chunk("lo", role="assistant") + chunk("!", role=None) + chunk("", role="")
    answer = StreamedAnswer(told + finish() + DONE, row.dialect)
    message = joined(answer).choices[0].message
    assert (message.role, message.content) == ("assistant", "Hello!")
    assert answer.raw.startswith(chunk("Hel", role="assistant"))


def test_the_roles_of_every_choice_are_told_once() -> None:
    said = [bare({"index": n, "delta": {"role": "assistant", "content": "a"}}) for n in (0, 1, 0, 1)]
    completion = joined(StreamedAnswer(b"".join(said) + DONE))
    assert [choice.message.role for choice in completion.choices] == ["assistant"] * 2


@pytest.mark.parametrize("role", ["model", "", None, 7])
def test_the_role_of_an_answer_is_assistant(role: object) -> None:
    answer = StreamedAnswer(bare({"index": 0, "delta": {"role": role, "content": "Hi"}}) + finish() + DONE)
    assert joined(answer).choices[0].message.role == "assistant"
    assert ChatCompletion.model_validate_json(whole({"role": role, "content": "Hi"}).raw)


CALL = tool_call("{}", name="end_call", call_id="c1")
UNENDED = {
    "words": (chunk("Hello."), "stop"),
    "a tool call": (CALL, "tool_calls"),
    "the older way to call": (chunk(function_call={"name": "f", "arguments": "{}"}), "function_call"),
}


@pytest.mark.parametrize("name", UNENDED)
@pytest.mark.parametrize("wants_usage", [True, False])
def test_an_answer_that_ends_without_a_finish_reason_gets_one(name: str, *, wants_usage: bool) -> None:
    said, reason = UNENDED[name]
    counted = event({"usage": usage_object(5, 2), "choices": []})
    for stream in (said + DONE, said + counted + DONE):
        answer = StreamedAnswer(stream, wants_usage=wants_usage)
        assert joined(answer).choices[0].finish_reason == reason
        assert answer.transcript.finish_reason == reason
        assert MISSING_END in answer.notes
        assert answer.raw.endswith(DONE)


def test_every_choice_without_a_finish_reason_gets_one() -> None:
    said = b"".join(bare({"index": n, "delta": {"content": "a"}}) for n in (0, 1))
    answer = StreamedAnswer(said + finish() + DONE)
    assert [choice.finish_reason for choice in joined(answer).choices] == ["stop", "stop"]


def test_an_answer_that_breaks_off_gets_no_finish_reason() -> None:
    answer = StreamedAnswer(chunk("Hel"))
    assert answer.transcript.finish_reason is None
    assert not answer.stream.is_complete


@pytest.mark.parametrize("indexes", [(1, 1, 2, 2), (3, 3, 1, 1), (1, 1, 0, 0)])
def test_calls_are_numbered_from_0_without_gaps(indexes: tuple[int, ...]) -> None:
    parts = [('{"a"', "c1"), (":1}", None), ('{"b"', "c2"), (":2}", None)]
    said = [
        tool_call(text, index=index, **({"call_id": call_id, "name": "f"} if call_id else {}))
        for index, (text, call_id) in zip(indexes, parts, strict=True)
    ]
    message = joined(StreamedAnswer(b"".join(said) + finish("tool_calls") + DONE)).choices[0].message.to_dict()
    found: Any = message["tool_calls"]
    assert [(call["id"], call["function"]["arguments"]) for call in found] == [("c1", '{"a":1}'), ("c2", '{"b":2}')]


MESSAGE = {"role": "assistant", "content": "Hello."}
ELSEWHERE = {
    "a message in an event": {"index": 0, "message": MESSAGE, "finish_reason": "stop"},
    "the older completions' text": {"index": 0, "text": "Hello.", "finish_reason": "stop"},
    "a delta": {"index": 0, "delta": MESSAGE, "finish_reason": "stop"},
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_words_are_found_where_they_are(name: str) -> None:
    choice = ELSEWHERE[name]
    assert StreamedAnswer(bare(dict(choice)) + DONE).content == "Hello."
    read = table.by_dialect("generic").read_answer(json.dumps({"choices": [choice]}).encode(), context())
    assert ChatCompletion.model_validate_json(read.raw).choices[0].message.content == "Hello."
    assert read.delta.is_useful


def test_tool_calls_in_a_message_of_a_stream_are_numbered() -> None:
    calls = [{"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in (1, 2)]
    answer = StreamedAnswer(bare({"index": 0, "message": {"tool_calls": calls}, "finish_reason": "stop"}) + DONE)
    assert [call["index"] for call in answer.calls] == [0, 1]
    assert answer.transcript.finish_reason == "tool_calls"


def test_a_message_after_its_parts_is_not_said_again() -> None:
    last = bare({"index": 0, "message": MESSAGE, "finish_reason": "stop"})
    assert StreamedAnswer(chunk("Hel") + chunk("lo.") + last + DONE).content == "Hello."


@pytest.mark.parametrize("content", [{"type": "text", "text": "Hi"}, ["H", "i"], ["H", {"type": "text", "text": "i"}]])
def test_content_of_another_type_is_read(content: object) -> None:
    assert StreamedAnswer(bare({"index": 0, "delta": {"content": content}}) + finish() + DONE).content == "Hi"
    assert json.loads(whole({"content": content}).raw)["choices"][0]["message"]["content"] == "Hi"


def test_the_arguments_of_the_older_way_to_call_become_text() -> None:
    called: dict[str, Any] = {"function_call": {"name": "f", "arguments": {"a": 1}}}
    answer = StreamedAnswer(chunk(None, **called) + finish("function_call") + DONE)
    assert answer.deltas[0]["function_call"]["arguments"] == '{"a":1}'
    read = ChatCompletion.model_validate_json(whole(called, finish_reason="function_call").raw)
    assert read.choices[0].message.function_call is not None
    assert read.choices[0].message.function_call.arguments == '{"a":1}'


def test_empty_audio_is_left_out_of_a_whole_answer() -> None:
    read = whole({"content": "Hi", "audio": {"id": "", "data": ""}})
    assert ChatCompletion.model_validate_json(read.raw).choices[0].message.audio is None


@pytest.mark.parametrize("name", ["chat.completion", "text_completion", "x"])
def test_the_object_is_named_as_openai_names_it(name: str) -> None:
    found = json.loads(chunk("a").removeprefix(b"data: ")) | {"object": name}
    assert StreamedAnswer(event(found)).chunks[0]["object"] == "chat.completion.chunk"
    assert usage(5, 2) == StreamedAnswer(chunk("a") + finish() + usage(5, 2) + DONE, wants_usage=True).raw.split(
        finish()
    )[1].removesuffix(DONE)


@pytest.mark.parametrize("name", ["annotations", "reasoning_details"])
def test_entries_of_lists_are_numbered(name: str) -> None:
    lists: list[dict[str, Any]] = [{name: [{"type": "x", "text": text}]} for text in ("1", "2")]
    answer = StreamedAnswer(b"".join(chunk("a", **found) for found in lists) + finish() + DONE)
    found: Any = joined(answer).choices[0].message.to_dict()[name]
    assert [(entry["text"], entry["index"]) for entry in found] == [("1", 0), ("2", 1)]


def test_entries_that_are_numbered_stay() -> None:
    said = chunk("a", reasoning_details=[{"text": "1", "index": 0}]) + chunk(
        "b", reasoning_details=[], annotations=None
    )
    assert StreamedAnswer(said + finish() + DONE).raw == said + finish() + DONE


def test_a_call_whose_function_is_beside_its_type_is_nested() -> None:
    flat = {"id": "c1", "type": "function", "name": "f", "arguments": {"a": 1}}
    read = ChatCompletion.model_validate_json(whole({"content": None, "tool_calls": [flat]}).raw)
    parts = [flat | {"index": 0, "arguments": '{"a"'}, {"index": 0, "arguments": ":1}"}]
    answer = StreamedAnswer(b"".join(chunk(tool_calls=[part]) for part in parts) + finish("tool_calls") + DONE)
    for completion in (read, joined(answer)):
        found: Any = completion.choices[0].message.to_dict()["tool_calls"]
        (call,) = found
        assert call["function"]["name"] == "f"
        assert json.loads(call["function"]["arguments"]) == {"a": 1}
