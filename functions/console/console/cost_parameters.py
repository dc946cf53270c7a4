"""The query parameters of the costs of a project: what they are grouped by, which calls are counted, and when."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator
from pydantic.json_schema import SkipJsonSchema

from console.errors import ParameterInvalid
from console.moments import read_day_or_moment
from console.parameters import DATE_OR_TIME, Parameters, Text
from console.query import read_status
from switchboard.domain.dimensions import Dimension
from switchboard.domain.trace import Status

Day = date | datetime | SkipJsonSchema[None]


class GroupBy(StrEnum):
    """What costs can be grouped by: the dimensions, the caller, and one of the periods."""

    TASK = "task"
    ENVIRONMENT = "environment"
    KEY = "key"
    AGENT = "agent"
    PROVIDER = "provider"
    MODEL = "model"
    STATUS = "status"
    CALLER = "caller"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


PERIODS = frozenset({GroupBy.HOUR, GroupBy.DAY, GroupBy.MONTH})
DIMENSIONS = frozenset(GroupBy(dimension) for dimension in Dimension)


def read_group_by(text: str | None) -> tuple[GroupBy, ...]:
    """The names in `group_by`, in their order. Raises ParameterInvalid."""
    names = [] if text is None else [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in [*GroupBy]]:
        possible = ", ".join(f"`{name}`" for name in GroupBy)
        raise ParameterInvalid(
            f"`group_by` cannot be {unknown[0][:80]!r}. It is one or several of {possible}, with commas.",
            param="group_by",
        )
    found = tuple(map(GroupBy, names))
    if len(set(found)) < len(found) or len(PERIODS.intersection(found)) > 1:
        raise ParameterInvalid("`group_by` has each name once, and one period at most.", param="group_by")
    return found


def read_flag(name: str, text: str) -> bool:
    """True or false. Raises ParameterInvalid."""
    if text not in ("true", "false"):
        raise ParameterInvalid(f"`{name}` is `true` or `false`.", param=name)
    return text == "true"


class CostsOfProject(Parameters):
    """Which costs to sum, and by what."""

    group_by: Annotated[Text, Field(examples=["model", "task,day"])] = None
    """One or several of task, environment, key, agent, provider, model and status; caller; and one of hour, day and
    month; with commas. Without it everything is one sum."""
    since: Annotated[Day, PlainValidator(partial(read_day_or_moment, "from")), DATE_OR_TIME, Field(alias="from")] = None
    """The first day, or a time in it; 30 days in all by default. 400 days at most."""
    until: Annotated[Day, PlainValidator(partial(read_day_or_moment, "to")), DATE_OR_TIME, Field(alias="to")] = None
    """The day after the last, or a time in the last; now by default."""
    tz: Annotated[Text, Field(examples=["Europe/Berlin"])] = None
    """The IANA time zone of the days: for one task alone, up to 31 days; other answers are by UTC days, and say so."""
    task: Text = None
    environment: Text = None
    key: Text = None
    """A gateway key's id, `key_…`."""
    agent: Text = None
    """The metadata entry `agent-id`."""
    provider: Text = None
    model: Text = None
    status: Annotated[Status | SkipJsonSchema[None], BeforeValidator(read_status)] = None
    caller: Text = None
    """The metadata entry `caller-id`: alone, or grouped by day or month."""
    latency: Annotated[bool, BeforeValidator(partial(read_flag, "latency"))] = False
    """Whether to add percentiles: by task, provider, model, day and month."""

    def filters(self) -> Mapping[GroupBy, str]:
        """The given filters by name."""
        names = (name for name in GroupBy if name not in PERIODS)
        return {name: value for name in names if (value := getattr(self, name)) is not None}
