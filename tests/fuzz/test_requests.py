"""Whatever a caller sends, under every provider's row: an answer that can be read, a trace, a request that is JSON."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.providers import table
from testkit.fuzz_bodies import damaged, each_place, nearly, serialised
from testkit.fuzz_checks import Asked
from testkit.fuzz_gateway import FuzzedGateway, routed

FUNCTION: dict[str, Any] = {"name": "look.up", "description": "d", "parameters": {"type": "object", "properties": {}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look.up", "arguments": '{"q": 1}'}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
GOOD: dict[str, Any] = {
    "model": "gpt-4o",
    "stream": True,
    "stream_options": {"include_usage": True},
    "messages": [
        {"role": "system", "content": "You are Mira."},
        {"role": "user", "content": [{"type": "text", "text": "Hello?"}, IMAGE], "name": "José"},
        {"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None},
        {"role": "tool", "tool_call_id": "call_1", "content": "1"},
        {"role": "user", "content": "And?"},
    ],
    "tools": [{"type": "function", "function": FUNCTION}],
    "tool_choice": {"type": "function", "function": {"name": "look.up"}},
    "temperature": 0.5,
    "max_tokens": 100,
    "stop": ["x"],
    "n": 1,
    "user_id": "u",
    "reasoning_effort": "low",
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}},
    "elevenlabs_extra_body": {"a": 1},
    "metadata": {"k": "v"},
}
MODELS = {"anthropic": "claude-opus-4-6", "google": "gemini-3-flash", "xai": "grok-4", "openai": "gpt-5.6"}
THOROUGH = ("anthropic", "openai", "mistral")
"""Rows that between them have every way of writing a request."""
ROWS = sorted(row.dialect for row in table.PROVIDERS)
HEADER_VALUES = st.sampled_from(
    [
        b"",
        b"a",
        "予約".encode(),
        b"\xe9\xff",
        b"a" * 300,
        b"true",
        b"0",
        b"-1",
        b"NaN",
        b"none",
        b"groq/x",
        b"/",
        b"%00",
    ]
) | st.binary(max_size=20).map(lambda raw: bytes(byte for byte in raw if byte >= 0x20 and byte != 0x7F))
HEADER_NAMES = st.sampled_from(
    [
        *("x-inference-task-id", "x-inference-environment", "x-inference-metadata-caller-id", "x-inference-metadata-"),
        *("x-inference-metadata-conversation-id", "x-inference-provider-api-key", "x-inference-ttft-timeout-ms"),
        *("x-inference-fallback", "x-inference-hedge-after-ms", "x-inference-capture", "x-inference-zero-retention"),
        *("x-inference-provider-url", "x-inference-provider", "x-inference-key-groq", "x-inference-unheard-of"),
    ]
)
URLS = [b"https://xn--a", b"https://[::1", b"https://a:99999", b"https://\xe9.example", b"https://a..b", b"ftp://a"]
HEADERS = st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=3) | st.sampled_from(URLS).map(
    lambda url: {"x-inference-provider-url": url}
)


def good_body(row: str) -> dict[str, Any]:
    """A request with everything in it, for one of the row's models."""
    return GOOD | {"model": MODELS.get(row, "some-model")}


@settings(max_examples=40)
@given(st.data())
@pytest.mark.parametrize("row", ROWS)
def test_any_body(gateway: FuzzedGateway, row: str, data: st.DataObject) -> None:
    body = data.draw(damaged(serialised(data.draw(nearly(good_body(row))))))
    assert gateway.faults(Asked(body, tuple(routed(row).items()))) == []


@pytest.mark.parametrize("row", THOROUGH)
def test_strange_things_in_every_place(gateway: FuzzedGateway, row: str) -> None:
    headers = tuple(routed(row).items())
    for path, body in each_place(good_body(row)):
        assert gateway.faults(Asked(serialised(body), headers)) == [], path


@settings(max_examples=300)
@given(st.sampled_from(ROWS), HEADERS, st.sampled_from([GOOD, {"messages": []}]))
def test_any_headers(gateway: FuzzedGateway, row: str, headers: dict[str, bytes], body: dict[str, Any]) -> None:
    assert gateway.faults(Asked(serialised(body), tuple((routed(row) | headers).items()))) == []
