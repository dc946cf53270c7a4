"""Reads the values that can be searched for, from the totals."""

from datetime import date

from switchboard.domain.facets import facets_of
from switchboard.domain.trace_search import Facet
from switchboard.store.query_ports import CostReader


class TotalsFacets:
    """FacetReader over the totals: one query for each of their shards."""

    def __init__(self, costs: CostReader) -> None:
        self._costs = costs

    def facets(self, project: str, first: date, last: date) -> tuple[Facet, ...]:
        """The values of every dimension, by calls (see the port)."""
        return facets_of(self._costs.combination_days(project, first, last))
