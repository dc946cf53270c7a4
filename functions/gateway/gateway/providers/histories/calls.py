"""Completes the tool calls of a history: type, function, and arguments that are the text of a JSON object."""

from pydantic_core import from_json

from gateway.domain.codec import Draft
from gateway.domain.json_text import read_json, write_json
from switchboard.stream.deltas import Json

UNNAMED = "unnamed"
NO_ARGUMENTS = "{}"


def complete_calls(body: Draft, *, wrap: bool) -> None:
    """Give every call a type, a function and arguments; with `wrap`, arguments that are no object become one."""
    for position, message in enumerate(body.messages):
        calls = message.get("tool_calls")
        if isinstance(calls, list) and message.get("role") == "assistant":
            completed = [_completed(body, call, wrap=wrap) if isinstance(call, dict) else call for call in calls]
            if any(new is not old for new, old in zip(completed, calls, strict=True)):
                body.messages[position] = {**message, "tool_calls": completed}
        if isinstance(function := message.get("function_call"), dict):
            repaired = _completed_function(body, function, wrap=wrap)
            if repaired is not function:
                body.messages[position] = {**message, "function_call": repaired}


def _completed(body: Draft, call: Json, *, wrap: bool) -> Json:
    if "custom" in call and "function" not in call:
        return call
    function = call.get("function")
    completed = _completed_function(body, function if isinstance(function, dict) else {}, wrap=wrap)
    if completed is function and call.get("type"):
        return call
    return {**call, "type": call.get("type") or "function", "function": completed}


def _completed_function(body: Draft, function: Json, *, wrap: bool) -> Json:
    name, arguments = function.get("name"), function.get("arguments")
    text = _text_of(body, arguments, wrap=wrap)
    if text is arguments and isinstance(name, str) and name:
        return function
    return {**function, "name": name if isinstance(name, str) and name else UNNAMED, "arguments": text}


def _text_of(body: Draft, arguments: object, *, wrap: bool) -> object:
    """The arguments as JSON text; text that only a lenient reader takes is written anew."""
    if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
        body.note("sent {} for empty arguments")
        return NO_ARGUMENTS
    if not isinstance(arguments, str):
        body.note("sent a tool call's arguments as text")
        return write_json(arguments).decode() if isinstance(arguments, dict) or not wrap else _wrapped(arguments)
    try:
        value = from_json(arguments, allow_inf_nan=False)
    except ValueError:
        return _rewritten(body, arguments, wrap=wrap)
    if value is None:
        body.note("sent {} for empty arguments")
        return NO_ARGUMENTS
    return arguments if isinstance(value, dict) or not wrap else _wrap(body, arguments)


def _rewritten(body: Draft, arguments: str, *, wrap: bool) -> str:
    try:
        value = read_json(arguments)
    except ValueError:
        return _wrap(body, arguments) if wrap else arguments
    if not isinstance(value, dict):
        return _wrap(body, arguments) if wrap else arguments
    body.note("wrote a tool call's arguments as strict JSON")
    return write_json(value).decode()


def _wrap(body: Draft, arguments: str) -> str:
    body.note("wrapped a tool call's arguments that are no JSON object")
    return _wrapped(arguments)


def _wrapped(arguments: object) -> str:
    return write_json({"arguments": arguments}).decode()
