"""OpenAI's own Python SDK, with the gateway as its base URL and no other option."""

import json
from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolUnionParam

from testkit.local_system import LocalSystem

MODEL = "demo/echo"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello from Python"}]
TOOLS: list[ChatCompletionToolUnionParam] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


@pytest.fixture
def client(system: LocalSystem) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=system.base_url, api_key=system.key) as running:
        yield running


def test_it_streams_text_and_no_usage_that_was_not_asked_for(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "Hello from Python" in text
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert [chunk.usage for chunk in chunks if chunk.usage is not None] == []


def test_it_reads_usage_when_asked_for(client: openai.OpenAI) -> None:
    *chunks, last = client.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.prompt_tokens == 3
    assert last.usage.completion_tokens == sum(bool(chunk.choices[0].delta.content) for chunk in chunks)


def test_it_reads_a_whole_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=HELLO)
    assert "Hello from Python" in (answer.choices[0].message.content or "")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_it_streams_a_tool_call_and_its_round_trip(client: openai.OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Please call get_weather"}]
    name, call_id, arguments = "", "", ""
    for chunk in client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS, stream=True):
        for delta in chunk.choices[0].delta.tool_calls or []:
            assert delta.function is not None
            name += delta.function.name or ""
            call_id += delta.id or ""
            arguments += delta.function.arguments or ""
    assert name == "get_weather"
    assert "city" in json.loads(arguments)
    messages += [
        {
            "role": "assistant",
            "tool_calls": [{"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}],
        },
        {"role": "tool", "tool_call_id": call_id, "content": "21 degrees and sunny"},
    ]
    spoken = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS, stream=True)
    assert "21 degrees and sunny" in "".join(chunk.choices[0].delta.content or "" for chunk in spoken)


def test_it_lists_models(client: openai.OpenAI) -> None:
    assert MODEL in [model.id for model in client.models.list()]


def test_a_bad_key_is_its_authentication_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        client.with_options(api_key="sb-wrong", max_retries=0).chat.completions.create(model=MODEL, messages=HELLO)
    assert caught.value.code == "key_unknown"
    assert caught.value.response.headers["x-inference-trace-id"]


def test_it_knows_the_requests_id(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=HELLO)
    assert answer._request_id
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("nobody")
    assert refused.value.request_id not in (None, answer._request_id)


async def test_the_asynchronous_client_streams_too(system: LocalSystem) -> None:
    async with openai.AsyncOpenAI(base_url=system.base_url, api_key=system.key) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert "Hello from Python" in text
