"""Writes a reply in a dialect: as an event stream, or as one completion."""

import json
from collections.abc import Iterator
from itertools import batched

from testkit.twins.dialect import Dialect, Json, Refusal, Thinking, UsagePlace
from testkit.twins.reply import Reply, ToolUse, Trouble
from testkit.upstream import EVENT_STREAM, Answer, End, Framing, Step, json_answer

DONE = b"data: [DONE]\n\n"
CREATED_S = 1_795_176_000
PIECES_BEFORE_TROUBLE = 2
BROKEN = Refusal(500, "The server had an error while processing your request.", "server_error", "server_error")


def stream(dialect: Dialect, reply: Reply, body: Json) -> Answer:
    """The reply as an event stream."""
    steps: list[Step] = [*dialect.comments]
    if reply.trouble is Trouble.REPORTED_FIRST:
        return Answer([*steps, _event(in_band(dialect))], headers=EVENT_STREAM)
    chunks = list(_chunks(dialect, reply, body))
    if reply.trouble is Trouble.SILENT:
        preamble = [c for c in chunks if not _is_useful(c)][: 1 + len(dialect.preamble)]
        return Answer([*steps, *map(_event, preamble), End.HANG], headers=EVENT_STREAM)
    if reply.trouble in {Trouble.CUT, Trouble.REPORTED_LATER}:
        useful = [number for number, chunk in enumerate(chunks) if _is_useful(chunk)]
        sent = [_event(chunk) for chunk in chunks[: useful[PIECES_BEFORE_TROUBLE]]]
        ending = [_event(in_band(dialect))] if reply.trouble is Trouble.REPORTED_LATER else [End.CLOSE]
        return Answer([*steps, *sent, *ending], headers=EVENT_STREAM)
    return Answer(_cut([*steps, *map(_event, chunks), DONE], reply), headers=EVENT_STREAM)


