"""The demo model's answers: an echo of the last user message, a call of a tool that it names, or JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from switchboard_local.demo_schema import example

MAX_ECHOED_WORDS = 300
MAX_READ_CHARACTERS = 8000
"""Of a message, and of a tool's name. The rest is not read."""
MAX_TOOLS = 128

type Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """An answer in text."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool to call, with the JSON text of its arguments."""

    name: str
    arguments: str


def answer(
    messages: Sequence[Json], tools: Sequence[Json], tool_choice: object = "auto", response_format: object = None
) -> TextAnswer | ToolCall:
    """The demo's answer to a conversation. Tools have OpenAI's format; those that are not functions are ignored.

    Where JSON is asked for, a text is a value for the schema, or an object with the echo.
    """
    found = _said(messages, tools, tool_choice)
    if isinstance(found, ToolCall) or not isinstance(response_format, Mapping):
        return found
    match response_format.get("type"):
        case "json_schema":
            wanted = response_format.get("json_schema")
            schema = wanted.get("schema") if isinstance(wanted, Mapping) else None
            return TextAnswer(json.dumps(example(schema if isinstance(schema, Mapping) else {})))
        case "json_object":
            return TextAnswer(json.dumps({"answer": found.text}))
    return found


def _said(messages: Sequence[Json], tools: Sequence[Json], tool_choice: object) -> TextAnswer | ToolCall:
    last = messages[-1] if messages else {}
    if last.get("role") == "tool":
        return TextAnswer(f"The tool answered: {_shortened(text_of(last)) or 'nothing'}. That was its round trip.")
    user_text = text_of(next((message for message in reversed(messages) if message.get("role") == "user"), {}))
    wanted = _wanted(user_text if last.get("role") == "user" else "", _functions(tools), tool_choice)
    if wanted is not None:
        parameters = wanted.get("parameters")
        arguments = example(parameters if isinstance(parameters, Mapping) else {})
        return ToolCall(str(wanted["name"]), json.dumps(arguments if isinstance(arguments, dict) else {}))
    if last.get("role") == "assistant" or not re.search(r"\w", user_text):
        return TextAnswer("I am still here. Say something, and I will say it back.")
    return TextAnswer(
        f"You said: {_shortened(user_text)} — and every word of this came through Switchboard, one by one."
    )


def text_of(message: Json) -> str:
    """A message's text; of a content in parts, the text parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, Mapping))
    return " ".join(text for text in texts if isinstance(text, str))


def words(text: str) -> list[str]:
    """The text split into words, each with the spaces before it, then its last spaces. Joined, they are the text."""
    return re.findall(r"\s*\S+|\s+", text)


def _wanted(user_text: str, functions: Sequence[Json], tool_choice: object) -> Json | None:
    if not functions or tool_choice == "none":
        return None
    if isinstance(tool_choice, Mapping) and isinstance(forced := tool_choice.get("function"), Mapping):
        return next((function for function in functions if function["name"] == forced.get("name")), None)
    plain = _plain(user_text)
    named = next((function for function in functions if f" {_plain(str(function['name']))} " in f" {plain} "), None)
    if named is not None:
        return named
    return functions[0] if tool_choice == "required" or "tool" in plain.split() else None


def _functions(tools: Sequence[Json]) -> list[Json]:
    functions = [tool.get("function") for tool in tools[:MAX_TOOLS] if isinstance(tool, Mapping)]
    return [
        function for function in functions if isinstance(function, Mapping) and isinstance(function.get("name"), str)
    ]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text[:MAX_READ_CHARACTERS].lower()))


def _shortened(text: str) -> str:
    text = text.strip()
    pieces = words(text[:MAX_READ_CHARACTERS])
    is_cut = len(pieces) > MAX_ECHOED_WORDS or len(text) > MAX_READ_CHARACTERS
    return "".join(pieces[:MAX_ECHOED_WORDS]) + (" …" if is_cut else "")
