"""Facets: the values of each dimension by calls, the first thousand."""

from datetime import date

from switchboard.domain.dimensions import CombinationDay, Dimension
from switchboard.domain.facets import facets_of
from switchboard.domain.limits import MAX_FACET_VALUES
from switchboard.domain.totals import Totals
from switchboard.domain.trace_search import FacetValue

NAMES = dict.fromkeys(Dimension)


def day(calls: int, **names: str) -> CombinationDay:
    combination = {**NAMES, **{Dimension(name): value for name, value in names.items()}}
    return CombinationDay(date(2026, 11, 20), combination, Totals(calls=calls))


def test_values_are_counted_over_days_and_combinations_and_ranked() -> None:
    days = [day(3, task="b", model="x"), day(2, task="a"), day(4, task="c"), day(2, task="a", model="y")]
    facets = {facet.name: facet for facet in facets_of(iter(days))}
    assert list(facets) == [dimension.value for dimension in Dimension]
    assert facets["task"].values == (FacetValue("a", 4), FacetValue("c", 4), FacetValue("b", 3))
    assert facets["model"].values == (FacetValue("x", 3), FacetValue("y", 2))
    assert facets["agent"].values == ()
    assert not facets["task"].is_truncated


def test_the_first_thousand_values_are_listed_and_more_are_told() -> None:
    days = [day(number, task=f"task-{number}") for number in range(1, MAX_FACET_VALUES + 2)]
    task = facets_of(days)[0]
    assert task.is_truncated
    assert len(task.values) == MAX_FACET_VALUES
    assert task.values[0] == FacetValue("task-1001", 1001)
    assert task.values[-1] == FacetValue("task-2", 2)
