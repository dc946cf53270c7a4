"""The demo's answers to different conversations."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard_local.demo_answer import TextAnswer, ToolCall, answer, words

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 3}, "note": {}},
            "required": ["city", "days"],
        },
    },
}
END_CALL = {"type": "function", "function": {"name": "end_call"}}


def user(text: object) -> dict[str, object]:
    return {"role": "user", "content": text}


def text_answer(*messages: dict[str, object]) -> str:
    found = answer(messages, [WEATHER])
    assert isinstance(found, TextAnswer)
    return found.text


def test_it_echoes_the_last_user_message() -> None:
    assert "what about Rome?" in text_answer(user("hello"), user("what about Rome?"))


def test_it_echoes_content_in_parts() -> None:
    assert "one two" in text_answer(user([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]))


@pytest.mark.parametrize(
    "last", [user("..."), user(None), {"role": "assistant", "content": "Goodbye"}, {"role": "system", "content": "x"}]
)
def test_messages_without_words_get_an_answer(last: dict[str, object]) -> None:
    assert "still here" in text_answer(last)


def test_no_messages_get_an_answer() -> None:
    assert isinstance(answer([], []), TextAnswer)


def test_a_long_echo_is_cut() -> None:
    assert len(words(text_answer(user("word " * 5000)))) < 400


@pytest.mark.parametrize("text", ["get_weather please", "Get weather, please", "use a tool"])
def test_a_named_tool_is_called_with_what_its_schema_requires(text: str) -> None:
    call = answer([user(text)], [WEATHER, END_CALL])
    assert isinstance(call, ToolCall)
    assert call.name == "get_weather"
    assert json.loads(call.arguments) == {"city": "example city", "days": 3}


def test_the_tool_that_is_named_is_called() -> None:
    assert answer([user("please end call now")], [WEATHER, END_CALL]) == ToolCall("end_call", "{}")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("none", None), ("required", "get_weather"), ({"type": "function", "function": {"name": "end_call"}}, "end_call")],
)
def test_tool_choice_is_respected(choice: object, expected: str | None) -> None:
    found = answer([user("hello" if choice != "none" else "use a tool")], [WEATHER, END_CALL], choice)
    assert (found.name if isinstance(found, ToolCall) else None) == expected


def test_it_answers_with_a_tools_result() -> None:
    assert "21 degrees" in text_answer(user("get_weather"), {"role": "tool", "content": "21 degrees"})


def test_tools_that_are_not_functions_are_ignored() -> None:
    assert isinstance(answer([user("use a tool")], [{"type": "web_search"}, {"function": {}}]), TextAnswer)


def json_answer(response_format: object) -> object:
    found = answer([user("hello")], [], "auto", response_format)
    assert isinstance(found, TextAnswer)
    return json.loads(found.text)


def test_a_schema_is_answered_with_a_value_for_it() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": WEATHER["function"]["parameters"]}}  # type: ignore[index]
    assert json_answer(schema) == {"city": "example city", "days": 3}
    assert json_answer({"type": "json_schema"}) is not None


def test_json_without_a_schema_has_the_echo() -> None:
    found = json_answer({"type": "json_object"})
    assert isinstance(found, dict)
    assert "hello" in found["answer"]


@pytest.mark.parametrize("response_format", [None, {"type": "text"}, "json_object", {}])
def test_elsewhere_the_answer_is_text(response_format: object) -> None:
    found = answer([user("hello")], [], "auto", response_format)
    assert isinstance(found, TextAnswer)
    assert found.text.startswith("You said: hello")


def test_a_tool_is_called_whatever_the_format() -> None:
    assert isinstance(answer([user("get weather")], [WEATHER], "required", {"type": "json_object"}), ToolCall)


@given(st.text())
def test_words_join_to_the_text(text: str) -> None:
    assert "".join(words(text)) == text


def test_a_long_word_is_cut() -> None:
    assert len(text_answer(user("x" * 1_000_000))) < 10_000


def test_long_names_of_many_tools_are_not_compared_in_full() -> None:
    tools = [{"type": "function", "function": {"name": f"{'x' * 100_000} {number}"}} for number in range(500)]
    began_s = time.process_time()
    assert isinstance(answer([user("hello " * 200_000)], tools), TextAnswer)
    assert time.process_time() - began_s < 1


def test_spaces_at_the_end_are_one_piece_found_in_linear_time() -> None:
    began = time.process_time()
    assert words("a" + " " * 500_000) == ["a", " " * 500_000]
    assert time.process_time() - began < 1.0  # minutes where each space is looked at once for each space before it
