import json
from itertools import pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.domain.clock import Clock
from gateway.providers.anthropic.stream import AnthropicReader
from gateway.providers.anthropic.usage import read_anthropic
from gateway.providers.anthropic.whole import read_message
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.relay.stream import Stream
from switchboard.stream.transcript import Transcript, assemble
from testkit.twins import anthropic_writing as writing
from testkit.twins.reply import Counts, Reply, ToolUse

MEMORY = SignatureMemory(Clock())
BODY = {"model": "claude-sonnet-4-6", "messages": []}
USAGE = {
    "input_tokens": 12,
    "cache_read_input_tokens": 6000,
    "cache_creation_input_tokens": 70,
    "cache_creation": {"ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 20},
}
WORDS = st.lists(st.text(min_size=1, max_size=8), max_size=5).map(tuple)
ARGUMENTS = st.dictionaries(st.text(max_size=4), st.text(max_size=8) | st.integers(), max_size=3).map(json.dumps)
TOOLS = st.lists(st.builds(ToolUse, st.sampled_from(["look_up", "end_call"]), ARGUMENTS | st.just("")), max_size=3)
REPLIES = st.builds(
    Reply,
    words=WORDS,
    thoughts=WORDS,
    tools=TOOLS.map(tuple),
    counts=st.builds(Counts, spoken=st.integers(0, 99), reasoning=st.integers(0, 99)),
)
RECORDED = Reply(
    words=("Guten ", "Tag, ", "Größe 42 🙂."),
    thoughts=("Der Anrufer ", "grüßt."),
    tools=(ToolUse("look_up", '{"city": "Köln"}'), ToolUse("end_call", "")),
)


def _wire(reply: Reply) -> bytes:
    return b"".join(step for step in writing.stream(reply, BODY, USAGE).steps if isinstance(step, bytes))


def _read(pieces: list[bytes]) -> tuple[bytes, Transcript, list[str]]:
    notes: list[str] = []
    stream = Stream(AnthropicReader(MEMORY, lambda: 1_795_176_000.0), Transcript(), wants_usage=True, notes=notes)
    passed = b"".join([*map(stream.feed, pieces), stream.finish()])
    assert stream.is_complete
    return passed, stream.transcript, notes


def _pieces(wire: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]
    return [wire[start:end] for start, end in pairwise(places)]


def test_any_split_in_two_gives_the_same_bytes() -> None:
    wire = _wire(RECORDED)
    whole = _read([wire])
    for cut in range(len(wire) + 1):
        passed, transcript, notes = _read([wire[:cut], wire[cut:]])
        assert (passed, transcript.completion(), notes) == (whole[0], whole[1].completion(), [])


@settings(max_examples=120, deadline=None)
@given(REPLIES, st.lists(st.integers(0, 5000), max_size=20))
def test_any_split_of_a_stream_gives_the_same_answer(reply: Reply, cuts: list[int]) -> None:
    passed, transcript, _ = _read(_pieces(_wire(reply), cuts))
    message = transcript.choices[0].message()
    assert message["content"] == (reply.text or None)
    assert message.get("reasoning_content", "") == reply.thought
    calls: Any = message.get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == [tool.name for tool in reply.tools]
    assert [json.loads(call["function"]["arguments"]) for call in calls] == [
        json.loads(tool.arguments or "{}") for tool in reply.tools
    ]
    assert assemble(passed).completion() == transcript.completion()
    assert passed.endswith(b"data: [DONE]\n\n")


@settings(max_examples=120, deadline=None)
@given(REPLIES)
def test_streamed_and_whole_answers_are_equal(reply: Reply) -> None:
    _, streamed, _ = _read([_wire(reply)])
    answer = b"".join(step for step in writing.whole(reply, BODY, USAGE).steps if isinstance(step, bytes))
    whole = Transcript()
    whole.add(read_message(answer, MEMORY).delta)
    if reply.words or reply.thoughts or reply.tools:
        by_stream, at_once = streamed.choices[0].message(), whole.choices[0].message()
        for calls in (by_stream.get("tool_calls"), at_once.get("tool_calls")):
            for call in calls if isinstance(calls, list) else []:
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        assert by_stream == at_once
    assert streamed.finish_reason == whole.finish_reason
    assert read_anthropic(streamed.usage) == read_anthropic(whole.usage)


@settings(max_examples=120, deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda v: st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "message",
                    "content_block",
                    "delta",
                    "usage",
                    "text",
                    "index",
                    "error",
                    "content",
                    "input",
                    "id",
                ]
            ),
            v,
        ),
    )
)
@example({"content_block": {"type": "tool_use"}, "index": [1]})
@example({"delta": {"type": "input_json_delta"}, "index": {"text": 1}})
def test_any_json_event_is_read_or_raises_value_error(shapeless: object) -> None:
    for kind in ("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"):
        data = {"type": kind} | shapeless if isinstance(shapeless, dict) else shapeless
        stream = Stream(AnthropicReader(MEMORY), Transcript(), wants_usage=True, notes=[])
        stream.feed(b"data: " + json.dumps(data).encode() + b"\n\n")
        stream.finish()
        read_message(json.dumps(data).encode(), MEMORY)
