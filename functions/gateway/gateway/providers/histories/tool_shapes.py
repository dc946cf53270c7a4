"""Gives tools and their choice the shape of Chat Completions: agents bring them from other APIs.

OpenAI's Responses and Realtime APIs have a function's fields beside its type, Anthropic's Messages API calls its
parameters `input_schema`, and both have other forms of the choice.
"""

from gateway.domain.codec import Draft
from switchboard.stream.deltas import Json

_FUNCTION = ("description", "parameters", "strict")
_OF_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
_CHOICES = {"any": "required", "auto": "auto", "none": "none", "required": "required"}


def fit_tool_shapes(body: Draft) -> None:
    """Change tools and a choice of another API's form; leave out what is no object, and a tool that comes twice."""
    tools = body.fields.get("tools")
    if isinstance(tools, list):
        fitted = [_nested(tool) if isinstance(tool, dict) else tool for tool in tools]
        if any(new is not old for new, old in zip(fitted, tools, strict=True)):
            body.note("sent tools of another API's form as functions")
        kept = _distinct(fitted)
        if len(kept) != len(tools):
            body.note("left out tools that are no objects, or come twice")
        if len(kept) != len(tools) or any(new is not old for new, old in zip(kept, tools, strict=True)):
            body.fields["tools"] = kept
        if not kept:  # providers refuse an empty list, and a choice without tools
            body.drop_all([name for name in _OF_TOOLS if name in body.fields])
    choice = body.fields.get("tool_choice")
    if (chosen := _choice(choice)) is not choice:
        body.fields["tool_choice"] = chosen
        body.note("sent a tool choice of another API's form")


def _nested(tool: Json) -> Json:
    """The function under its own name; a provider's own kind of tool stays."""
    name = tool.get("name")
    if tool.get("type", "function") not in ("function", "custom") or "function" in tool or "custom" in tool:
        return tool
    if not isinstance(name, str) or (tool.get("type") == "custom" and "input_schema" not in tool):
        return tool
    function = {"name": name} | {field: tool[field] for field in _FUNCTION if field in tool}
    if "input_schema" in tool:
        function["parameters"] = tool["input_schema"]
    mark = {"cache_control": tool["cache_control"]} if "cache_control" in tool else {}
    return {"type": "function", "function": function} | mark


def _distinct(tools: list[object]) -> list[object]:
    first: dict[str, object] = {}
    return [tool for tool in tools if isinstance(tool, dict) and _is_new(tool, first)]


def _is_new(tool: Json, first: dict[str, object]) -> bool:
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        return True
    return first.setdefault(name, tool) is tool or first[name] != tool


def _choice(choice: object) -> object:
    if choice == "any":
        return "required"
    if not isinstance(choice, dict) or "function" in choice or "custom" in choice:
        return choice
    kind, name = choice.get("type"), choice.get("name")
    if kind in ("function", "tool") and isinstance(name, str):
        return {"type": "function", "function": {"name": name}}
    return _CHOICES.get(kind, choice) if isinstance(kind, str) else choice
