"""The values of every dimension, by how many calls have them."""

from collections import Counter
from collections.abc import Iterable

from switchboard.domain.dimensions import CombinationDay, Dimension
from switchboard.domain.limits import MAX_FACET_VALUES
from switchboard.domain.trace_search import Facet, FacetValue


def facets_of(days: Iterable[CombinationDay]) -> tuple[Facet, ...]:
    """The first `MAX_FACET_VALUES` of each dimension; of values with equally many calls, in the order of their text."""
    calls: dict[Dimension, Counter[str]] = {dimension: Counter() for dimension in Dimension}
    for day in days:
        for dimension, value in day.combination.items():
            if value is not None:
                calls[dimension][value] += day.totals.calls
    return tuple(_facet(dimension, counted) for dimension, counted in calls.items())


def _facet(dimension: Dimension, calls: Counter[str]) -> Facet:
    ranked = sorted(calls.items(), key=lambda each: (-each[1], each[0]))
    values = tuple(FacetValue(value, count) for value, count in ranked[:MAX_FACET_VALUES])
    return Facet(dimension.value, values, is_truncated=len(ranked) > MAX_FACET_VALUES)
