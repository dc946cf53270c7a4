"""What a deployment decides: each function reads its settings from the environment once, at its door."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

type Reader = Callable[[str], object]
"""The value that a text stands for. Raises ValueError whose words go on where the setting's name ends."""
_PLAIN: Mapping[str, Reader] = MappingProxyType({})


class SettingsInvalid(Exception):
    """Names every setting that is missing or cannot be used."""


def read_settings[S: DataclassInstance](
    kind: type[S], environment: Mapping[str, str], readers: Mapping[str, Reader] = _PLAIN
) -> S:
    """The settings of an environment: each field of `kind` is a variable of the same name in capitals.

    `readers`, by field: for all that is not plain text. Blanks around a value do not count, and an empty one is as good
    as none. Raises SettingsInvalid with all that is wrong, not the first of it.
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
