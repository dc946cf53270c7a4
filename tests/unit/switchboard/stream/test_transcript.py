from typing import Any

import pytest

from switchboard.stream.deltas import Delta, read_completion
from switchboard.stream.transcript import Transcript, assemble
from testkit.openai_events import DONE, chunk, event, finish, role, tool_call, usage, usage_object


def _message(stream: bytes, choice: int = 0) -> dict[str, object]:
    return assemble(stream).choices[choice].message()


def _calls(*parts: dict[str, Any]) -> list[tuple[Any, Any, Any]]:
    """Id, name and arguments of the tool calls assembled from these parts, one per chunk."""
    stream = b"".join(chunk(tool_calls=[part]) for part in parts)
    return [(call.call_id, call.name, call.arguments) for call in assemble(stream).choices[0].tool_calls]


def _part(arguments: str, name: str | None = None, **others: Any) -> dict[str, Any]:
    return {"function": {"arguments": arguments, "name": name}, **others}


def test_a_text_answer() -> None:
    said = assemble(role() + chunk("Guten ") + chunk("Tag!") + finish() + usage(9, 3) + DONE)
    assert said.completion() == {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "model": "scripted-model",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Guten Tag!"}, "finish_reason": "stop"}],
        "usage": usage_object(9, 3),
    }
    assert (said.is_useful, said.characters, said.finish_reason) == (True, 10, "stop")


def test_an_empty_transcript() -> None:
    said = assemble(b"")
    assert (said.is_useful, said.characters, said.finish_reason, said.usage) == (False, 0, None, None)
    assert said.completion()["choices"] == []


def test_reasoning_is_separate_and_not_useful() -> None:
    said = assemble(chunk(reasoning_content="Let me ") + chunk(reasoning="think.") + finish())
    assert said.choices[0].message() == {
        "role": "assistant",
        "content": None,
        "reasoning_content": "Let me think.",
    }
    assert (said.is_useful, said.characters) == (False, 13)


def test_a_refusal_is_useful() -> None:
    said = assemble(chunk(refusal="I cannot ") + chunk(refusal="do that."))
    assert said.choices[0].message() == {"role": "assistant", "content": None, "refusal": "I cannot do that."}
    assert said.is_useful


def test_a_tool_call_is_put_together_from_its_parts() -> None:
    stream = tool_call("", name="end_call", call_id="c1") + tool_call('{"reason":') + tool_call('"bye"}')
    assert _message(stream + finish("tool_calls"))["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "end_call", "arguments": '{"reason":"bye"}'}}
    ]


def test_parallel_calls_may_be_interleaved() -> None:
    assert _calls(
        _part("", "first", index=0, id="c1"),
        _part("", "second", index=1, id="c2"),
        _part("[1", index=0),
        _part("[2", index=1),
        _part("]", index=1),
        _part("]", index=0),
    ) == [("c1", "first", "[1]"), ("c2", "second", "[2]")]


@pytest.mark.parametrize("index", [{}, {"index": 0}, {"index": None}])
def test_parallel_calls_with_one_index_are_separated_by_their_ids(index: dict[str, Any]) -> None:
    assert _calls(
        _part("{}", "first", id="c1", **index),
        _part('{"a"', "second", id="c2", **index),
        _part(":1}", **index),
    ) == [("c1", "first", "{}"), ("c2", "second", '{"a":1}')]


def test_unnumbered_calls_in_one_chunk_are_numbered_by_position() -> None:
    said = assemble(chunk(tool_calls=[_part("{}", "first"), _part("[]", "second")]))
    assert [(call.name, call.arguments) for call in said.choices[0].tool_calls] == [("first", "{}"), ("second", "[]")]


def test_a_name_and_id_repeated_in_every_part_are_taken_once() -> None:
    assert _calls(
        _part("[1", "only", index=0, id="c1"),
        _part(",2", "only", index=0, id="c1"),
        _part("]", "only", index=0),
    ) == [("c1", "only", "[1,2]")]


def test_a_new_id_without_a_name_continues_the_call() -> None:
    assert [call[1:] for call in _calls(_part("[1", "only", index=0, id="a"), _part("]", index=0, id="b"))] == [
        ("only", "[1]")
    ]


def test_a_call_may_lack_its_id_and_come_in_one_piece() -> None:
    assert _calls(_part('{"a":1}', "only")) == [(None, "only", '{"a":1}')]


def test_choices_are_separate_and_the_default_index_is_0() -> None:
    said = assemble(
        event({"choices": [{"delta": {"content": "a"}}, {"index": 1, "delta": {"content": "x"}}]})
        + event({"choices": [{"index": 1, "delta": {"content": "y"}, "finish_reason": "length"}]})
        + event({"choices": [{"delta": {"content": "b"}, "finish_reason": "stop"}]})
    )
    assert [choice.message()["content"] for choice in said.choices.values()] == ["ab", "xy"]
    assert said.finish_reason == "stop"


def test_the_last_usage_is_used() -> None:
    stream = b"".join(event({"choices": [{"delta": {"content": "a"}}], "usage": usage_object(5, n)}) for n in (1, 2, 3))
    assert assemble(stream).usage == usage_object(5, 3)
    assert assemble(stream + finish() + DONE).usage == usage_object(5, 3)


def test_absent_usage_is_none() -> None:
    assert assemble(chunk("a") + finish() + DONE).usage is None


def test_the_first_id_and_model_and_the_last_finish_reason_are_used() -> None:
    said = assemble(
        event({"id": "1", "model": "m1", "choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]})
        + event({"id": "2", "model": "m2", "choices": [{"delta": {}, "finish_reason": "length"}]})
        + event({"choices": [{"delta": {}, "finish_reason": None}]})
    )
    assert (said.completion_id, said.model, said.finish_reason) == ("1", "m1", "length")


def test_invalid_chunks_are_skipped() -> None:
    stream = b": keep-alive\n\nevent: ping\n\ndata: {broken\n\ndata: []\n\n" + chunk("a") + b"data: [DONE]"
    assert _message(stream)["content"] == "a"


def test_a_last_event_without_its_blank_line_is_used() -> None:
    assert _message(chunk("a") + chunk("b").rstrip())["content"] == "ab"


def test_characters_include_reasoning_and_tool_calls() -> None:
    parts = chunk("text") + chunk(reasoning_content="why") + tool_call("[12]", name="name", call_id="id")
    assert assemble(parts).characters == 4 + 3 + 4 + 4


def test_a_whole_completion_gives_the_same_transcript_as_its_stream() -> None:
    whole = Transcript()
    whole.add(
        read_completion(
            b'{"id":"chatcmpl-scripted","model":"scripted-model","choices":[{"index":0,"message":{"role":"assistant",'
            b'"content":"Bye","tool_calls":[{"id":"c1","type":"function","function":{"name":"end_call","arguments":"{}"}'
            b'}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}'
        )
    )
    streamed = assemble(
        role()
        + chunk("By")
        + chunk("e")
        + tool_call("{", name="end_call", call_id="c1")
        + tool_call("}")
        + finish("tool_calls")
        + usage(9, 3)
        + DONE
    )
    assert whole.completion() == streamed.completion()


def test_zeros_after_a_count_are_no_usage() -> None:
    counted = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    nothing = {**dict.fromkeys(counted, 0), "prompt_tokens_details": {"cached_tokens": 0}}
    transcript = Transcript()
    transcript.add(Delta(usage=nothing))
    assert transcript.usage == nothing
    transcript.add(Delta(usage=counted))
    transcript.add(Delta(usage=nothing))
    assert transcript.usage == counted
