"""The shapes of facets in the API's JSON. The field names are a public contract."""

from typing import TypedDict

from pydantic import with_config

from console.shape_config import DESCRIBED


class FacetValueJson(TypedDict):
    """A value, and how many calls have it."""

    value: str
    calls: int


@with_config(DESCRIBED)
class FacetJson(TypedDict):
    """The values of a name, those with the most calls first."""

    name: str
    values: list[FacetValueJson]
    truncated: bool
    """Whether there are more than the first 1,000."""


FacetsJson = TypedDict(
    "FacetsJson", {"from": str, "to": str, "dimensions_since": str | None, "facets": list[FacetJson]}
)
"""The values that calls of the range have, by name; `from` and `to` are the days that were counted.

`dimensions_since`: the first UTC day of which every call is counted.
"""
