"""The events of an OpenAI-shaped stream, each as the bytes on the wire, and a whole completion."""

import json
from typing import Any

DONE = b"data: [DONE]\n\n"
COMPLETION_ID = "chatcmpl-scripted"
MODEL = "scripted-model"
CREATED_S = 1_795_176_000


def event(data: object) -> bytes:
    """One event with that JSON."""
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


def chunk(content: str | None = None, *, finish_reason: str | None = None, **delta: Any) -> bytes:
    """A chunk of the first choice; what else its delta holds goes by name (`role=`, `reasoning_content=`)."""
    if content is not None:
        delta["content"] = content
    return event(_envelope([{"index": 0, "delta": delta, "finish_reason": finish_reason}]))


def role() -> bytes:
    """The preamble that most providers begin with: a role and no content."""
    return chunk("", role="assistant")


def finish(reason: str = "stop") -> bytes:
    """The chunk that ends the choice."""
    return chunk(finish_reason=reason)


def tool_call(arguments: str, *, name: str | None = None, call_id: str | None = None, index: int = 0) -> bytes:
    """A fragment of a tool call; its first one carries name and id."""
    call: dict[str, Any] = {"index": index, "function": {"arguments": arguments}}
    if name is not None:
        call["function"]["name"] = name
        call["type"] = "function"
    if call_id is not None:
        call["id"] = call_id
    return chunk(tool_calls=[call])


def usage(prompt: int, completion: int, **details: Any) -> bytes:
    """The usage-only chunk (`choices: []`); details such as `prompt_tokens_details=` go by name."""
    return event(_envelope([], usage=usage_object(prompt, completion, **details)))


def usage_object(prompt: int, completion: int, **details: Any) -> dict[str, Any]:
    """OpenAI's usage object."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        **details,
    }


def error(message: str, code: str | None = None) -> bytes:
    """An error in the middle of a stream."""
    return event({"error": {"message": message, "type": "server_error", "param": None, "code": code}})


def completion(content: str | None, *, finish_reason: str = "stop", **message: Any) -> dict[str, Any]:
    """A whole completion; what else its message holds goes by name (`tool_calls=`)."""
    return {
        "id": COMPLETION_ID,
        "object": "chat.completion",
        "created": CREATED_S,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": finish_reason,
            }
        ],
        "usage": usage_object(3, 2),
    }


def _envelope(choices: list[dict[str, Any]], **others: Any) -> dict[str, Any]:
    return {
        "id": COMPLETION_ID,
        "object": "chat.completion.chunk",
        "created": CREATED_S,
        "model": MODEL,
        "choices": choices,
        **others,
    }
