"""Reads the query parameters of a task's costs as a range of whole hours or days; an error names the parameter."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator

from console.errors import ParameterInvalid
from console.parameters import FROM_BEFORE_TO, Range
from switchboard.domain.totals import EARLIEST, LATEST, Granularity
from switchboard.store.ledger.total_items import HOURS_KEPT_FOR

MAX_HOURS = 31 * 24
"""31 days: the most that a chart can show and an answer should contain."""

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class CostsQuery:
    """Which costs to read: [since, until) in UTC, in whole hours for hours and whole days for days and months."""

    since: datetime
    until: datetime
    granularity: Granularity


def _read_granularity(text: str) -> Granularity:
    try:
        return Granularity(text)
    except ValueError:
        names = ", ".join(f"`{name}`" for name in Granularity)
        raise ParameterInvalid(f"`granularity` must be one of {names}.", param="granularity") from None


class CostsParameters(Range):
    """Which of a task's costs to read, as asked for."""

    granularity: Annotated[Granularity, BeforeValidator(_read_granularity)] = Granularity.DAY
    """How long a period is, in UTC."""


def costs_query(asked: CostsParameters, now: datetime) -> CostsQuery:
    """The query of a request, widened to whole hours or days. Raises ParameterInvalid.

    Without `to` it ends now; without `from` it spans 24 hours, 30 days or 12 months, including the last.
    """
    granularity, begin, end = asked.granularity, asked.since, asked.until or now
    if begin is not None and begin >= end:
        raise ParameterInvalid(FROM_BEFORE_TO, param="from")
    try:
        query = _whole(begin, end, granularity)
    except (OverflowError, ValueError):
        raise _beyond_years("to") from None
    if query.since < EARLIEST or query.until > LATEST:
        raise _beyond_years("to" if query.until > LATEST or begin is None else "from")
    if granularity is Granularity.HOUR:
        _check_hours(query, now)
    return query


def _beyond_years(param: str) -> ParameterInvalid:
    years = f"{EARLIEST.year} to {LATEST.year - 1}"
    return ParameterInvalid(f"The range goes beyond the years {years}.", param=param)


def _whole(begin: datetime | None, end: datetime, granularity: Granularity) -> CostsQuery:
    is_hour = granularity is Granularity.HOUR
    unit, length = (Granularity.HOUR, _HOUR) if is_hour else (Granularity.DAY, _DAY)
    last = unit.start_of(end - _INSTANT)
    since = _default_start(last, granularity) if begin is None else unit.start_of(begin)
    return CostsQuery(since, last + length, granularity)


def _default_start(last: datetime, granularity: Granularity) -> datetime:
    """The default start of a range, from its last hour or day."""
    match granularity:
        case Granularity.HOUR:
            return last - 23 * _HOUR
        case Granularity.DAY:
            return last - 29 * _DAY
        case Granularity.MONTH:
            month = last.month % 12 + 1
            return last.replace(year=last.year - (month > 1), month=month, day=1)


def _check_hours(query: CostsQuery, now: datetime) -> None:
    hours = (query.until - query.since) // _HOUR
    if hours > MAX_HOURS:
        raise ParameterInvalid(
            f"The range has {hours} hours; the maximum is {MAX_HOURS}. Use a shorter range, or `granularity=day`.",
            param="from",
        )
    if now - query.since >= HOURS_KEPT_FOR + _HOUR:
        raise ParameterInvalid(f"Hours are stored for {HOURS_KEPT_FOR.days} days. Use `granularity=day`.", param="from")
