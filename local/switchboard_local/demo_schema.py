"""Makes a plausible value for a JSON schema: the arguments of the demo's tool calls."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

MAX_DEPTH = 8
MAX_ITEMS = 20
MAX_VALUES = 200
MAX_BYTES = 4000
"""The size of a whole value as JSON. Where a schema demands more, the value stops short of it."""

type Json = Mapping[str, object]


class _Full(Exception):
    """The value has reached its largest size."""


class _Room:
    """How much may still be added to a value."""

    def __init__(self) -> None:
        self._values = MAX_VALUES
        self._bytes = MAX_BYTES

    def take(self, part: object) -> None:
        """Count a name or a value without parts. Raises _Full, and from then on always."""
        self._values -= 1
        if self._values >= 0:
            self._bytes -= len(json.dumps(part)) + len(", ")
        if self._values < 0 or self._bytes < 0:
            self._values = -1
            raise _Full


def example(schema: Json) -> object:
    """A plausible value for a JSON schema, with the required fields only. Local `$ref`s are followed."""
    try:
        return _Example(schema).of(schema, 0)
    except _Full:
        return None


class _Example:
    """Makes the parts of one value. `definitions` is what `$ref`s refer to."""

    def __init__(self, definitions: Json) -> None:
        self._definitions = definitions
        self._room = _Room()

    def of(self, schema: Json, depth: int, title: str = "text") -> object:
        """A value for the schema; `title` is for one without a title. Raises _Full if there is no room for any."""
        schema = self._resolved(schema, depth)
        match _type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case kind:
                value = schema["const"] if kind == "const" else _simple(kind, schema, title)
                self._room.take(value)
                return value

    def _array(self, schema: Json, depth: int) -> list[object]:
        items, least = schema.get("items"), schema.get("minItems")
        made: list[object] = []
        try:
            for _ in range(min(least, MAX_ITEMS) if isinstance(least, int) else 1):
                self._room.take("")
                made.append(self.of(items if isinstance(items, Mapping) else {}, depth + 1))
        except _Full:
            pass
        return made

    def _object(self, schema: Json, depth: int) -> dict[str, object]:
        properties, required = schema.get("properties"), schema.get("required")
        made: dict[str, object] = {}
        if not isinstance(properties, Mapping) or not isinstance(required, list):
            return made
        try:
            for name in required:
                self._room.take(name)
                if isinstance(name, str):
                    part = properties.get(name)
                    made[name] = self.of(part if isinstance(part, Mapping) else {}, depth + 1, title=name)
        except _Full:
            pass
        return made

    def _resolved(self, schema: Json, depth: int) -> Json:
        if depth > MAX_DEPTH:
            return {"type": "null"}
        for keyword in ("const", "default"):
            if keyword in schema:
                return {"const": schema[keyword]}
        for keyword in ("enum", "examples"):
            if isinstance(listed := schema.get(keyword), list) and listed:
                return {"const": listed[0]}
        if isinstance(path := schema.get("$ref"), str) and path.startswith("#/"):
            found: object = self._definitions
            for segment in path[2:MAX_BYTES].split("/"):
                found = found.get(segment) if isinstance(found, Mapping) else None
            return self._resolved(found, depth + 1) if isinstance(found, Mapping) else {}
        for keyword in ("anyOf", "oneOf", "allOf"):
            if isinstance(branches := schema.get(keyword), list) and branches and isinstance(branches[0], Mapping):
                return self._resolved(branches[0], depth + 1)
        return schema


def _type(schema: Json) -> object:
    if "const" in schema:
        return "const"
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((each for each in kind[:MAX_ITEMS] if each != "null"), "null")
    return kind or ("object" if "properties" in schema else None)


def _simple(kind: object, schema: Json, title: str) -> object:
    if kind == "null":
        return None
    if kind == "boolean":
        return True
    return schema.get("minimum", 1) if kind in ("integer", "number") else _text(schema, title)


def _text(schema: Json, title: str) -> str:
    now = datetime.now(UTC)
    by_format = {
        "date": now.date().isoformat(),
        "date-time": now.isoformat(timespec="seconds"),
        "time": now.time().isoformat(timespec="seconds"),
        "email": "ada@example.com",
        "uri": "https://example.com/",
        "uuid": "6f1f9d3e-52a8-4b7a-9d5e-2f0c4c8c8f10",
    }
    return by_format.get(str(schema.get("format")), f"example {schema.get('title', title)}")
