from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.stream.deltas import DONE as END
from switchboard.stream.deltas import Delta, read_chunk, read_completion
from switchboard.stream.provider_errors import read_error
from switchboard.stream.sse import EventSplitter
from switchboard.stream.transcript import Transcript, assemble
from testkit.openai_events import DONE, chunk, event, finish, role, tool_call, usage, usage_object

RECORDED = {
    "spoken": role() + chunk("Grüß ") + chunk("Gott 🙂") + finish() + usage(9, 3) + DONE,
    "comments and named events": b": OPENROUTER PROCESSING\n\n" * 3
    + b"event: message\nid: 1\n"
    + chunk("Hello")
    + b"event: ping\ndata: {}\n\n"
    + finish()
    + DONE,
    "carriage returns": (chunk("予約") + finish() + usage(1, 1) + DONE).replace(b"\n", b"\r\n"),
    "parallel tools": role()
    + tool_call("", name="first", call_id="c1")
    + tool_call("", name="second", call_id="c2", index=1)
    + tool_call('{"a":"ü', index=1)
    + tool_call("{}")
    + tool_call('"}', index=1)
    + finish("tool_calls")
    + DONE,
    "uncounted tools": chunk(tool_calls=[{"id": "c1", "function": {"name": "a", "arguments": "{}"}}])
    + chunk(tool_calls=[{"id": "c2", "function": {"name": "b", "arguments": "[]"}}])
    + finish("tool_calls"),
    "cumulative usage, no index": event({"choices": [{"delta": {"content": "a"}}], "usage": usage_object(5, 1)})
    + event({"choices": [{"delta": {"content": "b"}}], "usage": usage_object(5, 2)})
    + DONE,
    "reasoning and a broken event": chunk(reasoning_content="Hm.") + b"data: {brok\n\n" + chunk("Ja.") + finish(),
    "no blank line at the end": chunk("a") + finish() + usage(2, 1).rstrip(),
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "choices",
        "usage",
        "error",
        "errors",
        "message",
        "id",
        "model",
        "x_groq",
        "delta",
        "index",
        "finish_reason",
        "content",
        "tool_calls",
        "function",
        "function_call",
        "name",
        "arguments",
        "reasoning",
        "refusal",
        "text",
        "code",
    ]
)
SHAPELESS = st.recursive(
    JSON, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4), max_leaves=20
)


def _fold(chunks: list[bytes]) -> Transcript:
    """Event by event as the bytes arrive, as the gateway does."""
    splitter, transcript = EventSplitter(), Transcript()
    events = [event for piece in chunks for event in splitter.feed(piece)]
    last = splitter.finish()
    for found in [*events, last] if last else events:
        if found.data is not None and found.data != END:
            try:
                transcript.add(read_chunk(found.data))
            except ValueError:
                continue
    return transcript


@pytest.mark.parametrize("name", RECORDED)
def test_any_split_in_two_gives_the_same_transcript(name: str) -> None:
    stream = RECORDED[name]
    whole = assemble(stream)
    assert whole.is_useful
    for cut in range(len(stream) + 1):
        folded = _fold([stream[:cut], stream[cut:]])
        assert folded.completion() == whole.completion()
        assert folded.characters == whole.characters


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(RECORDED)), st.lists(st.integers(0, 2000), max_size=30))
def test_any_split_in_many_gives_the_same_transcript(name: str, cuts: list[int]) -> None:
    stream = RECORDED[name]
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(places)]
    assert _fold(pieces).completion() == assemble(stream).completion()


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=40), st.lists(st.integers(0, 40), max_size=6))
def test_split_text_is_joined_unchanged(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    deltas = [chunk(text[start:end]) for start, end in pairwise(places)]
    said = assemble(b"".join(deltas))
    assert said.choices[0].message()["content"] == text
    assert said.characters == len(text)


@settings(max_examples=200, deadline=None)
@given(SHAPELESS)
def test_any_json_can_be_read(shapeless: object) -> None:
    data = event(shapeless).removeprefix(b"data: ").strip()
    transcript = Transcript()
    for read in (read_chunk, read_completion):
        try:
            delta = read(data)
        except ValueError:
            assert not isinstance(shapeless, dict)
            continue
        assert isinstance(delta, Delta)
        transcript.add(delta)
    assert transcript.completion()["object"] == "chat.completion"
    assert read_error(data).message


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=64))
def test_any_error_body_gives_a_message(body: bytes) -> None:
    assert read_error(body).message
