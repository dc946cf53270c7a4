"""Reduces a JSON schema to the subset that Claude's structured outputs document.

The same reduction as in Anthropic's own SDK, except that what is left out does not go into descriptions.
https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from collections.abc import Mapping

from gateway.providers.anthropic.content import Block, Note
from switchboard.domain.limits import clipped

_KEPT = frozenset({"description", "title", "enum", "const", "type", "$ref", "required"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf"})
_MAPS = frozenset({"properties", "$defs", "definitions"})
_RENAMED = {"oneOf": "anyOf", "definitions": "$defs"}
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
_OF_TYPE: dict[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems"}),
    "string": frozenset({"format"}),
    "null": frozenset(),
    "number": frozenset(),
    "integer": frozenset(),
    "boolean": frozenset(),
}
"""The types, each with the keywords that only it has: no keyword that holds schemas is repeated for each type."""
_AROUND = frozenset({"description", "title", "$defs", "definitions"})
_MAX_NAMES = 8
_MAX_LEVELS = 64
"""A schema within this many others accepts everything."""


def reduced(schema: Mapping[str, object], place: str, note: Note) -> Block:
    """The schema as Claude takes it; keywords that are left out are noted. `place` names it in the note."""
    lost: set[str] = set()
    found = _reduced(schema, lost, _MAX_LEVELS)
    if lost:
        names = sorted(map(clipped, lost))
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        note(f"left out {', '.join(names[:_MAX_NAMES])}{more} in the schema of {place}")
    return found


def _reduced(schema: object, lost: set[str], levels: int) -> Block:
    if not isinstance(schema, dict):  # true and false are schemas too
        return {}
    if not levels:
        lost.update(schema)
        return {}
    if isinstance(types := schema.get("type"), list):
        return _by_type(schema, types, lost, levels)
    kept: Block = {}
    name: str
    for name, value in schema.items():
        fitted = _fitted(name, value, lost, levels - 1)
        if fitted is not None or name in _KEPT:
            kept[_RENAMED.get(name, name)] = fitted
        elif name != "additionalProperties" or value is not False:
            lost.add(name)
    if schema.get("type") == "object" or "properties" in kept:
        kept["additionalProperties"] = False
    return kept


def _fitted(name: str, value: object, lost: set[str], levels: int) -> object | None:
    """The keyword's value as Claude takes it; None where it does not take the keyword."""
    if name in _LISTS and isinstance(value, list):
        return [_reduced(variant, lost, levels) for variant in value]
    if name in _MAPS and isinstance(value, dict):
        return {key: _reduced(inner, lost, levels) for key, inner in value.items()}
    if name == "items" and isinstance(value, dict):
        return _reduced(value, lost, levels)
    if name == "$ref" and isinstance(value, str):
        return value.replace("#/definitions/", "#/$defs/")
    is_kept = name in _KEPT or (name == "format" and value in _FORMATS) or (name == "minItems" and value in (0, 1))
    return value if is_kept else None


def _by_type(schema: Mapping[str, object], types: list[object], lost: set[str], levels: int) -> Block:
    """A schema of several types as a choice of schemas of one type each; each has the keywords of its own type only."""
    rest = {name: value for name, value in schema.items() if name != "type"}
    kinds = dict.fromkeys(kind for kind in types if isinstance(kind, str) and kind in _OF_TYPE)
    if not kinds or rest.keys() & _LISTS:  # a choice of types beside another choice has no short form
        lost.add("type")
        return _reduced(rest, lost, levels)
    around = {name: rest.pop(name) for name in _AROUND & rest.keys()}
    variants = [_reduced(_of_type(rest, kind) | {"type": kind}, lost, levels) for kind in kinds]
    return _reduced(around, lost, levels) | {"anyOf": variants}


def _of_type(rest: Mapping[str, object], kind: str) -> dict[str, object]:
    others = frozenset[str]().union(*(names for other, names in _OF_TYPE.items() if other != kind))
    return {name: value for name, value in rest.items() if kind != "null" and name not in others}
