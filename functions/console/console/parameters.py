"""Reads query parameters; an error names the parameter.

Each route's parameters are one model. FastAPI reads it and describes it in the API's document; the readers here refuse
what is wrong with a sentence of their own, which passes through pydantic as it is.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from console.errors import ParameterInvalid
from console.moments import read_moment

_FORMATS = ("date", "date-time")
DATE_OR_TIME = WithJsonSchema({"anyOf": [{"type": "string", "format": name} for name in _FORMATS]})

FROM_BEFORE_TO = "`from` must be earlier than `to` (`to` is exclusive, and defaults to now)."

Moment = datetime | SkipJsonSchema[None]
Text = str | SkipJsonSchema[None]


def once_each(
    pairs: Iterable[tuple[str, str]], known: Sequence[str], repeatable: Collection[str] = ()
) -> dict[str, str]:
    """The values by name. Raises ParameterInvalid for a parameter that is unknown, repeated or empty."""
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise ParameterInvalid(f"There is no parameter `{name}`. {_available(known)}", param=name)
        if name in given and name not in repeatable:
            raise ParameterInvalid(f"`{name}` may only be given once.", param=name)
        if not value:
            raise ParameterInvalid(f"`{name}` is empty. Leave it out instead.", param=name)
        given[name] = value
    return given


def names_of(parameters: type[BaseModel]) -> tuple[str, ...]:
    """The names of a model's parameters, as they are written in a URL."""
    return tuple(field.alias or name for name, field in parameters.model_fields.items())


def lists_of(parameters: type[BaseModel]) -> frozenset[str]:
    """The names of a model's parameters that may be given several times."""
    fields = parameters.model_fields.items()
    return frozenset(field.alias or name for name, field in fields if get_origin(field.annotation) is tuple)


def _available(known: Sequence[str]) -> str:
    return f"The parameters are {', '.join(f'`{name}`' for name in known)}." if known else "This route has none."


class Parameters(BaseModel):
    """The query parameters of a route; an absent one has its default."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Range(Parameters):
    """A range of time, [since, until) in UTC."""

    since: Annotated[
        datetime | SkipJsonSchema[None],
        BeforeValidator(partial(read_moment, "from")),
        DATE_OR_TIME,
        Field(alias="from"),
    ] = None
    """Calls that began at this time or later: a date (UTC), or a date and time with Z or an offset."""
    until: Annotated[Moment, BeforeValidator(partial(read_moment, "to")), DATE_OR_TIME, Field(alias="to")] = None
    """Calls that began before this time."""
