"""The query parameters of a list of calls; an error names the parameter."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from console.errors import ParameterInvalid
from console.parameters import Parameters, Range, Text
from switchboard.domain.trace import Status
from switchboard.domain.trace_search import Order

MAX_LIMIT = 100
DEFAULT_LIMIT = 50


def read_limit(text: str) -> int:
    """A number from 1 to MAX_LIMIT. Raises ParameterInvalid."""
    # The length is checked first, since int() is slow for very long numbers.
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT)) and 1 <= int(text) <= MAX_LIMIT):
        raise ParameterInvalid(f"`limit` must be a whole number from 1 to {MAX_LIMIT}.", param="limit")
    return int(text)


def read_status(text: str) -> Status:
    """A status. Raises ParameterInvalid."""
    if text not in [*Status]:
        raise ParameterInvalid(f"`status` is one of {', '.join(f'`{status}`' for status in Status)}.", param="status")
    return Status(text)


def read_sort(text: str) -> Order:
    """An order of calls. Raises ParameterInvalid."""
    if text not in [*Order]:
        raise ParameterInvalid(f"`sort` is one of {', '.join(f'`{order}`' for order in Order)}.", param="sort")
    return Order(text)


class CallsQuery(Parameters):
    """A page of a list: at most `limit` entries, after the cursor's."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(read_limit)] = DEFAULT_LIMIT
    """How many to answer at most."""
    cursor: str | SkipJsonSchema[None] = None
    """`next_cursor` of the previous page."""


class OrderedRange(Range):
    """A range of time that begins before it ends."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ParameterInvalid("`from` must be earlier than `to` (`to` is exclusive).", param="from")
        return self


class PageQuery(CallsQuery, OrderedRange):
    """A page of a list: what began in [since, until) UTC."""


class Filters(OrderedRange):
    """Which calls are meant: those that have every value that is given."""

    task_id: Text = None
    environment: Text = None
    key_id: Text = None
    provider: Text = None
    model: Text = None
    status: Annotated[Status | SkipJsonSchema[None], BeforeValidator(read_status)] = None
    metadata: Annotated[tuple[str, ...], Field(examples=[["conversation-id:17"]])] = ()
    """`name:value`, also several times; the names are those of the setting `SEARCH_METADATA`."""

    @property
    def are_indexed(self) -> bool:
        """Whether they are a question for the index of settled calls, and not for all calls of a project or task."""
        given = (self.environment, self.key_id, self.provider, self.model, self.status)
        return any(given) or bool(self.metadata)


class ListQuery(CallsQuery, Filters):
    """Which calls to list."""

    sort: Annotated[Order, BeforeValidator(read_sort)] = Order.NEWEST
    """`slowest` by TTFT and `dearest` by cost are of `ok` calls."""

    @property
    def is_indexed(self) -> bool:
        """Whether it is a question for the index of settled calls."""
        return self.are_indexed or self.sort is not Order.NEWEST
