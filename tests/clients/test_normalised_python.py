"""OpenAI's own Python SDK reads every provider's answers through the gateway."""

import json
from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolUnionParam, ParsedChatCompletion

from testkit.twins.dialect import Dialect
from testkit.twins.gateway import GATEWAY_KEY, TwinGateway, headers_for, twin_gateway
from testkit.twins.provider_twins import DIALECTS
from testkit.twins.sdk_calls import ASK_FOR_TEXT, ASK_FOR_TOOLS, CALLS, DEFINITIONS, SPOKEN, reply_to


@pytest.fixture(scope="module")
def gateway() -> Iterator[TwinGateway]:
    """A gateway with the twins of all providers."""
    with twin_gateway() as running:
        running.twins.reply = reply_to
        yield running


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Each provider in turn."""
    found: Dialect = request.param
    return found


@pytest.fixture
def client(gateway: TwinGateway, dialect: Dialect) -> Iterator[openai.OpenAI]:
    headers = headers_for(dialect.base_url) | dict(dialect.headers)
    with openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key=GATEWAY_KEY, default_headers=headers, max_retries=0
    ) as running:
        yield running


def asked(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "system", "content": "You are Mira."}, {"role": "user", "content": text}]


def put_together(client: openai.OpenAI, dialect: Dialect, text: str) -> ParsedChatCompletion[None]:
    """A stream as the SDK's own helper accumulates it."""
    tools: list[ChatCompletionToolUnionParam] = DEFINITIONS  # type: ignore[assignment]
    with client.chat.completions.stream(
        model=dialect.thinking_model, messages=asked(text), tools=tools, stream_options={"include_usage": True}
    ) as stream:
        return stream.get_final_completion()


def test_it_streams_text(client: openai.OpenAI, dialect: Dialect) -> None:
    answer = put_together(client, dialect, ASK_FOR_TEXT)
    assert (answer.choices[0].message.content or "").strip() == SPOKEN
    assert answer.choices[0].finish_reason == "stop"
    assert answer.object == "chat.completion"


def test_it_streams_tool_calls(client: openai.OpenAI, dialect: Dialect) -> None:
    message = put_together(client, dialect, ASK_FOR_TOOLS).choices[0].message
    calls = message.tool_calls or []
    assert [{"name": c.function.name, "arguments": json.loads(c.function.arguments)} for c in calls] == CALLS
    assert len({call.id for call in calls}) == len(CALLS)
    assert {call.type for call in calls} == {"function"}


def test_it_reads_usage(client: openai.OpenAI, dialect: Dialect) -> None:
    streamed = put_together(client, dialect, ASK_FOR_TEXT).usage
    whole = client.chat.completions.create(model=dialect.thinking_model, messages=asked(ASK_FOR_TEXT)).usage
    assert streamed is not None
    assert whole is not None
    assert streamed.prompt_tokens + streamed.completion_tokens <= streamed.total_tokens
    assert (streamed.completion_tokens, streamed.total_tokens > 0) == (whole.completion_tokens, True)


def test_it_reads_a_whole_answer(client: openai.OpenAI, dialect: Dialect) -> None:
    answer = client.chat.completions.create(model=dialect.thinking_model, messages=asked(ASK_FOR_TEXT))
    assert (answer.choices[0].message.content or "").strip() == SPOKEN
    assert answer.choices[0].index == 0
