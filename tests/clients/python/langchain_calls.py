"""LangChain's ChatOpenAI, pointed at the gateway."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from scenario import BASE_URL, KEY, MODEL, RESULT, play, task_id


class Booking(BaseModel):
    """A table in a restaurant."""

    name: str
    guests: int


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"{RESULT} in {city}"


def chat(scenario: str, model: str = MODEL, key: str = KEY) -> ChatOpenAI:
    """The model, as a user sets it up."""
    headers = task_id(scenario)
    return ChatOpenAI(model=model, base_url=BASE_URL, api_key=key, default_headers=headers, max_retries=0)


async def speak(scenario: str, model: str, key: str) -> AsyncGenerator[str]:
    """Text, streamed."""
    async with aclosing(chat(scenario, model, key).astream(scenario)) as chunks:
        async for chunk in chunks:
            yield chunk.text


async def act(scenario: str, model: str) -> dict[str, Any]:
    """Tool calls, their results, and the answer to them."""
    chain = chat(scenario, model).bind_tools([get_weather], strict=True)
    question = HumanMessage(scenario)
    asked = None
    async for chunk in chain.astream([question]):
        asked = chunk if asked is None else asked + chunk
    assert asked is not None
    results = [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in asked.tool_calls]
    pieces = [chunk.text async for chunk in chain.astream([question, asked, *results])]
    calls = [{"name": call["name"], "arguments": call["args"]} for call in asked.tool_calls]
    return {"calls": calls, "text": "".join(pieces)}


async def structured() -> dict[str, Any]:
    """An answer that follows a schema."""
    booking = await chat("structured").with_structured_output(Booking, method="json_schema").ainvoke("structured")
    return {"value": booking.model_dump()}


if __name__ == "__main__":
    asyncio.run(play(speak, act, structured))
