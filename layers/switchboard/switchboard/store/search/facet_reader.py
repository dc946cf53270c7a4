"""Reads the values that can be searched for, from the totals."""

from collections.abc import Iterable, Iterator
from datetime import date

from switchboard.domain.dimensions import CombinationDay
from switchboard.domain.facets import facets_of
from switchboard.domain.limits import MAX_READ_ROWS
from switchboard.domain.trace_search import Facet
from switchboard.store.query_ports import CombinationReader, SearchRefused


class TotalsFacets:
    """FacetReader over the totals: one query for each of their shards."""

    def __init__(self, costs: CombinationReader) -> None:
        self._costs = costs

    def facets(self, project: str, first: date, last: date) -> tuple[Facet, ...]:
        """The values of every dimension, by calls (see the port)."""
        return facets_of(_bounded(self._costs.combination_days(project, first, last)))


def _bounded(days: Iterable[CombinationDay]) -> Iterator[CombinationDay]:
    for number, day in enumerate(days):
        if number >= MAX_READ_ROWS:
            raise SearchRefused(
                f"The range has more than {MAX_READ_ROWS:,} rows of totals. Ask for fewer days.", "since"
            )
        yield day
