"""Tool calls of an answer: told once, told apart, with arguments and a finish reason that clients act on."""

import json
from typing import Any

import pytest

from gateway.providers.chat_completions.json_end import JsonEnd
from switchboard.stream.transcript import assemble
from testkit.openai_events import DONE, chunk, event, finish, tool_call
from testkit.read_answers import StreamedAnswer, bare, whole


def part(arguments: str | None = None, **fields: Any) -> bytes:
    """A chunk with one part of a call; `name=` goes into its function."""
    function = {name: fields.pop(name) for name in ("name",) if name in fields}
    if arguments is not None:
        function["arguments"] = arguments
    return chunk(tool_calls=[{"function": function, **fields}])


def called(stream: bytes, provider: str = "generic", ending: bytes = finish("tool_calls") + DONE) -> list[Any]:
    """The calls as clients join them: (id, name, arguments), each text the sum of all parts."""
    answer = StreamedAnswer(stream + ending, provider)
    calls: dict[int, list[str]] = {}
    for found in answer.calls:
        texts = calls.setdefault(found["index"], ["", "", ""])
        function = found.get("function") or {}
        for place, text in enumerate((found.get("id"), function.get("name"), function.get("arguments"))):
            texts[place] += text or ""
    kept = answer.transcript.choices[0].tool_calls
    assert [[call.call_id, call.name, call.arguments] for call in kept] == list(calls.values())
    assert assemble(answer.raw).choices[0].message() == answer.transcript.choices[0].message()
    return [tuple(texts) for texts in calls.values()]


TWO = [("c1", "f", '{"a":1}'), ("c2", "g", '{"b":2}')]
REPEATED = {
    "id and name in every part": part('{"a"', index=0, id="c1", name="f") + part(":1}", index=0, id="c1", name="f"),
    "no index": part('{"a"', id="c1", name="f") + part(":1}", id="c1", name="f"),
    "an empty id later": part('{"a"', index=0, id="c1", name="f") + part(":1}", index=0, id="", name=""),
    "another index": part('{"a"', index=0, id="c1", name="f") + part(":1}", index=1, id="c1", name="f"),
    "a new id in every part": part('{"a"', index=0, id="c1", name="f") + part(":1}", index=0, id="c9"),
    "the name alone": part('{"a"', index=0, id="c1", name="f") + part(":1}", index=0, name="f"),
    "the name later": part("", index=0, id="c1") + part('{"a":1}', index=0, name="f"),
    "blanks at the end": part('{"a":1}', index=0, id="c1", name="f") + part(" \n", index=0) + part("", index=0),
    "all of it, then once more without arguments": part('{"a":1}', index=0, id="c1", name="f")
    + part("", index=0, id="c1", name="f"),
}


@pytest.mark.parametrize("name", REPEATED)
def test_id_and_name_are_told_once(name: str) -> None:
    found = called(REPEATED[name])
    assert [(call_id, told, arguments.strip()) for call_id, told, arguments in found] == TWO[:1]


PARALLEL = {
    "one index, no ids, other names": part("", index=0, id="", name="f")
    + part('{"a":1}', index=0)
    + part("", index=0, id="", name="g")
    + part('{"b":2}', index=0),
    "one index, no ids, one part each": part('{"a":1}', index=0, id="", name="f")
    + part('{"b":2}', index=0, id="", name="g"),
    "one index, ids": part('{"a":1}', index=0, id="c1", name="f") + part('{"b":2}', index=0, id="c2", name="g"),
    "no index, no ids": part('{"a":1}', name="f") + part('{"b":2}', name="g"),
    "mixed parts of known ids": part('{"a"', index=0, id="c1", name="f")
    + part('{"b"', index=0, id="c2", name="g")
    + part(":1}", index=0, id="c1", name="f")
    + part(":2}", index=0, id="c2", name="g"),
}


@pytest.mark.parametrize("name", PARALLEL)
def test_parallel_calls_are_told_apart(name: str) -> None:
    found = called(PARALLEL[name])
    assert [(told, arguments) for _, told, arguments in found] == [(told, arguments) for _, told, arguments in TWO]
    assert len({call_id for call_id, *_ in found}) == 2


def test_the_same_name_begins_another_call_after_complete_arguments() -> None:
    stream = part('{"a":"}"', index=0, id="", name="f") + part("}", index=0, name="f") + part('{"a":2}', index=0)
    assert [(name, arguments) for _, name, arguments in called(stream)] == [("f", '{"a":"}"}'), ("f", '{"a":2}')]


