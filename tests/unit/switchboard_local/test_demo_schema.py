"""The example values fit their schemas."""

from typing import Any

import pytest

from switchboard_local.demo_schema import example


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
