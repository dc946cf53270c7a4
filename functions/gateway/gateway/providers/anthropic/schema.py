"""Reduces a JSON schema to the subset that Claude's structured outputs document.

The same reduction as in Anthropic's own SDK, except that what is left out does not go into descriptions.
https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from collections.abc import Mapping

from gateway.providers.anthropic.content import Block, Note

_KEPT = frozenset({"description", "title", "enum", "const", "type", "$ref", "required"})
_LISTS = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_MAPS = {"properties": "properties", "$defs": "$defs", "definitions": "$defs"}
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
_MAX_NAMES = 8


def reduced(schema: Mapping[str, object], place: str, note: Note) -> Block:
    """The schema as Claude takes it; keywords that are left out are noted. `place` names it in the note."""
    lost: set[str] = set()
    found = _reduced(schema, lost)
    if lost:
        names = sorted(name[:64] for name in lost)
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        note(f"left out {', '.join(names[:_MAX_NAMES])}{more} in the schema of {place}")
    return found


def _reduced(schema: object, lost: set[str]) -> Block:
    if not isinstance(schema, dict):  # true and false are schemas too
        return {}
    if isinstance(schema.get("type"), list):
        return _by_type(schema, lost)
    kept: Block = {}
    for name, value in schema.items():
        if name in _LISTS and isinstance(value, list):
            kept[_LISTS[name]] = [_reduced(variant, lost) for variant in value]
        elif name in _MAPS and isinstance(value, dict):
            kept[_MAPS[name]] = {key: _reduced(inner, lost) for key, inner in value.items()}
        elif name == "items" and isinstance(value, dict):
            kept[name] = _reduced(value, lost)
        elif name in _KEPT or (name == "format" and value in _FORMATS) or (name == "minItems" and value in (0, 1)):
            kept[name] = _own_reference(value) if name == "$ref" else value
        elif name != "additionalProperties" or value is not False:
            lost.add(name)
    if schema.get("type") == "object" or "properties" in kept:
        kept["additionalProperties"] = False
    return kept


def _by_type(schema: Mapping[str, object], lost: set[str]) -> Block:
    """A schema of several types as a choice of schemas of one type each."""
    types = schema["type"]
    rest = {name: value for name, value in schema.items() if name not in ("type", "description", "title")}
    variants = [
        {"type": "null"} if kind == "null" else _reduced(rest | {"type": kind}, lost)
        for kind in (types if isinstance(types, list) else ())
    ]
    told = {name: schema[name] for name in ("description", "title") if name in schema}
    return told | {"anyOf": variants}


def _own_reference(reference: object) -> object:
    return reference.replace("#/definitions/", "#/$defs/") if isinstance(reference, str) else reference
