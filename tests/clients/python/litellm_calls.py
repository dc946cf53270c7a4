"""LiteLLM's SDK, pointed at the gateway."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import litellm
from pydantic import BaseModel

from scenario import BASE_URL, KEY, MODEL, RESULT, play, task_id

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


class Booking(BaseModel):
    """A table in a restaurant."""

    name: str
    guests: int


async def complete(scenario: str, model: str = MODEL, key: str = KEY, **fields: Any) -> Any:
    """A completion by any server that speaks OpenAI's dialect, as LiteLLM's documentation sets it up."""
    messages = fields.pop("messages", [{"role": "user", "content": scenario}])
    return await litellm.acompletion(
        model=f"openai/{model}",
        api_base=BASE_URL,
        api_key=key,
        messages=messages,
        extra_headers=task_id(scenario),
        max_retries=0,
        **fields,
    )


async def speak(scenario: str, model: str, key: str) -> AsyncGenerator[str]:
    """Text, streamed."""
    stream = await complete(scenario, model, key, stream=True)
    try:
        async for chunk in stream:
            yield chunk.choices[0].delta.content or ""
    finally:
        await stream.aclose()


async def act(scenario: str, model: str) -> dict[str, Any]:
    """Tool calls, their results, and the answer to them."""
    question = {"role": "user", "content": scenario}
    chunks = [chunk async for chunk in await complete(scenario, model, messages=[question], tools=TOOLS, stream=True)]
    message = litellm.stream_chunk_builder(chunks).choices[0].message
    calls = [(call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls]
    results = [
        {"role": "tool", "tool_call_id": call_id, "content": f"{RESULT} in {arguments['city']}"}
        for call_id, _name, arguments in calls
    ]
    history = [question, message.model_dump(), *results]
    pieces = [
        chunk.choices[0].delta.content or ""
        async for chunk in await complete(scenario, model, messages=history, tools=TOOLS, stream=True)
    ]
    return {
        "calls": [{"name": name, "arguments": arguments} for _call_id, name, arguments in calls],
        "text": "".join(pieces),
    }


async def structured() -> dict[str, Any]:
    """An answer that follows a schema."""
    answer = await complete("structured", response_format=Booking)
    return {"value": json.loads(answer.choices[0].message.content)}


if __name__ == "__main__":
    asyncio.run(play(speak, act, structured))
