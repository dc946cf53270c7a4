"""The example values fit their schemas."""

import json
from typing import Any

import pytest

from switchboard_local.demo_schema import MAX_BYTES, MAX_VALUES, example


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "enum": ["warm", "cold"]}, "warm"),
        ({"const": 7}, 7),
        ({"type": "string", "default": "x"}, "x"),
        ({"type": "string", "format": "email"}, "ada@example.com"),
        ({"type": "integer"}, 1),
        ({"type": "number", "minimum": 0}, 0),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 1),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {}),
        ({"properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a"]}, {"a": 1}),
        ({"$ref": "#/$defs/no"}, "example text"),
        ({}, "example text"),
    ],
)
def test_a_value_fits_its_schema(schema: dict[str, Any], expected: object) -> None:
    assert example(schema) == expected


def test_references_are_followed() -> None:
    schema = {
        "type": "object",
        "properties": {"at": {"$ref": "#/$defs/place"}},
        "required": ["at"],
        "$defs": {"place": {"type": "object", "properties": {"street": {"type": "string"}}, "required": ["street"]}},
    }
    assert example(schema) == {"at": {"street": "example street"}}


def test_a_recursive_schema_ends() -> None:
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    found = example(schema)
    for _ in range(20):
        found = found["next"] if isinstance(found, dict) else None
    assert found is None


def test_a_huge_array_is_not_built() -> None:
    found = example({"type": "array", "items": {"type": "integer"}, "minItems": 10**12})
    assert isinstance(found, list)
    assert len(found) < 100


def nested(levels: int, schema: dict[str, Any]) -> dict[str, Any]:
    """Arrays in arrays, each with at least 20 items."""
    for _ in range(levels):
        schema = {"type": "array", "minItems": 20, "items": schema}
    return schema


LARGE = "x" * 3000


@pytest.mark.parametrize(
    "schema",
    [
        nested(8, {}),
        nested(8, {"const": LARGE}),
        nested(2, {"const": LARGE * 1000}),
        nested(1, {"properties": {}, "required": [f"name {number}" for number in range(100_000)]}),
        nested(1, {"properties": {}, "required": [LARGE, LARGE, LARGE * 100]}),
        nested(1, {"type": "string", "title": LARGE}),
        nested(1, {"type": "integer", "minimum": LARGE}),
        {"properties": {name: nested(6, {}) for name in "abc"}, "required": ["a", "b", "c"]},
    ],
    ids=str.split("arrays constants over-large-constants names long-names titles numbers properties"),
)
def test_a_value_is_small_whatever_the_schema_demands(schema: dict[str, Any]) -> None:
    found = example(schema)
    assert len(json.dumps(found)) < 3 * MAX_BYTES
    assert count(found) < 2 * MAX_VALUES


def count(value: object) -> int:
    parts = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return 1 + sum(map(count, parts))


def test_what_has_room_is_kept() -> None:
    schema = {
        "properties": {"first": {"type": "integer"}, "second": {"const": LARGE * 2}},
        "required": ["first", "second"],
    }
    assert example(schema) == {"first": 1}


def test_a_name_is_the_title_behind_a_reference() -> None:
    schema = {"properties": {"at": {"$ref": "#/$defs/text"}}, "required": ["at"], "$defs": {"text": {"type": "string"}}}
    assert example(schema) == {"at": "example at"}
