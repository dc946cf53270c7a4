"""Leaves out fields inside tools, messages, tool calls and parts that a provider does not document."""

from gateway.domain.codec import Draft
from gateway.providers.histories.refusals import Refusals
from switchboard.domain.notes import note_names
from switchboard.stream.deltas import Json

_CALL = frozenset({"id", "type", "function", "custom"})
_FUNCTION_OF_CALL = frozenset({"name", "arguments"})
_CUSTOM_OF_CALL = frozenset({"name", "input"})
_TOOL = frozenset({"type", "function", "custom"})
_FUNCTION = frozenset({"name", "description", "parameters", "strict"})
_CUSTOM = frozenset({"name", "description", "format"})
_INSIDE_PARTS = {
    "image_url": frozenset({"url", "detail"}),
    "input_audio": frozenset({"data", "format"}),
    "file": frozenset({"file_id", "file_data", "filename"}),
}
_COMBINED = ("anyOf", "oneOf", "allOf", "$ref")


def keep_message_fields(body: Draft, names: frozenset[str]) -> None:
    """Leave out all other fields of messages, nulls too, and fields of tool calls beyond the call itself."""
    of_calls = _CALL | (names & {"extra_content"})
    left_out: dict[str, None] = {}
    for position, message in enumerate(body.messages):
        kept = message
        if not message.keys() <= names or (None in message.values() and _has_other_null(message)):
            kept = {name: value for name, value in message.items() if _is_kept(message, name, value, names)}
            left_out |= dict.fromkeys(message.keys() - kept.keys()) if len(kept) != len(message) else {}
        calls = kept.get("tool_calls")
        if isinstance(calls, list) and calls:
            fitted = [_kept_call(call, of_calls) for call in calls]
            if any(new is not old for new, old in zip(fitted, calls, strict=True)):
                kept = {**kept, "tool_calls": fitted}
                body.note("left out fields of tool calls")
        if kept is not message:
            body.messages[position] = kept
    note_names(body.notes, "left out messages[].{}", sorted(left_out), "left out {} more fields of messages")


def keep_part_fields(body: Draft, further: frozenset[str]) -> None:
    """Leave out fields of parts that are not documented for their type."""
    for position, message in enumerate(body.messages):
        content = message.get("content")
        if type(content) is list:
            parts = [_kept_part(part, further) for part in content]
            if any(new is not old for new, old in zip(parts, content, strict=True)):
                body.messages[position] = {**message, "content": parts}
                body.note("left out fields of content parts")


def keep_tool_fields(body: Draft, refuses: Refusals) -> None:
    """Leave out fields of tools that are not documented, and complete their parameters, where these are refused."""
    for name in ("tools", "functions"):
        found = body.fields.get(name)
        if isinstance(found, list):
            fitted = [_fitted_tool(body, tool, refuses, is_function=name == "functions") for tool in found]
            if any(new is not old for new, old in zip(fitted, found, strict=True)):
                body.fields[name] = fitted


def _is_kept(message: Json, name: str, value: object, names: frozenset[str]) -> bool:
    if name == "name" and message.get("role") == "function" and "function_call" in names:
        return value is not None  # the older function's result is found by it
    return name in names and (name == "content" or value is not None)


def _has_other_null(message: Json) -> bool:
    return any(value is None for name, value in message.items() if name != "content")


def _kept_call(call: object, names: frozenset[str]) -> object:
    if not isinstance(call, dict):
        return call
    kept = _only(call, names)
    for name, inside in (("function", _FUNCTION_OF_CALL), ("custom", _CUSTOM_OF_CALL)):
        kept = _only_inside(kept, name, inside)
    return kept


def _kept_part(part: object, further: frozenset[str]) -> object:
    if not isinstance(part, dict) or not isinstance(kind := part.get("type"), str):
        return part
    kept = _only(part, further | {"type", kind})
    return _only_inside(kept, kind, _INSIDE_PARTS[kind]) if kind in _INSIDE_PARTS else kept


def _fitted_tool(body: Draft, tool: object, refuses: Refusals, *, is_function: bool) -> object:
    if not isinstance(tool, dict):
        return tool
    if is_function:
        return _fitted_function(body, tool, refuses)
    if tool.get("type", "function") not in ("function", "custom"):
        return tool  # a provider's own kind of tool, with fields of its own
    kept = _only(tool, _TOOL | refuses.tool_fields) if refuses.foreign_fields else tool
    if refuses.foreign_fields:
        kept = _only_inside(kept, "custom", _CUSTOM)
    if kept is not tool:
        body.note("left out fields of tools")
    function = kept.get("function")
    fitted = _fitted_function(body, function, refuses) if isinstance(function, dict) else function
    return kept if fitted is function else {**kept, "function": fitted}


def _fitted_function(body: Draft, function: Json, refuses: Refusals) -> Json:
    kept = function
    if refuses.foreign_fields:
        kept = _only(function, _FUNCTION)
        if None in kept.values():
            kept = {name: value for name, value in kept.items() if value is not None}
        if kept is not function:
            body.note("left out fields of tools")
    parameters = kept.get("parameters")
    if not refuses.open_schemas or not isinstance(parameters, dict):
        return kept
    completed = _object_schema(parameters)
    if completed is parameters:
        return kept
    body.note("completed the parameters of tools")
    return {**kept, "parameters": completed}


def _object_schema(parameters: Json) -> Json:
    """A schema without a type, or of an object without properties, is refused at the top of a tool's parameters."""
    if any(name in parameters for name in _COMBINED) or parameters.get("type", "object") != "object":
        return parameters
    if "type" in parameters and "properties" in parameters:
        return parameters
    return {"type": "object", "properties": {}} | dict(parameters)


def _only(holder: Json, names: frozenset[str]) -> Json:
    if holder.keys() <= names:
        return holder
    return {name: value for name, value in holder.items() if name in names}


def _only_inside(holder: Json, name: str, names: frozenset[str]) -> Json:
    inside = holder.get(name)
    if not isinstance(inside, dict) or (kept := _only(inside, names)) is inside:
        return holder
    return {**holder, name: kept}
