"""Writes a reply in the form of Anthropic's Messages API: as named events, or as one message.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

import json
from collections.abc import Iterator
from itertools import batched

from testkit.twins.dialect import Json, Refusal
from testkit.twins.reply import Reply, ToolUse, Trouble
from testkit.upstream import EVENT_STREAM, Answer, End, Framing, Step, json_answer

MESSAGE_ID = "msg_01TwinTwinTwinTwinTwin"
SIGNATURE = "EqQBCgIYAhIkc2lnbmF0dXJlLW9mLXRoZS10d2lu"
PIECES_BEFORE_TROUBLE = 2
BROKEN = Refusal(529, "Overloaded", type="overloaded_error")


def error(refusal: Refusal) -> Json:
    """An error body."""
    return {
        "type": "error",
        "error": {"type": refusal.type, "message": refusal.message},
        "request_id": "req_011TwinTwinTwinTwinTwin",
    }


def output_counts(reply: Reply) -> Json:
    """The output's counts in the usage. Thinking is part of the output."""
    counts = reply.counts
    if not reply.thoughts:
        return {"output_tokens": counts.spoken}
    details = {"thinking_tokens": counts.reasoning}
    return {"output_tokens": counts.spoken + counts.reasoning, "output_tokens_details": details}


def tool_use_id(number: int, body: Json) -> str:
    """The id of a reply's nth call, different on every turn."""
    return f"toolu_01Twin{len(body['messages'])}_{number}"


def whole(reply: Reply, body: Json, usage: Json) -> Answer:
    """The reply as one message."""
    if reply.trouble in {Trouble.REPORTED_FIRST, Trouble.REPORTED_LATER}:
        return json_answer(error(BROKEN))
    message = _message(body, usage | output_counts(reply)) | {
        "content": _content(reply, body),
        "stop_reason": _stop_reason(reply),
    }
    text = json.dumps(message, ensure_ascii=False).encode()
    if reply.trouble is Trouble.CUT:
        return Answer([text[: len(text) // 2], End.CLOSE], headers={"content-type": "application/json"})
    if reply.trouble is Trouble.SILENT:
        return Answer([End.HANG], headers={"content-type": "application/json"})
    return Answer(_cut([text], reply), headers={"content-type": "application/json"}, framing=Framing.CHUNKED)


def stream(reply: Reply, body: Json, usage: Json) -> Answer:
    """The reply as an event stream."""
    start = _event("message_start", message=_message(body, usage | {"output_tokens": 1}))
    if reply.trouble is Trouble.REPORTED_FIRST:
        return Answer([start, _event("ping"), _error_event()], headers=EVENT_STREAM)
    if reply.trouble is Trouble.SILENT:
        return Answer([start, _event("ping"), End.HANG], headers=EVENT_STREAM)
    steps: list[Step] = [start, *_blocks(reply, body)]
    if reply.trouble in {Trouble.CUT, Trouble.REPORTED_LATER}:
        useful = [number for number, step in enumerate(steps) if isinstance(step, bytes) and _is_useful(step)]
        ending: Step = _error_event() if reply.trouble is Trouble.REPORTED_LATER else End.CLOSE
        return Answer([*steps[: useful[PIECES_BEFORE_TROUBLE]], ending], headers=EVENT_STREAM)
    final = {"stop_reason": _stop_reason(reply), "stop_sequence": None}
    # The last event's counts are the whole message's, its prompt's among them.
    steps.append(_event("message_delta", delta=final, usage=usage | output_counts(reply)))
    steps.append(_event("message_stop"))
    return Answer(_cut(steps, reply), headers=EVENT_STREAM)


def _message(body: Json, usage: Json) -> Json:
    return {
        "id": MESSAGE_ID,
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def _content(reply: Reply, body: Json) -> list[Json]:
    blocks: list[Json] = []
    if reply.thoughts:
        blocks.append({"type": "thinking", "thinking": reply.thought, "signature": SIGNATURE})
    if reply.words:
        blocks.append({"type": "text", "text": reply.text})
    return [*blocks, *(_tool_use(tool, n, body) for n, tool in enumerate(reply.tools))]


def _tool_use(tool: ToolUse, number: int, body: Json) -> Json:
    arguments = json.loads(tool.arguments or "{}")
    return {"type": "tool_use", "id": tool_use_id(number, body), "name": tool.name, "input": arguments}


def _blocks(reply: Reply, body: Json) -> Iterator[bytes]:
    index = 0
    if reply.thoughts:
        deltas = [{"type": "thinking_delta", "thinking": thought} for thought in reply.thoughts]
        deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        yield from _block(index, {"type": "thinking", "thinking": "", "signature": ""}, deltas)
        index += 1
    if reply.words:
        deltas = [{"type": "text_delta", "text": word} for word in reply.words]
        yield from _block(index, {"type": "text", "text": ""}, deltas)
        index += 1
    for number, tool in enumerate(reply.tools):
        pieces = ["", *("".join(piece) for piece in batched(tool.arguments, 7, strict=False))]
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        yield from _block(index, _tool_use(tool, number, body) | {"input": {}}, deltas)
        index += 1


def _block(index: int, opening: Json, deltas: list[Json]) -> Iterator[bytes]:
    yield _event("content_block_start", index=index, content_block=opening)
    yield _event("ping")
    for delta in deltas:
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _stop_reason(reply: Reply) -> str:
    return "tool_use" if reply.tools else "end_turn"


def _is_useful(event: bytes) -> bool:
    return b'"text_delta"' in event or b'"input_json_delta"' in event


def _error_event() -> bytes:
    body = error(BROKEN)
    del body["type"]
    return _event("error", **body)


def _event(name: str, **fields: object) -> bytes:
    data = json.dumps({"type": name, **fields}, separators=(",", ":"), ensure_ascii=False)
    return f"event: {name}\ndata: {data}\n\n".encode()


def _cut(steps: list[Step], reply: Reply) -> list[Step]:
    size = reply.piece_bytes
    if size:
        text = b"".join(step for step in steps if isinstance(step, bytes))
        steps = [text[start : start + size] for start in range(0, len(text), size)]
    if not reply.pause_s:
        return steps
    return [part for step in steps for part in (step, reply.pause_s)]
