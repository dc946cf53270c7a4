"""Tools and the choice among them, from Chat Completions to Anthropic's Messages."""

from collections.abc import Mapping, Sequence

from gateway.providers.anthropic.content import Block, Say
from gateway.providers.claude_models import Claude
from switchboard.stream.deltas import Json

_CHOICES = {"auto": "auto", "none": "none", "required": "any"}
_REFUSED_AT_THE_TOP = ("oneOf", "anyOf", "allOf")


def tools(told: object, say: Say) -> list[Block]:
    """Function tools as Anthropic defines them, each name once; any other kind is left out, and said."""
    found: dict[str, Block] = {}
    for tool in told if isinstance(told, list) else ():
        function = tool.get("function") if isinstance(tool, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not (isinstance(function, dict) and isinstance(name, str) and name):
            say("left out a tool that is no function")
        elif name in found:
            say("left out a second tool of the same name")
        else:
            found[name] = _tool(name, function, say)
    return list(found.values())


def tools_of(turns: Sequence[Json]) -> list[Block]:
    """Stand-ins for the tools that a history has called, for a request that defines none."""
    names = dict.fromkeys(
        str(block["name"]) for turn in turns for block in _blocks(turn) if block.get("type") == "tool_use"
    )
    return [{"name": name, "input_schema": {"type": "object"}} for name in names]


def tool_choice(told: object, parallel: object, model: Claude, say: Say) -> Block | None:
    """The choice; None where it is Anthropic's own default."""
    choice = _choice(told, say)
    if choice["type"] in {"any", "tool"} and not model.takes_forced_tools:
        say("left the choice of a tool to the model: it cannot be forced")
        choice = {"type": "auto"}
    if parallel is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return None if choice == {"type": "auto"} else choice


def _tool(name: str, function: Json, say: Say) -> Block:
    tool: Block = {"name": name}
    if isinstance(description := function.get("description"), str) and description:
        tool["description"] = description
    if function.get("strict"):
        say("left out tools[].function.strict")
    return tool | {"input_schema": _schema(function.get("parameters"), say)}


def _schema(parameters: object, say: Say) -> Block:
    schema = dict(parameters) if isinstance(parameters, dict) else {}
    for name in _REFUSED_AT_THE_TOP:
        if schema.pop(name, None) is not None:
            say(f"left out {name} at the top of a tool's parameters")
    if schema.get("type") != "object":
        schema = {"type": "object"} | {key: value for key, value in schema.items() if key != "type"}
    return schema


def _choice(told: object, say: Say) -> Block:
    if isinstance(told, str) and told in _CHOICES:
        return {"type": _CHOICES[told]}
    if isinstance(told, dict):
        function = told.get("function")
        name = function.get("name") if isinstance(function, dict) else None
        if isinstance(name, str) and name:
            return {"type": "tool", "name": name}
    if told is not None:
        say("left out tool_choice")
    return {"type": "auto"}


def _blocks(turn: Json) -> list[Mapping[str, object]]:
    blocks = turn.get("content")
    return blocks if isinstance(blocks, list) else []
