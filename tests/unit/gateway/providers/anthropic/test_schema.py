"""How a JSON schema is reduced to what Claude documents: its size stays linear, whatever the schema is."""

import json
from typing import Any

import pytest

from gateway.providers.anthropic.schema import reduced


def reduce_schema(schema: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    notes: list[str] = []
    return reduced(schema, "tool", notes.append), notes


def test_several_types_become_a_choice_in_which_each_type_has_its_own_keywords() -> None:
    schema = {
        "type": ["object", "array", "null"],
        "title": "T",
        "properties": {"a": {"type": "string"}},
        "items": {"type": "number"},
        "enum": [1],
    }
    found, notes = reduce_schema(schema)
    assert found == {
        "title": "T",
        "anyOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "enum": [1], "additionalProperties": False},
            {"type": "array", "items": {"type": "number"}, "enum": [1]},
            {"type": "null"},
        ],
    }
    assert notes == []


def test_null_as_a_constant_is_kept() -> None:
    assert reduce_schema({"const": None, "multipleOf": None}) == (
        {"const": None},
        ["left out multipleOf in the schema of tool"],
    )


def test_several_types_beside_a_choice_are_left_out() -> None:
    found, notes = reduce_schema({"type": ["object", "null"], "anyOf": [{"type": "null"}, {"type": "object"}]})
    assert found == {"anyOf": [{"type": "null"}, {"type": "object", "additionalProperties": False}]}
    assert notes == ["left out type in the schema of tool"]


@pytest.mark.parametrize("types", [[["string"]], [None, 7, {}], [[[["string"]]]], ["nonsense"], []])
def test_types_that_are_none_are_passed_over(types: list[object]) -> None:
    assert reduce_schema({"type": types, "title": "T"}) == ({"title": "T"}, ["left out type in the schema of tool"])


def test_choices_of_types_inside_each_other_do_not_multiply() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(40):
        schema = {"type": ["object", "array", "string"], "properties": {"a": schema}, "items": {"type": "string"}}
    found, _ = reduce_schema(schema)
    assert len(json.dumps(found)) < 4 * len(json.dumps(schema))


@pytest.mark.parametrize("around", ["properties", "items", "anyOf", "definitions"])
def test_a_schema_nested_too_deeply_accepts_everything_and_is_noted(around: str) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(900):
        schema = {around: {"items": schema, "anyOf": [schema]}.get(around, {"a": schema})}
    found, notes = reduce_schema(schema)
    assert len(json.dumps(found)) < 5000
    assert notes == [f"left out {around} in the schema of tool"]
