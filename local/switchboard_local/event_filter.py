"""Filters the table's stream as Lambda does, with the patterns of template.yaml.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html and, for its patterns,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

type Leaf = str | float | bool | None
type Matcher = Callable[[Sequence[Leaf]], bool]
"""Whether the values of an event's field match. The sequence is empty if the event has no such field."""


class FilterInvalid(Exception):
    """The template's filter uses something that this module does not support."""


class EventFilter:
    """Admits an event that matches any of the patterns; every event if there is no pattern."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [_parse(pattern) for pattern in patterns]

    @classmethod
    def of_stream(cls, template: Mapping[str, Any]) -> "EventFilter":
        """The filter of the template's one function with a stream as its event source. Raises FilterInvalid."""
        sources = [
            event["Properties"]
            for resource in template["Resources"].values()
            for event in resource.get("Properties", {}).get("Events", {}).values()
            if event["Type"] == "DynamoDB"
        ]
        if len(sources) != 1:
            raise FilterInvalid(f"the template has {len(sources)} functions with a stream, not one")
        filters = sources[0].get("FilterCriteria", {}).get("Filters", [])
        return cls([each["Pattern"] for each in filters])

    def admits(self, event: Mapping[str, Any]) -> bool:
        """Whether Lambda would invoke the function with the event."""
        return not self._patterns or any(_matches(pattern, event) for pattern in self._patterns)


type Pattern = Mapping[str, "Pattern | Sequence[Matcher]"]


def _parse(text: str) -> Pattern:
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise FilterInvalid(f"the pattern is not JSON: {error}") from error
    return _parse_node(pattern)


def _parse_node(node: object) -> Pattern:
    if not isinstance(node, dict) or not node:
        raise FilterInvalid(f"a pattern must be a non-empty object, not {json.dumps(node)}")
    if strange := [name for name in node if name.startswith("$")]:
        raise FilterInvalid(f"unknown operator {strange[0]}")
    return {
        name: [_matcher(wanted) for wanted in inner] if isinstance(inner, list) else _parse_node(inner)
        for name, inner in node.items()
    }


def _matcher(wanted: object) -> Matcher:
    if not isinstance(wanted, dict):
        return lambda found: any(_is_same(value, wanted) for value in found)
    match list(wanted.items()):
        case [("exists", bool(is_wanted))]:
            return lambda found: bool(found) is is_wanted
        case [("prefix", str(prefix))]:
            return lambda found: any(isinstance(value, str) and value.startswith(prefix) for value in found)
        case [("anything-but", str() | int() | float() as unwanted)]:
            return _anything_but([unwanted])
        case [("anything-but", list(unwanted))] if not any(isinstance(each, dict | list) for each in unwanted):
            return _anything_but(unwanted)
        case _:
            raise FilterInvalid(f"unknown operator {json.dumps(wanted)}")


def _anything_but(unwanted: Sequence[object]) -> Matcher:
    def matches(found: Sequence[Leaf]) -> bool:
        return any(not any(_is_same(value, each) for each in unwanted) for value in found)

    return matches


def _is_same(value: Leaf, wanted: object) -> bool:
    # True equals 1 in Python, but not in JSON.
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _matches(pattern: Pattern, event: object) -> bool:
    node = event if isinstance(event, Mapping) else {}
    return all(
        _matches(inner, node.get(name))
        if isinstance(inner, Mapping)
        else any(matcher(_leaves(node, name)) for matcher in inner)
        for name, inner in pattern.items()
    )


def _leaves(node: Mapping[str, Any], name: str) -> Sequence[Leaf]:
    """The field's values. An object counts as absent: only leaves are compared, and only leaves exist."""
    if name not in node or isinstance(node[name], Mapping):
        return []
    value = node[name]
    return value if isinstance(value, list) else [value]
