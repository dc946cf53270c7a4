"""Reads a stream of Anthropic's Messages API as the chunks of a chat completion.

The events: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pydantic_core import to_json

from gateway.domain.codec import Memory, Piece
from gateway.providers.anthropic.chunks import END, Chunks, finish_reason
from gateway.providers.anthropic.usage import with_openai_counters
from switchboard.stream.deltas import Delta, Json, read_error
from switchboard.stream.sse import Event


@dataclass(slots=True)
class _ToolUse:
    """A tool_use block under way: its number among the calls, the input that its start gave, whether more has come."""

    index: int
    given: Json
    has_arguments: bool = False


class AnthropicReader:
    """Turns events into chunks as they come; `ping`, signatures and what is not documented become nothing.

    Usage is told only with the stop reason: until then the output's count is a placeholder, and left out.
    """

    def __init__(self, _memory: Memory, now: Callable[[], float] = time.time) -> None:
        self._chunks = Chunks("msg_unnamed", "claude", int(now()))
        self._usage: dict[str, object] = {}
        self._is_usage_due = False
        self._tools: dict[int | None, _ToolUse] = {}
        self._tool_count = 0
        self._readers: dict[object, Callable[[Json], Iterator[Piece]]] = {
            "message_start": self._start,
            "content_block_start": self._block_start,
            "content_block_delta": self._block_delta,
            "content_block_stop": self._block_stop,
            "message_delta": self._message_delta,
            "message_stop": self._stop,
        }

    def read(self, event: Event) -> Iterable[Piece]:
        """The chunks of one event. Raises ValueError when its data is no JSON object."""
        if event.data is None:
            return ()
        said = _object(event.data)
        kind = said.get("type")
        if kind == "error" or "error" in said:
            return (Piece(b"", Delta(error=read_error(event.data))),)
        read = self._readers.get(str(kind))
        return list(read(said)) if read is not None else ()

    def finish(self) -> Iterable[Piece]:
        """The usage that a stream without its last event still owes."""
        return list(self._owed_usage())

    def _start(self, said: Json) -> Iterator[Piece]:
        message = _part(said, "message")
        self._chunks.completion_id = _text(message, "id") or self._chunks.completion_id
        self._chunks.model = _text(message, "model") or self._chunks.model
        self._count(message)
        prompt = {name: count for name, count in self._usage.items() if name != "output_tokens"}
        yield self._chunks.role(prompt or None)

    def _block_start(self, said: Json) -> Iterator[Piece]:
        block = _part(said, "content_block")
        if block.get("type") == "tool_use":
            tool = self._tools[_place(said)] = _ToolUse(self._tool_count, _part(block, "input"))
            self._tool_count += 1
            call_id = _text(block, "id") or f"call_{self._chunks.completion_id}_{tool.index}"
            yield self._chunks.tool_call(tool.index, call_id, _text(block, "name"))
        else:
            yield from self._said(block)

    def _block_delta(self, said: Json) -> Iterator[Piece]:
        delta = _part(said, "delta")
        if delta.get("type") != "input_json_delta":
            yield from self._said(delta)
        elif (tool := self._tools.get(_place(said))) and (fragment := _text(delta, "partial_json")):
            tool.has_arguments = True
            yield self._chunks.arguments(tool.index, fragment)

    def _block_stop(self, said: Json) -> Iterator[Piece]:
        tool = self._tools.pop(_place(said), None)
        if tool is not None and not tool.has_arguments:  # a call without arguments must still be JSON to the caller
            yield self._chunks.arguments(tool.index, to_json(tool.given).decode())

    def _message_delta(self, said: Json) -> Iterator[Piece]:
        self._count(said)
        if (reason := _part(said, "delta").get("stop_reason")) is not None:
            self._is_usage_due = bool(self._usage)
            yield self._chunks.finish(finish_reason(reason))

    def _stop(self, _said: Json) -> Iterator[Piece]:
        yield from self._owed_usage()
        yield END

    def _said(self, part: Json) -> Iterator[Piece]:
        if text := _text(part, "text"):
            yield self._chunks.text(text)
        if thought := _text(part, "thinking"):
            yield self._chunks.reasoning(thought)

    def _count(self, part: Json) -> None:
        """Later counts replace earlier ones: they are cumulative."""
        self._usage |= {name: count for name, count in _part(part, "usage").items() if count is not None}

    def _owed_usage(self) -> Iterator[Piece]:
        if self._is_usage_due:
            self._is_usage_due = False
            yield self._chunks.usage(with_openai_counters(self._usage))


def _object(data: bytes) -> Json:
    try:
        parsed: object = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(parsed, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - what a Reader promises
    return parsed


def _part(of: Json, name: str) -> Json:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _place(said: Json) -> int | None:
    """Which content block an event is for."""
    index = said.get("index")
    return index if isinstance(index, int) else None


def _text(of: Json, name: str) -> str:
    found = of.get(name)
    return found if isinstance(found, str) else ""