def test_a_call_without_arguments_gets_an_empty_object_before_its_finish_reason() -> None:
    stream = tool_call("", name="f", call_id="c1") + tool_call('{"b":2}', name="g", call_id="c2", index=1)
    answer = StreamedAnswer(stream + finish("tool_calls") + DONE)
    assert answer.raw.startswith(stream)
    assert answer.raw.endswith(finish("tool_calls") + DONE)
    assert answer.calls[2:] == [{"index": 0, "function": {"arguments": "{}"}}]
    assert answer.notes == ["gave a tool call without arguments {}"]
    assert called(stream) == [("c1", "f", "{}"), ("c2", "g", '{"b":2}')]


@pytest.mark.parametrize("arguments", ["", " ", None])
def test_a_call_that_comes_with_its_finish_reason_gets_an_empty_object(arguments: str | None) -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    both = bare({"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"})
    assert called(both, ending=DONE) == [("c1", "f", "{}")]
    message = json.loads(whole({"tool_calls": [call]}, finish_reason="tool_calls").raw)["choices"][0]["message"]
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


@pytest.mark.parametrize("index", [0, [], {}, None, "0", 7])
def test_whatever_index_the_calls_of_a_whole_answer_have_each_gets_its_arguments(index: object) -> None:
    calls = [{"index": index, "id": call_id, "function": {"name": "f"}} for call_id in ("c1", "c2")]
    message = json.loads(whole({"tool_calls": calls}, finish_reason="tool_calls").raw)["choices"][0]["message"]
    assert [call["function"] for call in message["tool_calls"]] == [{"name": "f", "arguments": "{}"}] * 2


def test_a_call_without_a_finish_reason_gets_an_empty_object_at_the_end_marker() -> None:
    assert called(tool_call("", name="f", call_id="c1"), ending=DONE) == [("c1", "f", "{}")]


@pytest.mark.parametrize("ending", [finish("length") + DONE, finish("content_filter") + DONE, b""])
def test_a_call_that_was_cut_off_is_left_as_it_is(ending: bytes) -> None:
    assert called(tool_call("", name="f", call_id="c1"), ending=ending) == [("c1", "f", "")]


@pytest.mark.parametrize("provider", ["google", "openai", "generic"])
@pytest.mark.parametrize("reason", ["stop", "STOP", "eos"])
def test_the_finish_reason_of_a_tool_call_is_tool_calls(provider: str, reason: str) -> None:
    answer = StreamedAnswer(tool_call("{}", name="f", call_id="c1") + finish(reason) + DONE, provider)
    assert answer.transcript.finish_reason == answer.chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    both = bare({"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": reason})
    assert StreamedAnswer(both + DONE, provider).transcript.finish_reason == "tool_calls"
    read = whole({"tool_calls": [call]}, provider, finish_reason=reason)
    assert json.loads(read.raw)["choices"][0]["finish_reason"] == read.delta.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_cut_answers_finish_reason_stays(reason: str) -> None:
    answer = StreamedAnswer(tool_call("{", name="f", call_id="c1") + finish(reason) + DONE)
    assert answer.transcript.finish_reason == reason


def test_the_older_way_to_call_a_tool_keeps_its_own_finish_reason() -> None:
    answer = StreamedAnswer(chunk(function_call={"name": "f", "arguments": "{}"}) + finish() + DONE)
    assert answer.transcript.finish_reason == "stop"


def test_every_choice_has_its_own_calls() -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    stream = event({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}) + event(
        {"choices": [{"index": 1, "delta": {"content": "a"}, "finish_reason": "stop"}]}
    )
    answer = StreamedAnswer(stream + finish() + DONE)
    assert [choice.finish_reason for _, choice in sorted(answer.transcript.choices.items())] == ["tool_calls", "stop"]


@pytest.mark.parametrize(
    ("text", "is_complete"),
    [
        ("{}", True),
        ('{"a":"}"}', True),
        ('{"a":"\\"}"}', True),
        ('{"a":"\\\\"}', True),
        ("[1]", True),
        ('{"a":{}', False),
        ('{"a":"}', False),
        ("", False),
        (" ", False),
        ("1", False),
    ],
)
def test_the_end_of_json_is_found_for_any_split(text: str, is_complete: bool) -> None:
    for pieces in [[text], list(text), *([text[:cut], text[cut:]] for cut in range(len(text)))]:
        found = JsonEnd()
        for piece in pieces:
            found.add(piece)
        assert (found.is_complete, found.has_begun) == (is_complete, bool(text.strip()))
