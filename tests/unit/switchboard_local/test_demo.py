"""The demo provider implements OpenAI's chat completions API."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from switchboard_local.demo import Pace, create_app

QUICK = Pace(first_word_s=0, words_per_s=100_000)
HELLO: dict[str, Any] = {"model": "demo/echo", "messages": [{"role": "user", "content": "Hello, there"}]}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(QUICK))
    async with httpx.AsyncClient(transport=transport, base_url="http://demo") as running:
        yield running


async def stream(client: httpx.AsyncClient, **fields: Any) -> list[dict[str, Any]]:
    answer = await client.post("/chat/completions", json={**HELLO, "stream": True, **fields})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *events, done, rest = answer.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


async def test_it_streams_a_word_at_a_time(client: httpx.AsyncClient) -> None:
    first, *words, last = await stream(client)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert last["choices"][0]["finish_reason"] == "stop"
    assert all(len(chunk["choices"][0]["delta"]["content"].split()) == 1 for chunk in words)
    assert "Hello, there" in "".join(chunk["choices"][0]["delta"]["content"] for chunk in words)
    assert {chunk["object"] for chunk in (first, *words, last)} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in (first, *words, last)}) == 1


async def test_usage_comes_when_asked_for(client: httpx.AsyncClient) -> None:
    *chunks, last = await stream(client, stream_options={"include_usage": True})
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] == 2
    assert last["usage"]["completion_tokens"] == len(chunks) - 2
    assert last["usage"]["prompt_tokens_details"] == {"cached_tokens": 0}


async def test_the_whole_answer_is_the_streamed_one(client: httpx.AsyncClient) -> None:
    streamed = [chunk["choices"][0]["delta"].get("content", "") for chunk in await stream(client)]
    whole = (await client.post("/chat/completions", json=HELLO)).json()
    assert whole["object"] == "chat.completion"
    assert whole["choices"][0]["message"]["content"] == "".join(streamed)
    assert whole["usage"]["total_tokens"] == whole["usage"]["prompt_tokens"] + whole["usage"]["completion_tokens"]


async def test_a_tool_call_comes_in_several_deltas(client: httpx.AsyncClient) -> None:
    chunks = await stream(client, tools=TOOLS, messages=[{"role": "user", "content": "get_weather"}])
    calls = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert calls[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert calls[0]["id"]
    assert len(calls) > 2
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == {"city": "example city"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_max_tokens_cuts_the_answer(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/chat/completions", json={**HELLO, "max_tokens": 2})).json()
    assert answer["choices"][0]["message"]["content"] == "You said:"
    assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"[]", None),
        (b'{"messages": []}', "model"),
        (b'{"model": "demo/echo", "messages": "hi"}', "messages"),
        (b'{"model": "demo/echo", "messages": [], "max_tokens": -1}', "max_tokens"),
    ],
)
async def test_a_broken_body_is_refused_in_openais_shape(
    body: bytes, param: str | None, client: httpx.AsyncClient
) -> None:
    answer = await client.post("/chat/completions", content=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["message"]


async def test_deep_json_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/chat/completions", content=b"[" * 100_000)
    assert answer.status_code == 400
