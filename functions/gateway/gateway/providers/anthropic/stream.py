"""Reads a stream of Anthropic's Messages API as the chunks of a chat completion.

The events: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gateway.domain.codec import AnswerEvent, Memory, TooMuch
from gateway.domain.json_text import object_field, read_json_object, text_field, write_json
from gateway.providers.anthropic.chunks import END, Chunks, finish_reason
from gateway.providers.anthropic.usage import with_openai_counters
from gateway.providers.chat_completions.tool_call_numbers import FURTHER_CALLS
from switchboard.domain.limits import MAX_ANSWER_NAME_CHARACTERS, MAX_TOOL_CALLS
from switchboard.stream.deltas import Delta, Json
from switchboard.stream.provider_errors import read_error
from switchboard.stream.sse import Event

MAX_COUNTERS = 64
"""Of usage. Anthropic documents ten."""


@dataclass(slots=True)
class _ToolUse:
    """A tool_use block that is not finished: its number among the calls, the input of its start, whether more came."""

    index: int
    given: Json
    has_arguments: bool = False


class AnthropicReader:
    """Converts each event to chunks; `ping`, signatures and undocumented events give none.

    Usage is sent only after the stop reason: until then the output's count is a placeholder, and left out.
    """

    def __init__(self, _memory: Memory, now: Callable[[], float] = time.time) -> None:
        self._chunks = Chunks("msg_unnamed", "claude", int(now()))
        self._usage: dict[str, object] = {}
        self._is_usage_due = False
        self._tools: dict[int | None, _ToolUse] = {}
        self._tool_count = 0
        self._readers: dict[object, Callable[[Json], Iterator[AnswerEvent]]] = {
            "message_start": self._start,
            "content_block_start": self._block_start,
            "content_block_delta": self._block_delta,
            "content_block_stop": self._block_stop,
            "message_delta": self._message_delta,
            "message_stop": self._stop,
        }

    def read(self, event: Event) -> Iterable[AnswerEvent]:
        """The chunks of one event. Raises ValueError when its data is no JSON object."""
        if event.data is None:
            return ()
        fields = read_json_object(event.data)
        kind = fields.get("type")
        if kind == "error" or "error" in fields:
            return (AnswerEvent(b"", Delta(error=read_error(event.data))),)
        read = self._readers.get(str(kind))
        return list(read(fields)) if read is not None else ()

    def finish(self) -> Iterable[AnswerEvent]:
        """The usage of a stream that ended without its last event."""
        return list(self._held_usage())

    def _start(self, fields: Json) -> Iterator[AnswerEvent]:
        message = object_field(fields, "message")
        completion_id, model = text_field(message, "id"), text_field(message, "model")
        self._chunks.completion_id = completion_id[:MAX_ANSWER_NAME_CHARACTERS] or self._chunks.completion_id
        self._chunks.model = model[:MAX_ANSWER_NAME_CHARACTERS] or self._chunks.model
        self._count(message)
        prompt = {name: count for name, count in self._usage.items() if name != "output_tokens"}
        yield self._chunks.role(prompt or None)

    def _block_start(self, fields: Json) -> Iterator[AnswerEvent]:
        block = object_field(fields, "content_block")
        if block.get("type") == "tool_use":
            if self._tool_count >= MAX_TOOL_CALLS:
                raise TooMuch(FURTHER_CALLS)
            tool = self._tools[_index(fields)] = _ToolUse(self._tool_count, object_field(block, "input"))
            self._tool_count += 1
            call_id = text_field(block, "id") or f"call_{self._chunks.completion_id}_{tool.index}"
            yield self._chunks.tool_call(tool.index, call_id, text_field(block, "name"))
        else:
            yield from self._text_chunks(block)

    def _block_delta(self, fields: Json) -> Iterator[AnswerEvent]:
        delta = object_field(fields, "delta")
        if delta.get("type") != "input_json_delta":
            yield from self._text_chunks(delta)
        elif (tool := self._tools.get(_index(fields))) and (fragment := text_field(delta, "partial_json")):
            tool.has_arguments = True
            yield self._chunks.arguments(tool.index, fragment)

    def _block_stop(self, fields: Json) -> Iterator[AnswerEvent]:
        tool = self._tools.pop(_index(fields), None)
        if tool is not None and not tool.has_arguments:  # without a fragment the caller's arguments would not be JSON
            yield self._chunks.arguments(tool.index, write_json(tool.given).decode())

    def _message_delta(self, fields: Json) -> Iterator[AnswerEvent]:
        self._count(fields)
        if (reason := object_field(fields, "delta").get("stop_reason")) is not None:
            self._is_usage_due = bool(self._usage)
            yield self._chunks.finish(finish_reason(reason, has_calls=self._tool_count > 0))

    def _stop(self, _fields: Json) -> Iterator[AnswerEvent]:
        yield from self._held_usage()
        yield END

    def _text_chunks(self, part: Json) -> Iterator[AnswerEvent]:
        if text := text_field(part, "text"):
            yield self._chunks.text(text)
        if thought := text_field(part, "thinking"):
            yield self._chunks.reasoning(thought)

    def _count(self, part: Json) -> None:
        """Later counts replace earlier ones: they are cumulative."""
        for name, count in object_field(part, "usage").items():
            if count is not None and (name in self._usage or len(self._usage) < MAX_COUNTERS):
                self._usage[name] = count

    def _held_usage(self) -> Iterator[AnswerEvent]:
        if self._is_usage_due:
            self._is_usage_due = False
            yield self._chunks.usage(with_openai_counters(self._usage))


def _index(fields: Json) -> int | None:
    """The index of the content block that an event belongs to."""
    index = fields.get("index")
    return index if isinstance(index, int) else None
