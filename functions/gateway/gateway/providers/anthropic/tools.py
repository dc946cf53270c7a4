"""Converts tools and the tool choice of Chat Completions to those of Anthropic's Messages API."""

from collections.abc import Sequence

from gateway.domain.json_text import object_field, text_field
from gateway.providers.anthropic.content import Block, Note, mark_of
from gateway.providers.anthropic.schema import reduced
from gateway.providers.claude_models import Claude
from switchboard.stream.deltas import Json

_CHOICES = {"auto": "auto", "none": "none", "required": "any"}
_REFUSED_AT_THE_TOP = ("oneOf", "anyOf", "allOf")


def tools(requested: object, model: Claude, note: Note) -> list[Block]:
    """Function tools as Anthropic defines them, each name once; any other kind is left out, with a note."""
    found: dict[str, Block] = {}
    for tool in requested if isinstance(requested, list) else ():
        function = object_field(tool, "function") if isinstance(tool, dict) else {}
        name = text_field(function, "name")
        if not name:
            note("left out a tool that is no function")
        elif name in found:
            note("left out a second tool of the same name")
        else:
            found[name] = _tool(name, function, model, note) | (mark_of(tool) or mark_of(function))
    return list(found.values())


def tools_of(turns: Sequence[Json]) -> list[Block]:
    """Definitions of the tools that a history has called, for a request that defines none."""
    names = dict.fromkeys(
        str(block["name"]) for turn in turns for block in _blocks(turn) if block.get("type") == "tool_use"
    )
    return [{"name": name, "input_schema": {"type": "object"}} for name in names]


def tool_choice(requested: object, parallel: object, model: Claude, note: Note) -> Block | None:
    """The tool choice; None where it is Anthropic's default."""
    choice = _choice(requested, note)
    if choice["type"] in {"any", "tool"} and not model.takes_forced_tools:
        note("left the choice of a tool to the model: it cannot be forced")
        choice = {"type": "auto"}
    if parallel is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return None if choice == {"type": "auto"} else choice


def _tool(name: str, function: Json, model: Claude, note: Note) -> Block:
    tool: Block = {"name": name}
    if description := text_field(function, "description"):
        tool["description"] = description
    schema = _schema(object_field(function, "parameters"), note)
    if function.get("strict") is not True:
        return tool | {"input_schema": schema}
    if not model.takes_schemas:
        note("left out tools[].function.strict")
        return tool | {"input_schema": schema}
    return tool | {"strict": True, "input_schema": reduced(schema, "a strict tool", note)}


def _schema(parameters: Json, note: Note) -> Block:
    schema = dict(parameters)
    for name in _REFUSED_AT_THE_TOP:
        if schema.pop(name, None) is not None:
            note(f"left out {name} at the top of a tool's parameters")
    if schema.get("type") != "object":
        schema = {"type": "object"} | {key: value for key, value in schema.items() if key != "type"}
    return schema


def _choice(requested: object, note: Note) -> Block:
    if isinstance(requested, str) and requested in _CHOICES:
        return {"type": _CHOICES[requested]}
    if isinstance(requested, dict) and (name := text_field(object_field(requested, "function"), "name")):
        return {"type": "tool", "name": name}
    if requested is not None:
        note("left out tool_choice")
    return {"type": "auto"}


def _blocks(turn: Json) -> list[Json]:
    blocks = turn.get("content")
    return blocks if isinstance(blocks, list) else []
