"""Reads an answer as a strict client does: every chunk must have all of its fields."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

type Json = dict[str, Any]


@dataclass(slots=True)
class ReceivedToolCall:
    """One tool call, assembled from its parts."""

    call_id: str = ""
    name: str = ""
    arguments: str = ""

    def message(self) -> Json:
        """The call as ElevenLabs sends it back: OpenAI's fields and no others."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.call_id, "type": "function", "function": function}


@dataclass(slots=True)
class ReceivedAnswer:
    """An answer, assembled from its chunks or read whole."""

    status: int
    text: str = ""
    reasoning: str = ""
    tools: list[ReceivedToolCall] = field(default_factory=list)
    finish_reason: str | None = None
    usages: list[Json] = field(default_factory=list)
    error: Json | None = None
    is_done: bool = False

    def message(self) -> Json:
        """The assistant's turn for the history, as ElevenLabs keeps it."""
        spoken: Json = {"role": "assistant", "content": self.text or None}
        return spoken | ({"tool_calls": [call.message() for call in self.tools]} if self.tools else {})


def read_response(response: httpx.Response) -> ReceivedAnswer:
    """The answer in a response. Raises AssertionError where a strict client would fail."""
    if response.headers["content-type"].startswith("text/event-stream"):
        return _read_stream(response)
    answer, body = ReceivedAnswer(response.status_code), response.json()
    if response.status_code != 200:
        answer.error = body["error"]
        assert set(body["error"]) == {"message", "type", "param", "code"}
        return answer
    assert body["object"] == "chat.completion"
    _assert_envelope(body)
    choice = body["choices"][0]
    assert choice["index"] == 0
    assert choice["message"]["role"] == "assistant"
    for number, call in enumerate(choice["message"].get("tool_calls") or ()):
        _add_tool_call(answer, {"index": number} | call)
    answer.text = choice["message"]["content"] or ""
    answer.reasoning = choice["message"].get("reasoning_content") or ""
    answer.finish_reason, answer.is_done = choice["finish_reason"], True
    answer.usages = [body["usage"]] if body.get("usage") else []
    return answer


def _read_stream(response: httpx.Response) -> ReceivedAnswer:
    answer = ReceivedAnswer(response.status_code)
    for line in response.content.decode().split("\n"):
        if not line.startswith("data:"):
            assert line.startswith(":") or not line.strip(), line
            continue
        data = line.removeprefix("data:").strip()
        assert not answer.is_done, "data after the end marker"
        assert answer.error is None, "data after an error"
        if data == "[DONE]":
            answer.is_done = True
        else:
            _add_chunk(answer, json.loads(data))
    return answer


def _add_chunk(answer: ReceivedAnswer, chunk: Json) -> None:
    if "error" in chunk:
        answer.error = chunk["error"]
        return
    assert chunk["object"] == "chat.completion.chunk"
    _assert_envelope(chunk)
    if chunk.get("usage"):
        answer.usages.append(chunk["usage"])
    for choice in chunk["choices"]:
        assert choice["index"] == 0
        delta = choice["delta"]
        content = delta.get("content") or ""
        assert isinstance(content, str)
        answer.text += content
        answer.reasoning += delta.get("reasoning_content") or ""
        answer.finish_reason = choice.get("finish_reason") or answer.finish_reason
        for call in delta.get("tool_calls") or ():
            _add_tool_call(answer, call)


def _add_tool_call(answer: ReceivedAnswer, part: Json) -> None:
    while len(answer.tools) <= part["index"]:
        answer.tools.append(ReceivedToolCall())
    call = answer.tools[part["index"]]
    call.call_id = part.get("id") or call.call_id
    call.name = part["function"].get("name") or call.name
    call.arguments += part["function"].get("arguments") or ""


def _assert_envelope(body: Json) -> None:
    assert isinstance(body["id"], str)
    assert body["id"]
    assert isinstance(body["created"], int)
    assert body["model"]
