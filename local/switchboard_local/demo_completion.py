"""A demo request and its answer in the formats of OpenAI's API."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from switchboard_local.demo_answer import TextAnswer, ToolCall, text_of, words

ARGUMENT_PIECE_CHARACTERS = 12


class InvalidBody(Exception):
    """The body is not a valid chat completion request. `param` is the invalid field."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The fields of a chat completion request that the demo uses."""

    model: str
    messages: Sequence[Mapping[str, object]]
    tools: Sequence[Mapping[str, object]] = ()
    tool_choice: object = "auto"
    response_format: object = None
    max_tokens: int | None = None
    is_streamed: bool = False
    wants_usage: bool = False

    @classmethod
    def parse(cls, body: bytes) -> "ChatRequest":
        """The request in these bytes. Raises InvalidBody."""
        try:
            fields = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise InvalidBody(f"The body is not JSON: {error}") from error
        if not isinstance(fields, dict):
            raise InvalidBody("The body must be a JSON object.")
        model, messages = fields.get("model"), fields.get("messages")
        if not isinstance(model, str):
            raise InvalidBody("`model` must be a string.", "model")
        if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
            raise InvalidBody("`messages` must be an array of objects.", "messages")
        limit = fields.get("max_completion_tokens", fields.get("max_tokens"))
        if limit is not None and not (isinstance(limit, int) and limit > 0):
            raise InvalidBody("`max_tokens` must be a whole number above 0.", "max_tokens")
        options = fields.get("stream_options")
        return cls(
            model=model,
            messages=messages,
            tools=tools if isinstance(tools := fields.get("tools"), list) else (),
            tool_choice=fields.get("tool_choice", "auto"),
            response_format=fields.get("response_format"),
            max_tokens=limit,
            is_streamed=fields.get("stream") is True,
            wants_usage=isinstance(options, dict) and options.get("include_usage") is True,
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer in the formats of OpenAI's API, cut to the caller's limit. A word counts as a token."""

    chat: ChatRequest
    answer: TextAnswer | ToolCall
    completion_id: str = field(default_factory=lambda: f"chatcmpl-demo-{uuid4().hex}")
    created_s: int = field(default_factory=lambda: int(time.time()))

    @property
    def pieces(self) -> list[str]:
        """The pieces of text or arguments that are streamed."""
        if isinstance(self.answer, TextAnswer):
            return words(self.answer.text)[: self.chat.max_tokens]
        text, step = self.answer.arguments, ARGUMENT_PIECE_CHARACTERS
        return [text[start : start + step] for start in range(0, len(text), step)]

    @property
    def finish_reason(self) -> str:
        """OpenAI's finish reason."""
        if isinstance(self.answer, ToolCall):
            return "tool_calls"
        return "stop" if len(self.pieces) == len(words(self.answer.text)) else "length"

    @property
    def usage(self) -> dict[str, Any]:
        """OpenAI's usage object."""
        prompt = sum(len(text_of(message).split()) for message in self.chat.messages)
        completion = len(self.pieces)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }

    def whole(self) -> dict[str, Any]:
        """The answer as one `chat.completion` object."""
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
        if isinstance(self.answer, TextAnswer):
            message["content"] = "".join(self.pieces)
        else:
            function = {"name": self.answer.name, "arguments": self.answer.arguments}
            message["tool_calls"] = [{"id": self._call_id(), "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason}
        return {**self._envelope("chat.completion"), "choices": [choice], "usage": self.usage}

    def first_chunk(self) -> dict[str, Any]:
        """The chunk with the role and no content."""
        return self._chunk({"role": "assistant", "content": "" if isinstance(self.answer, TextAnswer) else None})

    def chunks(self) -> list[dict[str, Any]]:
        """The chunks with content: one word each; of a tool call its name, then pieces of its arguments."""
        if isinstance(self.answer, TextAnswer):
            return [self._chunk({"content": piece}) for piece in self.pieces]
        function = {"name": self.answer.name, "arguments": ""}
        opening = {"index": 0, "id": self._call_id(), "type": "function", "function": function}
        pieces = [{"index": 0, "function": {"arguments": piece}} for piece in self.pieces]
        return [self._chunk({"tool_calls": [call]}) for call in (opening, *pieces)]

    def last_chunks(self) -> list[dict[str, Any]]:
        """The chunk with the finish reason and, if the caller asked for it, the one with the usage."""
        last = self._chunk({}, self.finish_reason)
        if not self.chat.wants_usage:
            return [last]
        return [last, {**self._envelope("chat.completion.chunk"), "choices": [], "usage": self.usage}]

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._envelope("chat.completion.chunk"), "choices": [choice]}

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {"id": self.completion_id, "object": kind, "created": self.created_s, "model": self.chat.model}

    def _call_id(self) -> str:
        return f"call_{self.completion_id[-24:]}"
