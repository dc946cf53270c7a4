"""What a reader keeps of an answer is bounded, whatever comes; the answer itself goes on."""

import json

import pytest

from gateway.domain.codec import AnswerContext
from gateway.providers import table
from gateway.providers.chat_completions import reasoning_state, thinking
from gateway.providers.chat_completions.answers import FURTHER_CHOICES
from gateway.providers.chat_completions.tool_call_numbers import FURTHER_CALLS
from switchboard.domain.limits import MAX_ANSWER_NAME_CHARACTERS, MAX_CHOICES, MAX_TOOL_CALLS
from testkit.openai_events import DONE, chunk, completion, finish, tool_call
from testkit.read_answers import StreamedAnswer, context, whole


def test_a_whole_answer_has_choices_and_calls_up_to_their_bounds() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    many = [{"index": n, "message": {"role": "assistant", "content": "x"}} for n in range(MAX_CHOICES + 9)]
    read = table.by_dialect("generic").read_answer(json.dumps(completion(None) | {"choices": many}).encode(), context())
    assert len(json.loads(read.raw)["choices"]) == len(read.delta.choices) == MAX_CHOICES
    assert FURTHER_CHOICES in read.notes
    read = whole({"tool_calls": [call] * (MAX_TOOL_CALLS + 9)}, finish_reason="tool_calls")
    assert len(json.loads(read.raw)["choices"][0]["message"]["tool_calls"]) == MAX_TOOL_CALLS
    assert FURTHER_CALLS in read.notes


def test_calls_are_bounded_by_their_number_and_not_by_their_parts() -> None:
    parts = [tool_call("1", index=0) for _ in range(MAX_TOOL_CALLS * 4)]
    answer = StreamedAnswer(b"".join([tool_call("", name="f", call_id="c0"), *parts, finish("tool_calls"), DONE]))
    assert answer.notes == []
    assert len(answer.calls) == 1 + len(parts)


def test_an_id_and_a_model_that_are_repeated_are_cut() -> None:
    begin = json.loads(chunk("a")[6:]) | {"id": "i" * 5000, "model": "m" * 5000}
    bare = {"choices": [{"index": 0, "delta": {"content": "b"}, "finish_reason": None}]}
    events = b"".join(b"data: " + json.dumps(found).encode() + b"\n\n" for found in (begin, bare))
    added = StreamedAnswer(events + finish() + DONE).chunks[1]
    assert len(added["id"]) == len(added["model"]) == MAX_ANSWER_NAME_CHARACTERS


def test_content_without_a_closing_tag_is_text_once_it_is_very_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinking, "MAX_UNDECIDED_CHARACTERS", 1000)
    tagged = thinking.TaggedReasoning(begins_inside=True)
    said = [tagged.split("word " * 10) for _ in range(30)]
    assert [text for _, text in said[:20]] == [""] * 20
    assert "".join(text for _, text in said) == "word " * 300
    assert tagged.has_ended


class Kept:
    """A memory that keeps every value."""

    def __init__(self) -> None:
        self.values: list[str] = []

    def remember(self, _name: str, value: str, _history: str) -> None:
        self.values.append(value)

    def recall(self, _name: str, _history: str) -> None:
        """Nothing is looked for."""


@pytest.mark.parametrize("size", [900, 1100])
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning_details"])
def test_reasoning_is_remembered_up_to_its_bound(monkeypatch: pytest.MonkeyPatch, field: str, size: int) -> None:
    monkeypatch.setattr(reasoning_state, "MAX_REASONING_CHARACTERS", 1350 if field == "reasoning_details" else 1000)
    memory = Kept()
    state = reasoning_state.ReasoningKept(AnswerContext("m", "a" * 32, 1, wants_usage=False, memory=memory), field)
    for _ in range(size // 10):
        text = "a" * 10
        state.collect({field: text if field == "reasoning_content" else [{"type": "reasoning.text", "text": text}]})
    for _ in range(100):  # a finish reason in every chunk
        state.remember("c0")
    is_kept = size < 1000
    assert len(memory.values) == (reasoning_state.MAX_REMEMBERED_ENDS if is_kept else 0)
    assert all(value.count("a" * 10) == size // 10 for value in memory.values)
