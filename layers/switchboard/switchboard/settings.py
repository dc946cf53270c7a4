"""Reads a function's settings from the environment, once, at its entry point."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

type Reader = Callable[[str], object]
"""Parses a setting's text. Raises ValueError with a message that continues the sentence after the setting's name."""
_PLAIN: Mapping[str, Reader] = MappingProxyType({})


class SettingsInvalid(Exception):
    """Names every setting that is missing or invalid."""


def read_settings[S: DataclassInstance](
    kind: type[S], environment: Mapping[str, str], readers: Mapping[str, Reader] = _PLAIN
) -> S:
    """The settings of an environment: each field of `kind` is a variable of the same name in capitals.

    `readers`, by field, parse settings that are not plain text. Whitespace around a value is stripped, and an empty
    value counts as missing. Raises SettingsInvalid with every problem.
    """
    values: dict[str, object] = {}
    problems: list[str] = []
    for field in fields(kind):
        name = field.name.upper()
        text = environment.get(name, "").strip()
        if text:
            try:
                values[field.name] = readers.get(field.name, str)(text)
            except ValueError as problem:
                problems.append(f"{name} {problem}")
        elif field.default is MISSING and field.default_factory is MISSING:
            problems.append(f"{name} is missing from the environment")
    if problems:
        raise SettingsInvalid("; ".join(problems))
    return kind(**values)


def positive(text: str) -> int:
    """A whole number above 0. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"must be a whole number above 0, not {text!r}")
    return int(text)
