"""Every provider's row makes an accepted request of any call, and notes what it changed."""

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api.body import read_chat
from gateway.domain.clock import Clock
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.providers.provider import Provider

CHAT_ROWS = st.sampled_from([row for row in table.PROVIDERS if row.dialect != "anthropic"])
MODELS = st.sampled_from(["m", "gpt-5.6", "o3", "gpt-4o", "grok-4", "gemini-3-flash", "claude-opus-4-6"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
CALLS = st.lists(
    st.fixed_dictionaries(
        {}, optional={"id": st.sampled_from(["call_1", "D681PevKs"]) | ANYTHING, "function": ANYTHING, "x": ANYTHING}
    ),
    max_size=2,
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool"]) | st.text()},
        optional={
            "content": st.text() | ANYTHING,
            "name": ANYTHING,
            "tool_calls": CALLS | ANYTHING,
            "tool_call_id": st.sampled_from(["call_1", "D681PevKs"]) | ANYTHING,
            "reasoning_content": ANYTHING,
        },
    ),
    max_size=6,
)
NAMES = ["temperature", "max_tokens", "max_completion_tokens", "n", "stop", "seed", "tools", "tool_choice", "user_id"]
FIELDS = st.dictionaries(st.sampled_from([*NAMES, "reasoning_effort", "parallel_tool_calls", "logprobs"]), ANYTHING)


def _sent(row: Provider, body: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    chat = read_chat(json.dumps(body).encode())
    encoded, notes = row.encode(chat, chat.model, SignatureMemory(Clock()))
    return json.loads(encoded), notes


@settings(max_examples=200, deadline=None)
@given(CHAT_ROWS, MODELS, MESSAGES, FIELDS, st.booleans())
def test_any_request_becomes_one_that_holds_only_what_is_accepted(
    row: Provider, model: str, messages: list[dict[str, Any]], fields: dict[str, Any], streamed: bool
) -> None:
    body = {"model": model, "messages": messages, "stream": streamed} | fields
    sent, notes = _sent(row, body)
    assert sent["model"] == model
    assert sent.get("stream", False) is streamed
    if row.accepts is not None:
        assert sent.keys() <= row.accepts
    if row.accepts_in_messages is not None:
        assert all(message.keys() <= row.accepts_in_messages for message in sent["messages"])
    if any(sent.get(name) != value for name, value in body.items() if name != "stream"):
        assert notes


@settings(max_examples=200, deadline=None)
@given(CHAT_ROWS, MODELS, MESSAGES, FIELDS)
def test_encoding_a_repaired_request_changes_nothing(
    row: Provider, model: str, messages: list[dict[str, Any]], fields: dict[str, Any]
) -> None:
    once, _ = _sent(row, {"model": model, "messages": messages} | fields)
    twice, notes = _sent(row, once)
    assert twice == once
    assert notes == ()


@settings(max_examples=150, deadline=None)
@given(CHAT_ROWS, MESSAGES)
def test_no_message_is_lost_and_none_but_results_is_moved(row: Provider, messages: list[dict[str, Any]]) -> None:
    marked = [message | {"content": f"turn {number}"} for number, message in enumerate(messages)]
    sent, _ = _sent(row, {"model": "m", "messages": marked})
    everything = json.dumps([message["content"] for message in sent["messages"]])
    found = [int(number) for number in re.findall(r"turn (\d+)", everything)]
    assert sorted(found) == list(range(len(marked)))
    in_place = [number for number, message in enumerate(marked) if message["role"] != "tool"]
    assert [number for number in found if marked[number]["role"] != "tool"] == in_place
