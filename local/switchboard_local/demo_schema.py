"""Makes a plausible value for a JSON schema: the arguments of the demo's tool calls."""

from collections.abc import Mapping
from datetime import UTC, datetime

MAX_DEPTH = 8
MAX_ITEMS = 20

type Json = Mapping[str, object]


def example(schema: Json, definitions: Json | None = None, depth: int = 0) -> object:
    """A plausible value for a JSON schema, with the required fields only. Local `$ref`s are followed."""
    definitions = definitions if definitions is not None else schema
    schema = _resolved(schema, definitions, depth)
    for keyword in ("const", "default"):
        if keyword in schema:
            return schema[keyword]
    for keyword in ("enum", "examples"):
        if isinstance(listed := schema.get(keyword), list) and listed:
            return listed[0]
    return _example_of_type(schema, definitions, depth)


def _example_of_type(schema: Json, definitions: Json, depth: int) -> object:
    match _type(schema):
        case "object":
            return _example_object(schema, definitions, depth)
        case "array":
            items, least = schema.get("items"), schema.get("minItems")
            item = example(items if isinstance(items, Mapping) else {}, definitions, depth + 1)
            return [item] * (min(least, MAX_ITEMS) if isinstance(least, int) else 1)
        case "null":
            return None
        case kind:
            simple = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1), "boolean": True}
            return simple[str(kind)] if kind in simple else _example_text(schema)


def _resolved(schema: Json, definitions: Json, depth: int) -> Json:
    if depth > MAX_DEPTH:
        return {"type": "null"}
    if isinstance(path := schema.get("$ref"), str) and path.startswith("#/"):
        found: object = definitions
        for segment in path[2:].split("/"):
            found = found.get(segment) if isinstance(found, Mapping) else None
        return _resolved(found, definitions, depth + 1) if isinstance(found, Mapping) else {}
    for keyword in ("anyOf", "oneOf", "allOf"):
        if isinstance(branches := schema.get(keyword), list) and branches and isinstance(branches[0], Mapping):
            return _resolved(branches[0], definitions, depth + 1)
    return schema


def _type(schema: Json) -> object:
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((each for each in kind if each != "null"), "null")
    return kind or ("object" if "properties" in schema else None)


def _example_object(schema: Json, definitions: Json, depth: int) -> dict[str, object]:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, Mapping) or not isinstance(required, list):
        return {}
    parts = {name: properties.get(name) for name in required}
    return {
        name: example({"title": name, **part} if isinstance(part, Mapping) else {}, definitions, depth + 1)
        for name, part in parts.items()
    }


def _example_text(schema: Json) -> str:
    now = datetime.now(UTC)
    by_format = {
        "date": now.date().isoformat(),
        "date-time": now.isoformat(timespec="seconds"),
        "time": now.time().isoformat(timespec="seconds"),
        "email": "ada@example.com",
        "uri": "https://example.com/",
        "uuid": "6f1f9d3e-52a8-4b7a-9d5e-2f0c4c8c8f10",
    }
    return by_format.get(str(schema.get("format")), f"example {schema.get('title', 'text')}")
