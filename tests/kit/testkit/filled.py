"""Builds values from type annotations, and lists the names in nested values: for tests of names that must stay."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from fractions import Fraction
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from testkit.samples import NOON

_PLAIN: dict[type, object] = {
    str: "text",
    int: 1,
    float: 1.5,
    bool: True,
    datetime: NOON,
    date: NOON.date(),
    bytes: b"text",
    Fraction: Fraction(11, 10),
}


def filled(annotation: Any) -> Any:
    """A value of that type with nothing left out: no None, no empty field, two entries in each collection."""
    if isinstance(annotation, type) and is_dataclass(annotation):
        hints = get_type_hints(annotation)
        return annotation(**{field.name: filled(hints[field.name]) for field in fields(annotation) if field.init})
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next(iter(annotation))
    if isinstance(annotation, UnionType):
        return filled(next(option for option in get_args(annotation) if option is not NoneType))
    kind, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return {"<name>": filled(arguments[1])}
    if isinstance(kind, type) and issubclass(kind, Collection):
        entries = (filled(arguments[0]), filled(arguments[0]))
        return entries if issubclass(tuple, kind) else cast("Any", kind)(entries)
    return _PLAIN[annotation]


def call_filled(function: Callable[..., object]) -> None:
    """Call the function with a filled value for each of its parameters."""
    arguments = {
        name: filled(parameter.annotation)
        for name, parameter in inspect.signature(function, eval_str=True).parameters.items()
    }
    positional = [name for name, it in inspect.signature(function).parameters.items() if it.kind is not it.KEYWORD_ONLY]
    named = {name: value for name, value in arguments.items() if name not in positional}
    function(*(arguments[name] for name in positional), **named)


def call_every_method(target: object) -> None:
    """Call each public method of the object with filled values."""
    for name, method in inspect.getmembers(target, inspect.ismethod):
        if not name.startswith("_"):
            call_filled(method)


def paths(value: object, prefix: str = "") -> Iterator[str]:
    """The names in a nested value: `usage`, `usage.output`, `attempts[].host`. A name whose value is None counts."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield f"{prefix}{name}"
            yield from paths(inner, f"{prefix}{name}.")
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for inner in value:
            yield from paths(inner, f"{prefix.removesuffix('.')}[].")
