"""Answers of Anthropic's Messages API in the words of a chat completion: what the gateway's callers must read of them.

Written from Anthropic's reference, apart from the gateway's own translation, which it checks.
https://platform.claude.com/docs/en/api/messages
"""

import json
from collections.abc import Iterable
from dataclasses import replace

from testkit.recorded_reading import Call, Filled, Json, JsonText, Reading, Said

_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def read_message(message: Json) -> Reading:
    """A whole message. Blocks of tools that run on Anthropic's servers have no counterpart, and are left out."""
    blocks = message.get("content") or []
    said = Said(
        text=_joined(blocks, "text") or None,
        reasoning_content=_joined(blocks, "thinking"),
        calls=tuple(
            Call(block["id"], "function", block["name"], JsonText(block["input"]))
            for block in blocks
            if block["type"] == "tool_use"
        ),
        finish_reason=_FINISH_REASONS.get(message.get("stop_reason") or "", message.get("stop_reason")),
        role="assistant",
    )
    around = {"id": message.get("id"), "model": message.get("model"), "object": "chat.completion"}
    around |= {"created": Filled(int)}
    return Reading(choices={0: said}, usage=_usage(message.get("usage")), around=around)


def read_message_events(events: Iterable[Json], error: object = None) -> Reading:
    """A streamed message, put together and then read as a whole one."""
    message: Json = {}
    blocks: dict[int, Json] = {}
    usage: Json = {}
    for event in events:
        match event.get("type"):
            case "message_start":
                message |= event["message"]
                usage |= _told(message.get("usage"))
            case "content_block_start":
                blocks[event["index"]] = dict(event["content_block"]) | {"json": ""}
            case "content_block_delta":
                _add(blocks[event["index"]], event["delta"])
            case "message_delta":
                message |= _told(event["delta"])
                usage |= _told(event.get("usage"))
            case "message_stop":
                break
    for block in blocks.values():
        if block["json"]:
            block["input"] = json.loads(block["json"])
    whole = read_message(message | {"content": list(blocks.values()), "usage": usage})
    said = replace(whole.choices[0], text=whole.choices[0].text or "")
    # Until the stop reason the output's count is a placeholder: one that broke off has told no usage.
    counted = whole.usage if message.get("stop_reason") else None
    return Reading(200, error, {0: said}, counted, whole.around | {"object": "chat.completion.chunk"})


def _add(block: Json, delta: Json) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "input_json_delta":
            block["json"] += delta["partial_json"]


def _joined(blocks: Iterable[Json], kind: str) -> str:
    return "".join(block[kind] for block in blocks if block["type"] == kind)


def _told(fields: Json | None) -> Json:
    return {name: value for name, value in (fields or {}).items() if value is not None}


def _usage(told: Json | None) -> Json | None:
    """OpenAI's counters, in which the cache's tokens are part of the prompt's, before Anthropic's own."""
    if not told:
        return None
    read = told.get("cache_read_input_tokens") or 0
    prompt = (told.get("input_tokens") or 0) + read + (told.get("cache_creation_input_tokens") or 0)
    output = told.get("output_tokens") or 0
    thought = (told.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": read},
        "completion_tokens_details": {"reasoning_tokens": thought},
    } | told
