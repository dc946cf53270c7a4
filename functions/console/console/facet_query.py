"""Which values to list, and the list in the API's JSON."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from console.cost_days import Days, read_days
from console.facet_shapes import FacetsJson
from console.moments import iso_utc
from console.parameters import Range
from switchboard.domain.trace_search import Facet


class FacetsQuery(Range):
    """Whose values to list: of calls of the last 30 days by default; 400 days at most."""


def read_range(asked: FacetsQuery, now: datetime) -> Days:
    """The UTC days of a request. Raises ParameterInvalid."""
    return read_days(asked.since, asked.until, now, UTC)


def facets_json(days: Days, facets: Iterable[Facet], since: date | None) -> FacetsJson:
    """The values by name, those with the most calls first. `since`: the first day with every call."""
    return {
        "from": iso_utc(days.since),
        "to": iso_utc(days.until),
        "dimensions_since": None if since is None else since.isoformat(),
        "facets": [
            {
                "name": facet.name,
                "values": [{"value": each.value, "calls": each.calls} for each in facet.values],
                "truncated": facet.is_truncated,
            }
            for facet in facets
        ],
    }
