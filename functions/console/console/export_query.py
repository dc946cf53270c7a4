"""The query parameters of an export; an error names the parameter."""

from typing import Annotated

from pydantic import BeforeValidator
from pydantic.json_schema import SkipJsonSchema

from console.errors import ParameterInvalid
from console.export_lines import Format
from console.query import Filters


def read_format(text: str) -> Format:
    """A format by its name. Raises ParameterInvalid."""
    try:
        return Format(text)
    except ValueError:
        names = " or ".join(f"`{known.value}`" for known in Format)
        raise ParameterInvalid(f"`format` must be {names}.", param="format") from None


class ExportQuery(Filters):
    """Which calls to export, and how."""

    format: Annotated[Format, BeforeValidator(read_format)] = Format.CATALYST
    """`catalyst`: `{request, response}`. `messages`: `{messages, id, tools}`, the conversation with its answer."""
    cursor: str | SkipJsonSchema[None] = None
    """`x-switchboard-next-cursor` of the previous part."""
