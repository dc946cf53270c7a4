"""The query parameters of an export; an error names the parameter."""

from typing import Annotated, Self

from pydantic import BeforeValidator, model_validator
from pydantic.json_schema import SkipJsonSchema

from console.errors import ParameterInvalid
from console.export_lines import Format
from console.parameters import Range


def read_format(text: str) -> Format:
    """A format by its name. Raises ParameterInvalid."""
    try:
        return Format(text)
    except ValueError:
        names = " or ".join(f"`{known.value}`" for known in Format)
        raise ParameterInvalid(f"`format` must be {names}.", param="format") from None


class ExportQuery(Range):
    """Which calls to export, and how."""

    format: Annotated[Format, BeforeValidator(read_format)] = Format.CATALYST
    """`catalyst`: `{request, response}`. `messages`: `{messages, id, tools}`, the conversation with its answer."""
    task_id: str | SkipJsonSchema[None] = None
    """Only this task's calls."""
    cursor: str | SkipJsonSchema[None] = None
    """`x-switchboard-next-cursor` of the previous part."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ParameterInvalid("`from` must be earlier than `to` (`to` is exclusive).", param="from")
        return self
