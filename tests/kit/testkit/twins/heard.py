"""What a caller hears of an answer: read as a strict client would, so that every chunk must have its whole shape."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

type Json = dict[str, Any]


@dataclass(slots=True)
class HeardCall:
    """One tool call as the caller puts it together."""

    call_id: str = ""
    name: str = ""
    arguments: str = ""

    def message(self) -> Json:
        """The call as ElevenLabs sends it back: OpenAI's fields and no others."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.call_id, "type": "function", "function": function}


@dataclass(slots=True)
class Heard:
    """An answer, put together."""

    status: int
    text: str = ""
    reasoning: str = ""
    tools: list[HeardCall] = field(default_factory=list)
    finish_reason: str | None = None
    usages: list[Json] = field(default_factory=list)
    error: Json | None = None
    is_done: bool = False

    def message(self) -> Json:
        """The assistant's turn for the history, as ElevenLabs keeps it."""
        spoken: Json = {"role": "assistant", "content": self.text or None}
        return spoken | ({"tool_calls": [call.message() for call in self.tools]} if self.tools else {})


def listen(response: httpx.Response) -> Heard:
    """What was heard. Raises AssertionError where a strict client would stumble."""
    if response.headers["content-type"].startswith("text/event-stream"):
        return _listen_to_stream(response)
    heard, body = Heard(response.status_code), response.json()
    if response.status_code != 200:
        heard.error = body["error"]
        assert set(body["error"]) == {"message", "type", "param", "code"}
        return heard
    assert body["object"] == "chat.completion"
    _assert_envelope(body)
    choice = body["choices"][0]
    assert choice["index"] == 0
    assert choice["message"]["role"] == "assistant"
    for number, call in enumerate(choice["message"].get("tool_calls") or ()):
        _hear_call(heard, {"index": number} | call)
    heard.text = choice["message"]["content"] or ""
    heard.reasoning = choice["message"].get("reasoning_content") or ""
    heard.finish_reason, heard.is_done = choice["finish_reason"], True
    heard.usages = [body["usage"]] if body.get("usage") else []
    return heard


def _listen_to_stream(response: httpx.Response) -> Heard:
    heard = Heard(response.status_code)
    for line in response.content.decode().split("\n"):
        if not line.startswith("data:"):
            assert line.startswith(":") or not line.strip(), line
            continue
        data = line.removeprefix("data:").strip()
        assert not heard.is_done, "something follows the end marker"
        assert heard.error is None, "something follows an error"
        if data == "[DONE]":
            heard.is_done = True
        else:
            _hear_chunk(heard, json.loads(data))
    return heard


def _hear_chunk(heard: Heard, chunk: Json) -> None:
    if "error" in chunk:
        heard.error = chunk["error"]
        return
    assert chunk["object"] == "chat.completion.chunk"
    _assert_envelope(chunk)
    if chunk.get("usage"):
        heard.usages.append(chunk["usage"])
    for choice in chunk["choices"]:
        assert choice["index"] == 0
        delta = choice["delta"]
        content = delta.get("content") or ""
        assert isinstance(content, str)
        heard.text += content
        heard.reasoning += delta.get("reasoning_content") or ""
        heard.finish_reason = choice.get("finish_reason") or heard.finish_reason
        for call in delta.get("tool_calls") or ():
            _hear_call(heard, call)


def _hear_call(heard: Heard, part: Json) -> None:
    while len(heard.tools) <= part["index"]:
        heard.tools.append(HeardCall())
    call = heard.tools[part["index"]]
    call.call_id = part.get("id") or call.call_id
    call.name = part["function"].get("name") or call.name
    call.arguments += part["function"].get("arguments") or ""


def _assert_envelope(body: Json) -> None:
    assert isinstance(body["id"], str)
    assert body["id"]
    assert isinstance(body["created"], int)
    assert body["model"]
