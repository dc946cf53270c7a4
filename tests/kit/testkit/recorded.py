"""Recorded exchanges with real providers: a file that SWITCHBOARD_RECORDED names, one JSON object a line, xz."""

import base64
import json
import lzma
import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

VARIABLE = "SWITCHBOARD_RECORDED"
MISSING = f"{VARIABLE} names no file of recorded exchanges"

needs_recorded = pytest.mark.skipif(not os.environ.get(VARIABLE), reason=MISSING)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what a provider answered.

    `is_native`: the answer is one of Anthropic's Messages API, the others are chat completions. `request` is the body
    that was sent, None where it was not recorded.
    """

    name: str
    provider: str
    host: str
    is_native: bool
    streamed: bool
    status: int
    request: Any = field(repr=False)
    content_type: str = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def model(self) -> str:
        """The model that was asked."""
        asked = self.request.get("model") if isinstance(self.request, dict) else None
        return asked if isinstance(asked, str) and asked else "unrecorded"

    @property
    def chat(self) -> dict[str, Any]:
        """The request as a chat completion; of a native one, and of one that was not recorded, what the answer needs.

        Where the recorded body and the recorded answer disagree on whether it is streamed, the answer decides.
        """
        told = self.request if isinstance(self.request, dict) else {}
        minimal = {"model": self.model, "messages": [{"role": "user", "content": "Hello?"}]}
        if self.is_native:
            minimal |= {"tools": tools} if (tools := _chat_tools(told.get("tools"))) else {}
            told = {}
        options = {"stream_options": {"include_usage": True}} if self.streamed else {}
        body = minimal | told | options | {"stream": self.streamed}
        if not self.streamed:
            body.pop("stream_options", None)
        return body


@cache
def exchanges() -> tuple[Exchange, ...]:
    """Every exchange of the file, in its order."""
    with lzma.open(os.environ[VARIABLE], "rt", encoding="utf-8") as lines:
        return tuple(_exchange(json.loads(line)) for line in lines)


def events(body: bytes) -> list[bytes]:
    """A stream's bytes, cut after each blank line."""
    pieces = body.split(b"\n\n")
    return [piece + b"\n\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])


def _exchange(line: dict[str, Any]) -> Exchange:
    return Exchange(
        name=line["id"],
        provider=line["provider"],
        host=line["host"],
        is_native=line["kind"] == "messages",
        streamed=line["stream"],
        status=line["status"],
        request=line["req"],
        content_type=line["ct"],
        body=base64.b64decode(line["body"]),
    )


def _chat_tools(told: object) -> list[dict[str, Any]]:
    """Anthropic's own definitions of tools as functions; tools that run on its servers have no schema."""
    found = [tool for tool in told if isinstance(tool, dict)] if isinstance(told, list) else []
    return [
        {"type": "function", "function": {"name": tool["name"], "parameters": tool["input_schema"]}}
        for tool in found
        if "input_schema" in tool
    ]
