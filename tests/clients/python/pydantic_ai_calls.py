"""pydantic-ai's OpenAI chat model, pointed at the gateway."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from scenario import BASE_URL, KEY, MODEL, RESULT, play, task_id


class Booking(BaseModel):
    """A table in a restaurant."""

    name: str
    guests: int


def agent(scenario: str, model: str = MODEL, key: str = KEY, output: Any = str) -> Agent[None, Any]:
    """An agent, as a user sets it up."""
    chat = OpenAIChatModel(model, provider=OpenAIProvider(base_url=BASE_URL, api_key=key))
    return Agent(chat, output_type=output, model_settings={"extra_headers": task_id(scenario)})


async def speak(scenario: str, model: str, key: str) -> AsyncGenerator[str]:
    """Text, streamed."""
    async with agent(scenario, model, key).run_stream(scenario) as run:
        async for piece in run.stream_text(delta=True, debounce_by=None):
            yield piece


async def act(scenario: str, model: str) -> dict[str, Any]:
    """Tool calls, their results, and the answer to them."""
    with_tool = agent(scenario, model)

    @with_tool.tool_plain
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"{RESULT} in {city}"

    async with with_tool.run_stream(scenario) as run:
        text = "".join([piece async for piece in run.stream_text(delta=True)])
        parts = [part for message in run.all_messages() if isinstance(message, ModelResponse) for part in message.parts]
    calls = [part for part in parts if isinstance(part, ToolCallPart)]
    return {"calls": [{"name": call.tool_name, "arguments": call.args_as_dict()} for call in calls], "text": text}


async def structured() -> dict[str, Any]:
    """An answer that follows a schema."""
    run = await agent("structured", output=NativeOutput(Booking)).run("structured")
    return {"value": run.output.model_dump()}


if __name__ == "__main__":
    asyncio.run(play(speak, act, structured))
