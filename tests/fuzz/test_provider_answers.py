"""Whatever a provider answers, streamed or whole: an answer that can be read, a trace whose row fits, never a 500."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.providers import table
from testkit.fuzz_bodies import damaged, each_place, nearly, serialised
from testkit.fuzz_checks import Asked, Said
from testkit.fuzz_gateway import FuzzedGateway, routed

USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 3,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 1},
    "cost": 0.001,
}
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"q":1}'}}
AROUND = {"id": "c1", "created": 1_795_000_000, "model": "m"}
MESSAGE = {
    "role": "assistant",
    "content": "<think>Hm.</think>Ja.",
    "reasoning": "r",
    "refusal": None,
    "tool_calls": [CALL],
}
COMPLETION: dict[str, Any] = AROUND | {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "tool_calls", "logprobs": None}],
    "usage": USAGE,
}


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    """One chunk of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return AROUND | {"object": "chat.completion.chunk", "choices": [choice]}


THOUGHT = {"google": {"thought": True, "thought_signature": "s"}}
CHUNKS: list[Any] = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "<thought>a", "reasoning": "b", "extra_content": THOUGHT}),
    chunk({"content": "</thought>Ja."}),
    chunk({"tool_calls": [CALL]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": "2"}}]}),
    chunk({}, "stop"),
    AROUND | {"choices": [], "usage": USAGE, "x_groq": {"usage": USAGE}},
]
NATIVE_USAGE = {"input_tokens": 9, "output_tokens": 3, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 1}
TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"q": 1}}
NATIVE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-6",
    "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Ja."}, TOOL_USE],
    "stop_reason": "tool_use",
    "usage": NATIVE_USAGE,
}
NATIVE_EVENTS: list[Any] = [
    {"type": "message_start", "message": NATIVE | {"content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Ja."}},
    {"type": "content_block_start", "index": 1, "content_block": TOOL_USE | {"input": {}}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"q":1}'}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": NATIVE_USAGE},
    {"type": "message_stop"},
]
ERROR = {
    "error": {"message": "no", "type": "t", "param": "p", "code": "c", "metadata": {"raw": "x", "provider_name": "y"}}
}
THOROUGH = ("anthropic", "openai", "google")
"""Rows that between them have every way of reading an answer."""
ROWS = sorted(row.dialect for row in table.PROVIDERS)
ASKED = {"messages": [{"role": "user", "content": "Hello?"}]}
JSON = {"content-type": "application/json"}
HEADER_TEXTS = st.sampled_from(
    [
        "text/event-stream",
        "application/json",
        "",
        "text/html",
        "a\x00b",
        "a\r\nb: c",
        "\x7f",
        "é",
        "1",
        "-1",
        "1e400",
        "NaN",
    ]
)
HEADERS = st.fixed_dictionaries({"content-type": HEADER_TEXTS}, optional={"retry-after": HEADER_TEXTS})
STATUSES = st.sampled_from([200] * 6 + [201, 204, 301, 400, 401, 403, 404, 418, 429, 500, 503, 599])


def asked(row: str, *, streamed: bool, wants_usage: bool = True) -> Asked:
    """A call that is served under a row."""
    options = {"stream_options": {"include_usage": wants_usage}} if streamed else {}
    body = ASKED | {"model": "deepseek-r1" if row == "generic" else "some-model", "stream": streamed} | options
    return Asked(serialised(body), tuple(routed(row).items()))


def in_events(chunks: list[Any]) -> list[bytes]:
    """The chunks as a stream's events."""
    return [*(b"data: " + serialised(one) + b"\n\n" for one in chunks), b"data: [DONE]\n\n"]


@settings(max_examples=40)
@given(st.data())
@pytest.mark.parametrize("row", ROWS)
def test_any_stream(gateway: FuzzedGateway, row: str, data: st.DataObject) -> None:
    chunks = data.draw(nearly(NATIVE_EVENTS if row == "anthropic" else CHUNKS))
    call = asked(row, streamed=True, wants_usage=data.draw(st.booleans()))
    assert gateway.faults(call, Said(tuple(in_events(chunks)))) == []


@settings(max_examples=40)
@given(st.data())
@pytest.mark.parametrize("row", ROWS)
def test_any_whole_answer(gateway: FuzzedGateway, row: str, data: st.DataObject) -> None:
    body = serialised(data.draw(nearly(NATIVE if row == "anthropic" else COMPLETION)))
    assert gateway.faults(asked(row, streamed=False), Said((body,), headers=JSON)) == []


@settings(max_examples=300)
@given(st.sampled_from(ROWS), st.booleans(), STATUSES, HEADERS, st.data())
def test_any_bytes(
    gateway: FuzzedGateway, row: str, streamed: bool, status: int, headers: dict[str, str], data: st.DataObject
) -> None:
    documents = [NATIVE if row == "anthropic" else COMPLETION, ERROR, [ERROR]]
    bodies = [*map(serialised, documents), b"".join(in_events(NATIVE_EVENTS if row == "anthropic" else CHUNKS))]
    body = data.draw(damaged(data.draw(st.sampled_from(bodies))))
    cut = data.draw(st.integers(0, len(body)))
    assert gateway.faults(asked(row, streamed=streamed), Said((body[:cut], body[cut:]), status, headers)) == []


@pytest.mark.parametrize("row", THOROUGH)
def test_strange_things_in_every_place_of_a_stream(gateway: FuzzedGateway, row: str) -> None:
    call = asked(row, streamed=True)
    for path, chunks in each_place(NATIVE_EVENTS if row == "anthropic" else CHUNKS):
        assert gateway.faults(call, Said(tuple(in_events(chunks)))) == [], path


@pytest.mark.parametrize("row", THOROUGH)
def test_strange_things_in_every_place_of_a_whole_answer(gateway: FuzzedGateway, row: str) -> None:
    call = asked(row, streamed=False)
    for path, body in each_place(NATIVE if row == "anthropic" else COMPLETION):
        assert gateway.faults(call, Said((serialised(body),), headers=JSON)) == [], path
    for path, body in each_place(ERROR):
        assert gateway.faults(call, Said((serialised(body),), 400, JSON)) == [], path