def whole(dialect: Dialect, reply: Reply, body: Json) -> Answer:
    """The reply as one completion."""
    if reply.trouble in {Trouble.REPORTED_FIRST, Trouble.REPORTED_LATER}:
        return json_answer(in_band(dialect))
    message: Json = {"role": "assistant", "content": reply.text or None} | _whole_thoughts(dialect, reply)
    if reply.tools:
        message["tool_calls"] = [_call(dialect, tool, n, body) for n, tool in enumerate(reply.tools)]
    choice = {"index": 0, "message": dialect.message(message), "finish_reason": _finish_reason(dialect, reply)}
    completion = _envelope(dialect, body, [choice], "chat.completion") | {"usage": dialect.usage(reply.counts)}
    text = json.dumps(completion, ensure_ascii=False).encode()
    if reply.trouble is Trouble.CUT:
        return Answer([text[: len(text) // 2], End.CLOSE], headers={"content-type": "application/json"})
    return Answer(_cut([text], reply), headers={"content-type": "application/json"}, framing=Framing.CHUNKED)


def in_band(dialect: Dialect) -> object:
    """The error that is sent in place of a chunk."""
    return (dialect.in_band_error or dialect.error)(BROKEN)


def _chunks(dialect: Dialect, reply: Reply, body: Json) -> Iterator[Json]:
    yield from dialect.preamble
    usage = dialect.usage(reply.counts)
    is_asked = bool((body.get("stream_options") or {}).get("include_usage"))
    deltas = [{"role": "assistant", "content": ""}] if dialect.begins_with_role else []
    deltas += [*_thought_deltas(dialect, reply), *({"content": word} for word in reply.words)]
    deltas += list(_tool_deltas(dialect, reply, body))
    in_every = {"usage": usage} if dialect.usage_place is UsagePlace.EVERY_CHUNK else {}
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        yield dialect.chunk(_envelope(dialect, body, [choice]) | in_every)
    last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": _finish_reason(dialect, reply)}
    end = _envelope(dialect, body, [last])
    if dialect.usage_place in {UsagePlace.LAST_CHUNK, UsagePlace.EVERY_CHUNK}:
        end["usage"] = usage
    if dialect.usage_place is UsagePlace.X_GROQ:
        end["x_groq"] = {"id": "req_01k0twin", "usage": usage}
    yield dialect.chunk(end)
    on_request = {UsagePlace.OWN_CHUNK_IF_ASKED, UsagePlace.X_GROQ}
    if dialect.usage_place is UsagePlace.OWN_CHUNK or (is_asked and dialect.usage_place in on_request):
        yield dialect.chunk(_envelope(dialect, body, []) | {"usage": usage})


def _thought_deltas(dialect: Dialect, reply: Reply) -> Iterator[Json]:
    if not reply.thoughts:
        return
    if dialect.thinking is Thinking.TAGS:
        yield from ({"content": piece} for piece in ("<th", "ink>\n", *reply.thoughts, "\n</thi", "nk>\n\n"))
        return
    for thought in reply.thoughts:
        if dialect.thinking is Thinking.REASONING_CONTENT:
            yield {"content": None, "reasoning_content": thought}
        elif dialect.thinking is Thinking.REASONING:
            yield {"reasoning": thought}
        elif dialect.thinking is Thinking.PARTS:
            yield {"content": [_thinking_part(thought)]}


def _whole_thoughts(dialect: Dialect, reply: Reply) -> Json:
    if not reply.thoughts:
        return {}
    match dialect.thinking:
        case Thinking.REASONING_CONTENT:
            return {"reasoning_content": reply.thought}
        case Thinking.REASONING:
            return {"reasoning": reply.thought}
        case Thinking.TAGS:
            return {"content": f"<think>\n{reply.thought}\n</think>\n\n{reply.text}"}
        case Thinking.PARTS:
            return {"content": [_thinking_part(reply.thought), {"type": "text", "text": reply.text}]}
        case Thinking.HIDDEN | Thinking.BLOCKS:
            return {}


def _thinking_part(thought: str) -> Json:
    return {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}


def _tool_deltas(dialect: Dialect, reply: Reply, body: Json) -> Iterator[Json]:
    for number, tool in enumerate(reply.tools):
        call = _call(dialect, tool, number, body)
        if dialect.whole_tool_calls:
            yield {"role": "assistant", "content": None, "tool_calls": [{"index": number} | call]}
            continue
        function = call["function"]
        opening = call | {"function": function | {"arguments": ""}}
        yield {"tool_calls": [{"index": number} | opening]}
        for piece in batched(function["arguments"], 7, strict=False):
            yield {"tool_calls": [{"index": number, "function": {"arguments": "".join(piece)}}]}


def _call(dialect: Dialect, tool: ToolUse, number: int, body: Json) -> Json:
    earlier = sum(len(message.get("tool_calls") or ()) for message in body["messages"])
    call_id = dialect.call_id(earlier + number)
    known = {} if call_id is None else {"id": call_id}
    return dialect.tool_call(
        known | {"type": "function", "function": {"name": tool.name, "arguments": tool.arguments}}, number
    )


def _finish_reason(dialect: Dialect, reply: Reply) -> str:
    return dialect.tool_finish if reply.tools else "stop"


def _is_useful(chunk: Json) -> bool:
    deltas = [choice.get("delta", {}) for choice in chunk.get("choices", ())]
    return any(delta.get("content") or delta.get("tool_calls") for delta in deltas)


def _envelope(dialect: Dialect, body: Json, choices: list[Json], kind: str = "chat.completion.chunk") -> Json:
    return {
        "id": f"chatcmpl-{dialect.name}",
        "object": kind,
        "created": CREATED_S,
        "model": body["model"],
        "choices": choices,
    }


def _event(data: object) -> bytes:
    return b"data: " + json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def _cut(steps: list[Step], reply: Reply) -> list[Step]:
    whole_bytes = b"".join(step for step in steps if isinstance(step, bytes))
    size = reply.piece_bytes
    pieces = [whole_bytes[i : i + size] for i in range(0, len(whole_bytes), size)] if size else steps
    if not reply.pause_s:
        return list(pieces)
    return [step for piece in pieces for step in (piece, reply.pause_s)]
