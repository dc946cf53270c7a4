"""Sums stored rows into the groups of a question."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from console.cost_parameters import GroupBy
from console.cost_question import CostQuestion
from console.errors import ParameterInvalid
from console.moments import iso_utc
from switchboard.domain.dimensions import CallerDay, CombinationDay, Dimension, Latency, LatencyDay, bounded
from switchboard.domain.histogram import Histogram
from switchboard.domain.limits import MAX_READ_ROWS
from switchboard.domain.totals import ZERO, Period, Totals

type GroupKey = tuple[str | None, ...]
"""A group's names, in the order of the question's `group_by`."""

type Row = tuple[Mapping[GroupBy, str | None], Totals]
"""The names that a stored row has, and its sums."""

type Latencies = Mapping[Latency, Histogram]

_MONTH_CHARACTERS = 7


@dataclass(frozen=True, slots=True)
class Group:
    """A group's names and its sums; `latencies` if they were asked for."""

    key: GroupKey
    totals: Totals
    latencies: Latencies | None = None


def summed(question: CostQuestion, rows: Iterable[Row]) -> dict[GroupKey, Totals]:
    """The sums of the rows that pass the filters, by group. Raises ParameterInvalid for too many rows."""
    wanted = {name: bounded(value) for name, value in question.filters.items()}
    found: dict[GroupKey, Totals] = {}
    for number, (names, totals) in enumerate(rows):
        _check_number(number)
        if all(names[name] == value for name, value in wanted.items()):
            key = tuple(names[name] for name in question.group_by)
            found[key] = found.get(key, ZERO) + totals
    return found


def latencies(question: CostQuestion, rows: Iterable[LatencyDay]) -> dict[GroupKey, Latencies]:
    """The histograms by group. Raises ParameterInvalid for too many rows."""
    # Of the statuses a question can only ask for `ok`, and these are the times of such calls.
    wanted = {name: bounded(value) for name, value in question.filters.items() if name is not GroupBy.STATUS}
    found = defaultdict[GroupKey, dict[Latency, Counter[int]]](lambda: {each: Counter() for each in Latency})
    for number, row in enumerate(rows):
        _check_number(number)
        names = _latency_names(row)
        if all(names[name] == value for name, value in wanted.items()):
            key = tuple(names[name] for name in question.group_by)
            for each, counts in found[key].items():
                counts.update(row.histograms[each].counts)
    return {key: {each: Histogram(counts) for each, counts in of.items()} for key, of in found.items()}


def rows_of_combinations(rows: Iterable[CombinationDay]) -> Iterator[Row]:
    """The rows of every combination, with what they can be grouped by."""
    for row in rows:
        names = {GroupBy(dimension): row.combination[dimension] for dimension in Dimension}
        yield {**names, **_of_day(row.day)}, row.totals


def rows_of_callers(rows: Iterable[CallerDay]) -> Iterator[Row]:
    """The rows of callers, with what they can be grouped by."""
    for row in rows:
        yield {GroupBy.CALLER: row.caller, **_of_day(row.day)}, row.totals


def rows_of_task(task_id: str, periods: Iterable[Period], zone: tzinfo) -> Iterator[Row]:
    """One task's hours or days, with what they can be grouped by, in that time zone."""
    for period in periods:
        names = {GroupBy.TASK: bounded(task_id), GroupBy.HOUR: iso_utc(period.start)}
        yield {**names, **_of_day(_day_of(period.start, zone))}, period.totals


def _latency_names(row: LatencyDay) -> Mapping[GroupBy, str | None]:
    names = {GroupBy.TASK: row.task_id, GroupBy.PROVIDER: row.provider, GroupBy.MODEL: row.model}
    return {**names, **_of_day(row.day)}


def _of_day(day: date) -> Mapping[GroupBy, str]:
    text = day.isoformat()
    return {GroupBy.DAY: text, GroupBy.MONTH: text[:_MONTH_CHARACTERS]}


def _day_of(start: datetime, zone: tzinfo) -> date:
    return start.astimezone(zone).date()


def _check_number(number: int) -> None:
    if number >= MAX_READ_ROWS:
        raise ParameterInvalid(
            f"The range has more than {MAX_READ_ROWS:,} rows of totals. Ask for fewer days.", param="from"
        )
