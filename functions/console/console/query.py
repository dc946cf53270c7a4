"""The query parameters of a list of calls; an error names the parameter."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from console.errors import ParameterInvalid
from console.parameters import Range

MAX_LIMIT = 100
DEFAULT_LIMIT = 50


def read_limit(text: str) -> int:
    """A number from 1 to MAX_LIMIT. Raises ParameterInvalid."""
    # The length is checked first, since int() is slow for very long numbers.
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT)) and 1 <= int(text) <= MAX_LIMIT):
        raise ParameterInvalid(f"`limit` must be a whole number from 1 to {MAX_LIMIT}.", param="limit")
    return int(text)


class PageQuery(Range):
    """A page of a list: what began in [since, until) UTC, at most `limit`, after the cursor's."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(read_limit)] = DEFAULT_LIMIT
    """How many to answer at most."""
    cursor: str | SkipJsonSchema[None] = None
    """`next_cursor` of the previous page."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ParameterInvalid("`from` must be earlier than `to` (`to` is exclusive).", param="from")
        return self


class ListQuery(PageQuery):
    """Which calls to list."""

    task_id: str | SkipJsonSchema[None] = None
    """Only this task's calls."""
