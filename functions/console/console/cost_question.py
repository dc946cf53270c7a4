"""What a question about costs is answered from; a question that cannot be answered is refused with what is possible."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from console.cost_days import Days, read_days, read_hours, read_zone
from console.cost_parameters import PERIODS, CostsOfProject, GroupBy, read_group_by
from console.costs_query import MAX_HOURS
from console.errors import ParameterInvalid
from switchboard.domain.trace import Status
from switchboard.store.ledger.total_items import HOURS_KEPT_FOR

_HOUR = timedelta(hours=1)
_MAX_DAYS = MAX_HOURS // 24
_BY_TASK = frozenset({GroupBy.TASK})
_BY_CALLER = frozenset({GroupBy.CALLER})
_BY_MODEL = frozenset({GroupBy.TASK, GroupBy.PROVIDER, GroupBy.MODEL})
_OK = (GroupBy.STATUS, Status.OK)
_DAYS = frozenset({GroupBy.DAY, GroupBy.MONTH})

ONLY_UTC = (
    f"By UTC days: another zone's days are known for one task, up to {_MAX_DAYS} days, "
    "without other filters and groups."
)
PARTS_OF_HOURS = "The zone's days do not begin on a whole UTC hour: an hour counts to the day in which it begins."
KEPT_AS_TRACES = "The sums of callers are kept as long as the traces."


class Source(StrEnum):
    """Which totals have the answer."""

    HOURS = "hours"
    """One task's, by hour."""
    TASK = "task"
    """One task's, by day."""
    CALLERS = "callers"
    """The callers', by day."""
    COMBINATIONS = "combinations"
    """Those of every combination of the dimensions, by day."""


@dataclass(frozen=True, slots=True)
class CostQuestion:
    """A question about costs. `days` are those that are counted, `hours` only for an answer from hours: [since, until).

    `zone`: of the periods that are grouped by. `notes`: what the caller must know of the answer.
    """

    source: Source
    days: Days
    group_by: tuple[GroupBy, ...]
    filters: Mapping[GroupBy, str]
    since: datetime
    until: datetime
    with_latency: bool
    notes: tuple[str, ...] = ()

    @property
    def zone(self) -> tzinfo:
        """The time zone of the days."""
        return self.days.zone

    @property
    def period(self) -> GroupBy | None:
        """The period that is grouped by."""
        return next((name for name in self.group_by if name in PERIODS), None)


def cost_question(asked: CostsOfProject, now: datetime) -> CostQuestion:
    """The question of a request. Raises ParameterInvalid."""
    group_by, filters = read_group_by(asked.group_by), asked.filters()
    zone = UTC if asked.tz is None else read_zone(asked.tz)
    days = read_days(asked.since, asked.until, now, zone)
    source = _source(group_by, filters, days)
    if asked.latency:
        _check_latency(group_by, filters)
        source = Source.TASK if source is Source.HOURS else source  # percentiles are kept by UTC day
    if source is Source.HOURS:
        return _of_hours(asked, days, group_by, filters, now)
    notes = (KEPT_AS_TRACES,) if source is Source.CALLERS else ()
    if zone is not UTC:
        days, notes = read_days(asked.since, asked.until, now, UTC), (ONLY_UTC, *notes)
    return CostQuestion(source, days, group_by, filters, days.since, days.until, asked.latency, notes)


def _of_hours(
    asked: CostsOfProject, days: Days, group_by: tuple[GroupBy, ...], filters: Mapping[GroupBy, str], now: datetime
) -> CostQuestion:
    is_by_hour = GroupBy.HOUR in group_by
    since, until = read_hours(asked.since, asked.until, now, days.zone) if is_by_hour else (days.since, days.until)
    _check_hours(since, until, now)
    notes = () if is_by_hour or days.has_whole_hours else (PARTS_OF_HOURS,)
    return CostQuestion(Source.HOURS, days, group_by, filters, since, until, with_latency=False, notes=notes)


def _source(group_by: tuple[GroupBy, ...], filters: Mapping[GroupBy, str], days: Days) -> Source:
    names = {*group_by, *filters}
    if GroupBy.CALLER in names:
        _check_callers(names)
        return Source.CALLERS
    is_one_task = GroupBy.TASK in filters and names <= _BY_TASK | PERIODS
    if GroupBy.HOUR in group_by:
        if not is_one_task:
            raise ParameterInvalid(
                "Hours are known for one task: `task=…&group_by=hour`, without other filters and groups. "
                "Use `day` for anything else.",
                param="group_by",
            )
        return Source.HOURS
    if not is_one_task:
        return Source.COMBINATIONS
    return Source.HOURS if days.zone is not UTC and days.count <= _MAX_DAYS else Source.TASK


def _check_callers(names: set[GroupBy]) -> None:
    if others := sorted(names - _BY_CALLER - _DAYS):
        raise ParameterInvalid(
            f"Costs of callers are known without `{others[0]}`: as `group_by=caller`, with `day` or `month`, "
            "and for one caller with `caller=…`.",
            param=others[0] if others[0] not in PERIODS else "group_by",
        )


def _check_hours(since: datetime, until: datetime, now: datetime) -> None:
    # The days on which clocks change make a month of 31 days longer by an hour or two.
    if (hours := (until - since) // _HOUR) > MAX_HOURS + 2:
        raise ParameterInvalid(f"The range has {hours} hours; the maximum is {MAX_HOURS}.", param="from")
    if now - since >= HOURS_KEPT_FOR + _HOUR:
        raise ParameterInvalid(f"Hours are stored for {HOURS_KEPT_FOR.days} days. Use `group_by=day`.", param="from")


def _check_latency(group_by: tuple[GroupBy, ...], filters: Mapping[GroupBy, str]) -> None:
    names = {*group_by, *(name for name, value in filters.items() if (name, value) != _OK)}
    if others := sorted(names - _BY_MODEL - _DAYS):
        raise ParameterInvalid(
            "Percentiles are of `ok` calls, and known by `task`, `provider`, `model`, `day` and `month`, not by "
            f"`{others[0]}`.",
            param="latency",
        )
