"""What of an answer is content: reasoning in its own field or marked, audio and images, and text that JSON refuses."""

import json
from typing import Any

import pytest

from gateway.providers import table
from gateway.providers.rows.generic import GENERIC
from testkit.openai_events import DONE, chunk, completion, finish, role, tool_call
from testkit.read_answers import StreamedAnswer, bare, context, whole

HALF = b'"\\ud83d"'


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    said = chunk("x").replace(b'"x"', HALF) + tool_call("ARGS", name="f", call_id="c1").replace(b'"ARGS"', HALF)
    answer = StreamedAnswer(said + finish("tool_calls") + DONE)
    assert b"\\ud83d" not in answer.raw
    assert answer.content == answer.calls[0]["function"]["arguments"] == "\ufffd"
    body = json.dumps(completion("x")).encode().replace(b'"x"', HALF)
    read = GENERIC.read_answer(body, context())
    assert json.loads(read.raw)["choices"][0]["message"]["content"] == "\ufffd"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_know_becomes_null(number: str) -> None:
    choice = {"index": 0, "delta": {"content": "a"}, "finish_reason": None, "logprobs": "x"}
    answer = StreamedAnswer(bare(choice).replace(b'"x"', number.encode()) + finish() + DONE)
    assert number.encode() not in answer.raw
    assert answer.chunks[0]["choices"][0]["logprobs"] is None
    body = json.dumps(completion("x") | {"score": "y"}).encode().replace(b'"y"', number.encode())
    assert number.encode() not in GENERIC.read_answer(body, context()).raw


def test_a_byte_order_mark_is_left_out() -> None:
    mark = b"\xef\xbb\xbf"
    said = role() + chunk("Yes.") + finish() + DONE
    assert StreamedAnswer(mark + said).raw == said
    body = json.dumps(completion("Yes.")).encode()
    assert json.loads(GENERIC.read_answer(mark + body, context()).raw) == json.loads(body)


