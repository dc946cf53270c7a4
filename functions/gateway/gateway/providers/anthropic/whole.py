"""Reads a whole (not streamed) answer of Anthropic's Messages API as a chat completion."""

import time
from collections.abc import Callable

from gateway.domain.codec import Memory, WholeAnswer
from gateway.domain.json_text import read_json_object, write_json
from gateway.providers.anthropic.chunks import Fields, finish_reason
from gateway.providers.anthropic.usage import with_openai_counters
from gateway.providers.chat_completions.tool_call_numbers import FURTHER_CALLS
from switchboard.domain.limits import MAX_TOOL_CALLS
from switchboard.stream.deltas import Delta, Json, read_completion_object


def read_message(body: bytes, _memory: Memory, now: Callable[[], float] = time.time) -> WholeAnswer:
    """The message as a completion; a body that is not a message passes as it is, with its error, if it has one."""
    try:
        message = read_json_object(body)
    except ValueError:
        return WholeAnswer(body, Delta())
    if not isinstance(blocks := message.get("content"), list):
        return WholeAnswer(body, Delta(error=read_completion_object(message).error))
    blocks, notes = _read_blocks(blocks)
    completion = _completion(message, blocks, int(now()))
    return WholeAnswer(write_json(completion), read_completion_object(completion), notes)


def _read_blocks(blocks: list[object]) -> tuple[list[Json], tuple[str, ...]]:
    """The blocks of content, without the tool calls beyond those that are read, and what is noted of that."""
    read: list[Json] = []
    calls = 0
    for block in blocks:
        if isinstance(block, dict):
            calls += block.get("type") == "tool_use"
            if calls <= MAX_TOOL_CALLS or block.get("type") != "tool_use":
                read.append(block)
    return read, (FURTHER_CALLS,) if calls > MAX_TOOL_CALLS else ()


def _completion(message: Json, blocks: list[Json], created_s: int) -> Fields:
    said = _message(blocks)
    reason = finish_reason(message.get("stop_reason"), has_calls="tool_calls" in said)
    completion: Fields = {
        "id": message.get("id") or "msg_unnamed",
        "object": "chat.completion",
        "created": created_s,
        "model": message.get("model") or "claude",
        "choices": [{"index": 0, "message": said, "finish_reason": reason}],
    }
    if isinstance(usage := message.get("usage"), dict):
        completion["usage"] = with_openai_counters(usage)
    return completion


def _message(blocks: list[Json]) -> Fields:
    message: Fields = {"role": "assistant", "content": _joined(blocks, "text") or None}
    if thought := _joined(blocks, "thinking"):
        message["reasoning_content"] = thought
    if calls := [_tool_call(block, index) for index, block in enumerate(_of_type(blocks, "tool_use"))]:
        message["tool_calls"] = calls
    return message


def _tool_call(block: Json, index: int) -> Fields:
    arguments = write_json(block.get("input") or {}).decode()
    function = {"name": block.get("name") or "", "arguments": arguments}
    return {"id": block.get("id") or f"call_{index}", "type": "function", "function": function}


def _joined(blocks: list[Json], kind: str) -> str:
    return "".join(text for block in _of_type(blocks, kind) if isinstance(text := block.get(kind), str))


def _of_type(blocks: list[Json], kind: str) -> list[Json]:
    return [block for block in blocks if block.get("type") == kind]
