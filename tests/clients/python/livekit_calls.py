"""LiveKit Agents' OpenAI plugin, pointed at the gateway."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from livekit.agents import APIConnectOptions
from livekit.agents.llm import ChatContext, FunctionCall, FunctionCallOutput, function_tool
from livekit.plugins import openai
from pydantic import BaseModel

from scenario import BASE_URL, KEY, MODEL, RESULT, play, task_id

ONCE = APIConnectOptions(max_retry=0)


class Booking(BaseModel):
    """A table in a restaurant."""

    name: str
    guests: int


@function_tool
async def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"{RESULT} in {city}"


def llm(scenario: str, model: str = MODEL, key: str = KEY) -> openai.LLM:
    """The model, as an agent's session gets it."""
    return openai.LLM(model=model, base_url=BASE_URL, api_key=key, extra_headers=task_id(scenario))


def question(text: str) -> ChatContext:
    """A chat with one user message."""
    chat = ChatContext.empty()
    chat.add_message(role="user", content=text)
    return chat


async def speak(scenario: str, model: str, key: str) -> AsyncGenerator[str]:
    """Text, streamed."""
    async with (
        llm(scenario, model, key) as running,
        running.chat(chat_ctx=question(scenario), conn_options=ONCE) as stream,
    ):
        async for chunk in stream:
            if chunk.delta is not None:
                yield chunk.delta.content or ""


async def act(scenario: str, model: str) -> dict[str, Any]:
    """Tool calls, their results, and the answer to them."""
    chat, calls, text = question(scenario), [], ""
    async with llm(scenario, model) as running:
        async with running.chat(chat_ctx=chat, tools=[get_weather], conn_options=ONCE) as stream:
            calls = [call async for chunk in stream if chunk.delta for call in chunk.delta.tool_calls]
        for call in calls:
            result = await get_weather(**json.loads(call.arguments))
            chat.insert(FunctionCall(call_id=call.call_id, name=call.name, arguments=call.arguments))
            chat.insert(FunctionCallOutput(call_id=call.call_id, name=call.name, output=result, is_error=False))
        async with running.chat(chat_ctx=chat, tools=[get_weather], conn_options=ONCE) as stream:
            text = "".join([chunk.delta.content or "" async for chunk in stream if chunk.delta])
    return {"calls": [{"name": call.name, "arguments": json.loads(call.arguments)} for call in calls], "text": text}


async def structured() -> dict[str, Any]:
    """An answer that follows a schema."""
    async with (
        llm("structured") as running,
        running.chat(chat_ctx=question("structured"), response_format=Booking, conn_options=ONCE) as stream,
    ):
        pieces = [chunk.delta.content or "" async for chunk in stream if chunk.delta]
    return {"value": json.loads("".join(pieces))}


if __name__ == "__main__":
    asyncio.run(play(speak, act, structured))