@pytest.mark.parametrize("model", ["deepseek/deepseek-r1", "qwen/qwq-32b", "Qwen/Qwen3-30B-A3B-Thinking-2507"])
@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("reason", ["stop", "length"])
@pytest.mark.parametrize("provider", ["openrouter", "generic", "together"])
def test_content_streams_where_the_reasoning_has_a_field_of_its_own(
    provider: str, reason: str, field: str, model: str
) -> None:
    said = role() + chunk(None, **{field: "Hm."}) + chunk("Ye") + chunk("s.")
    begun = StreamedAnswer(said, provider, model)
    assert (begun.content, begun.transcript.is_useful) == ("Yes.", True)
    answer = StreamedAnswer(said + finish(reason) + DONE, provider, model)
    assert (answer.reasoning, answer.content, answer.transcript.finish_reason) == ("Hm.", "Yes.", reason)
    body = completion("Yes.", finish_reason=reason, **{field: "Hm."})
    read = table.by_dialect(provider).read_answer(json.dumps(body).encode(), context(model))
    message = json.loads(read.raw)["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("Hm.", "Yes.")


def test_words_before_a_tool_call_are_content_where_the_reasoning_has_a_field_of_its_own() -> None:
    said = chunk("", reasoning="Hm.") + chunk("One moment.") + tool_call("{}", name="f", call_id="c1")
    answer = StreamedAnswer(said + finish("tool_calls") + DONE, "openrouter", "deepseek/deepseek-r1")
    assert (answer.content, answer.reasoning) == ("One moment.", "Hm.")


def test_an_empty_reasoning_field_is_no_reasoning() -> None:
    said = chunk("", reasoning=None) + chunk("Hm.", reasoning_content="") + chunk("</think>Yes.") + finish() + DONE
    answer = StreamedAnswer(said, "openrouter", "deepseek/deepseek-r1")
    assert (answer.reasoning, answer.content) == ("Hm.", "Yes.")


MARK: dict[str, Any] = {"extra_content": {"google": {"thought": True}}}


def thought(text: str) -> bytes:
    """A chunk that Gemini marks as a thought."""
    return chunk(text, **MARK)


THOUGHTS = {
    "tags over chunks": thought("<thought>Plan") + thought(" it.") + chunk("</thought>The answer is ") + chunk("4."),
    "the opening tag in parts": thought("<tho") + thought("ught>Plan it.") + chunk("</thought>The answer is 4."),
    "the closing tag in parts": thought("<thought>Plan it.") + chunk("</tho") + chunk("ught>The answer is 4."),
    "the closing tag marked too": thought("<thought>Plan it.</thought>") + chunk("The answer is 4."),
    "no tags": thought("Plan") + thought(" it.") + chunk("The answer") + chunk(" is 4."),
    "a closing tag alone": thought("Plan it.") + chunk("</thought>The answer is 4."),
    "a closing tag alone in parts": thought("Plan it.") + chunk("</") + chunk("thought>The answer is 4."),
    "a closing tag alone, marked": thought("Plan it.</thought>") + chunk("The answer is 4."),
}


@pytest.mark.parametrize("provider", ["google", "openrouter", "generic"])
@pytest.mark.parametrize("name", THOUGHTS)
def test_marked_thoughts_are_reasoning_and_their_tags_are_left_out(name: str, provider: str) -> None:
    answer = StreamedAnswer(THOUGHTS[name] + finish() + DONE, provider, "gemini-2.5-flash")
    assert (answer.reasoning, answer.content) == ("Plan it.", "The answer is 4.")


def test_a_second_marked_thought_is_reasoning_too() -> None:
    answer = StreamedAnswer(thought("One.") + chunk("First. ") + thought("Two.") + chunk("Second.") + DONE, "google")
    assert (answer.reasoning, answer.content) == ("One.Two.", "First. Second.")


@pytest.mark.parametrize(
    ("content", "reasoning", "text"),
    [
        ("The current time is Noon.", None, "The current time is Noon."),
        ("<thought>Plan.</thought>It is noon.", "Plan.", "It is noon."),
    ],
)
def test_a_whole_marked_message_is_read_by_its_tags_alone(content: str, reasoning: str | None, text: str) -> None:
    read = whole({"content": content, **MARK}, "google")
    message = json.loads(read.raw)["choices"][0]["message"]
    assert (message.get("reasoning_content"), message["content"]) == (reasoning, text)
    assert read.delta.is_useful


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
MEDIA: dict[str, dict[str, Any]] = {
    "audio": {"audio": {"id": "a1", "data": "UklG", "transcript": ""}},
    "a transcript": {"audio": {"id": "a1", "transcript": "Yes."}},
    "images": {"images": [IMAGE]},
    "parts": {"content": [IMAGE]},
}


@pytest.mark.parametrize("name", MEDIA)
def test_audio_and_images_are_an_answer(name: str) -> None:
    fields = {"content": None, **MEDIA[name]}
    answer = StreamedAnswer(bare({"index": 0, "delta": fields}) + finish() + DONE)
    assert answer.transcript.is_useful
    kept = answer.transcript.choices[0].message()
    read = whole(fields)
    assert read.delta.is_useful
    sent = json.loads(read.raw)["choices"][0]["message"]
    for message in (sent, kept, answer.deltas[0]):
        assert message.get("audio") == fields.get("audio")
        assert message.get("images") == (None if "audio" in name or "transcript" in name else [IMAGE])


def test_empty_objects_are_no_answer() -> None:
    fillers = {"audio": {"id": "", "data": "", "transcript": ""}, "function_call": {"name": "", "arguments": ""}}
    assert not whole({"content": None, "images": [], "tool_calls": [], **fillers}).delta.is_useful
    assert not StreamedAnswer(bare({"index": 0, "delta": {"content": "", **fillers}})).transcript.is_useful
