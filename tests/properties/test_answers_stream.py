"""Laws of normalising: splits change nothing, no text is lost, reasoning is never content, it is idempotent."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.clock import Clock
from gateway.domain.codec import AnswerContext
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.providers.chat_completions.thinking import TaggedReasoning
from gateway.relay.stream import Stream
from switchboard.stream.transcript import Transcript, assemble
from testkit.openai_events import DONE, chunk, event, finish, role, tool_call, usage, usage_object

R1 = "@cf/deepseek-ai/deepseek-r1-distill-qwen-32b"


def _bare(delta: dict[str, Any], **others: Any) -> bytes:
    return event({"choices": [{"delta": delta}], **others})


def _call(call_id: str | None, **others: Any) -> dict[str, Any]:
    made = {"type": "function", "function": {"name": "look_up", "arguments": '{"q":"ü"}'}}
    return made | ({"id": call_id} if call_id else {}) | others


RECORDED: dict[str, tuple[str, str, bytes]] = {
    "openai": (
        "openai",
        "gpt-4o",
        role()
        + chunk("Grüß ", obfuscation="x1")
        + tool_call("", name="f", call_id="c1")
        + tool_call("{}")
        + finish("tool_calls")
        + usage(9, 3)
        + DONE,
    ),
    "azure": (
        "azure",
        "gpt-4o",
        event({"id": "", "choices": [], "model": "", "object": "", "created": 0, "prompt_filter_results": [{}]})
        + role()
        + chunk("Ja 🙂")
        + finish()
        + usage(9, 3)
        + DONE,
    ),
    "google": (
        "google",
        "gemini-3-flash",
        _bare({"role": "assistant", "content": "<thought>Plan.</thou"}, usage=usage_object(5, 1))
        + _bare({"content": "ght>Sofort. "}, usage=usage_object(5, 2))
        + _bare({"tool_calls": [_call("", extra_content={"google": {"thought_signature": "s1"}})]})
        + _bare({"tool_calls": [_call("c2")]}, usage=usage_object(5, 9))
        + event({"choices": [{"index": 0, "delta": {}, "finish_reason": "STOP"}], "usage": usage_object(5, 9)})
        + DONE,
    ),
    "groq": (
        "groq",
        "qwen/qwen3-32b",
        role()
        + chunk("", reasoning="Hm.", channel="analysis")
        + chunk("Ja.")
        + event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "x_groq": {"usage": {"a": 1}}})
        + DONE,
    ),
    "together": (
        "together",
        "deepseek-ai/DeepSeek-R1",
        chunk("<think>\nOkay.\n</think>\n\nJa, ") + chunk("gern.") + finish("eos") + DONE,
    ),
    "cloudflare": (
        "cloudflare",
        R1,
        _bare({"content": "Okay, "})
        + _bare({"content": "so.\n</th"})
        + _bare({"content": "ink>\n\n"})
        + _bare({"content": "予約ですね。"})
        + _bare({}, usage=usage_object(3, 4))
        + DONE,
    ),
    "deepseek": (
        "deepseek",
        "deepseek-reasoner",
        b": keep-alive\n\n" + chunk(None, reasoning_content="Hm.") + chunk("Ja.") + finish() + usage(2, 2) + DONE,
    ),
    "mistral": (
        "mistral",
        "magistral-medium",
        _bare({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]})
        + _bare({"content": [{"type": "text", "text": "Oui."}]})
        + event({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "model_length"}]})
        + DONE,
    ),
    "openrouter": (
        "openrouter",
        "qwen/qwen3",
        b": OPENROUTER PROCESSING\n\n" * 2
        + chunk("", reasoning="Hm.")
        + chunk("Ja")
        + event({"error": {"code": 502, "message": "gone"}, "choices": [{"delta": {}, "finish_reason": "error"}]})
        + DONE,
    ),
    "bedrock": (
        "bedrock",
        "openai.gpt-oss-20b-1:0",
        chunk("<reasoning>One.</reasoning>") + chunk("<reasoning> Two.</reasoning>Ja.") + finish("end_turn"),
    ),
    "generic": (
        "generic",
        "m",
        b"event: message\r\n"
        + chunk("<thi").replace(b"\n", b"\r\n")
        + b"data: {brok\n\n"
        + chunk("n ice>")
        + b"event: ping\ndata: {}\n\n"
        + chunk("!").rstrip(),
    ),
}
ASKED_USAGE = [True, False]


def _reader(name: str, *, wants_usage: bool) -> Stream:
    provider, model, _ = RECORDED[name]
    context = AnswerContext(model, "0" * 32, 1_795_000_000, wants_usage, SignatureMemory(Clock()))
    return Stream(table.by_dialect(provider).make_reader(context), Transcript(), wants_usage, [])


def _hear(name: str, pieces: list[bytes], *, wants_usage: bool) -> tuple[bytes, Stream]:
    stream = _reader(name, wants_usage=wants_usage)
    passed = [stream.feed(piece) for piece in pieces]
    return b"".join(passed) + stream.finish(), stream


def _cut(whole: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    return [whole[start:end] for start, end in pairwise(places)]


@pytest.mark.parametrize("wants_usage", ASKED_USAGE)
@pytest.mark.parametrize("name", RECORDED)
def test_any_split_in_two_gives_the_same_bytes_and_the_same_transcript(name: str, wants_usage: bool) -> None:
    recorded = RECORDED[name][2]
    expected, whole = _hear(name, [recorded], wants_usage=wants_usage)
    for cut in range(len(recorded) + 1):
        raw, stream = _hear(name, [recorded[:cut], recorded[cut:]], wants_usage=wants_usage)
        assert raw == expected
        assert stream.transcript.completion() == whole.transcript.completion()
        assert (stream.notes, stream.error) == (whole.notes, whole.error)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(RECORDED)), st.booleans(), st.lists(st.integers(0, 3000), max_size=40))
def test_any_split_in_many_gives_the_same_bytes(name: str, wants_usage: bool, cuts: list[int]) -> None:
    recorded = RECORDED[name][2]
    expected, _ = _hear(name, [recorded], wants_usage=wants_usage)
    assert _hear(name, _cut(recorded, cuts), wants_usage=wants_usage)[0] == expected


@pytest.mark.parametrize("wants_usage", ASKED_USAGE)
@pytest.mark.parametrize("name", RECORDED)
def test_normalising_twice_changes_nothing(name: str, wants_usage: bool) -> None:
    once, _ = _hear(name, [RECORDED[name][2]], wants_usage=wants_usage)
    provider, _model, _ = RECORDED[name]
    context = AnswerContext("m", "1" * 32, 1, wants_usage, SignatureMemory(Clock()))
    again = Stream(table.by_dialect(provider).make_reader(context), Transcript(), wants_usage, [])
    assert again.feed(once) + again.finish() == once


@pytest.mark.parametrize("name", RECORDED)
def test_the_transcript_equals_what_the_caller_received(name: str) -> None:
    raw, stream = _hear(name, [RECORDED[name][2]], wants_usage=True)
    kept: Any = stream.transcript.completion()
    received: Any = assemble(raw).completion()
    if stream.error is None:
        assert received == kept
    else:  # an error event of the gateway's own follows
        assert received["choices"][0]["message"] == kept["choices"][0]["message"]


WORDS = ["<", ">", "/", "think", "reasoning", "<think>", "</think>", "</thi", "<reasoning>", " ", "\n", "a", "ü"]
SPEECH = st.lists(st.sampled_from(WORDS), max_size=12).map("".join)
WITHIN = SPEECH.filter(lambda text: "</think>" not in text)


def _separated(pieces: list[str]) -> tuple[str, str]:
    stream = _reader("generic", wants_usage=False)
    raw = stream.feed(b"".join(map(chunk, pieces)) + finish() + DONE) + stream.finish()
    message: Any = assemble(raw).choices[0].message()
    assert json.loads(json.dumps(message)) == stream.transcript.choices[0].message()
    return message.get("reasoning_content") or "", message["content"] or ""


@settings(max_examples=150, deadline=None)
@given(WITHIN, SPEECH, st.lists(st.integers(0, 80), max_size=12))
def test_reasoning_is_never_content_and_no_text_is_lost(thought: str, answer: str, cuts: list[int]) -> None:
    text = f"<think>{thought}</think>Well: {answer}"
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    assert _separated([text[start:end] for start, end in pairwise(places)]) == (thought, f"Well: {answer}")


@settings(max_examples=150, deadline=None)
@given(SPEECH, st.lists(st.integers(0, 80), max_size=12))
def test_text_without_an_opening_tag_passes_unchanged(text: str, cuts: list[int]) -> None:
    text = f"Well: {text}"
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    assert _separated([text[start:end] for start, end in pairwise(places)]) == ("", text)


@settings(max_examples=150, deadline=None)
@given(st.lists(SPEECH, max_size=6))
def test_only_white_space_and_tags_are_removed(pieces: list[str]) -> None:
    tagged = TaggedReasoning()
    parts = [tagged.split(piece) for piece in pieces] + [tagged.end("stop")]
    kept = "".join(reasoning for reasoning, _ in parts) + "".join(answer for _, answer in parts)
    given_text = "".join(pieces)
    assert len("".join(kept.split())) <= len("".join(given_text.split()))
    if not given_text.lstrip().startswith(("<think>", "<reasoning>")):
        assert kept == given_text


FIELDS = st.sampled_from(
    [
        *("choices", "delta", "message", "index", "finish_reason", "content", "reasoning", "reasoning_content"),
        *("tool_calls", "id", "function", "name", "arguments", "extra_content", "google", "thought", "usage"),
        *("x_groq", "error", "errors", "object", "created", "model", "type", "text", "thinking", "function_call"),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-1, 2) | st.floats() | st.sampled_from(["", "a", "<think>", "error"])
SHAPELESS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5), max_leaves=25
)
CHOICES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("index", "delta", "message", "finish_reason", "error"), SHAPELESS)
)
BODIES = st.fixed_dictionaries({"choices": st.lists(CHOICES, max_size=2)}, optional={"usage": SHAPELESS}) | SHAPELESS


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["google", "cloudflare", "openai"]), st.booleans(), st.lists(BODIES, max_size=3))
def test_any_json_is_read_or_raises_value_error(provider: str, wants_usage: bool, bodies: list[Any]) -> None:
    context = AnswerContext(R1, "0" * 32, 1_795_000_000, wants_usage, SignatureMemory(Clock()))
    row = table.by_dialect(provider)
    stream = Stream(row.make_reader(context), Transcript(), wants_usage, [])
    raw = stream.feed(b"".join(map(event, bodies))) + stream.finish()
    assert raw.count(DONE) <= 1
    for body in bodies:
        assert row.read_answer(json.dumps(body).encode(), context).raw
