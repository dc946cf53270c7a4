"""Ranges of whole days in a time zone, and the hours that belong to them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.errors import ParameterInvalid
from switchboard.domain.limits import MAX_COST_DAYS, MAX_TIME_ZONE_CHARACTERS
from switchboard.domain.totals import EARLIEST, LATEST, Granularity

DEFAULT_DAYS = 30
DEFAULT_HOURS = timedelta(hours=24)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)

type DayOrTime = date | datetime


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days of a time zone, the first and the last included."""

    first: date
    last: date
    zone: tzinfo

    @property
    def count(self) -> int:
        """How many days there are."""
        return (self.last - self.first).days + 1

    @property
    def since(self) -> datetime:
        """The first whole UTC hour that begins in these days."""
        return whole_hour(midnight(self.first, self.zone))

    @property
    def until(self) -> datetime:
        """The first whole UTC hour that begins after them."""
        return whole_hour(midnight(self.last + _DAY, self.zone))

    @property
    def has_whole_hours(self) -> bool:
        """Whether each of its days begins on a whole UTC hour."""
        days = (self.first + _DAY * number for number in range(self.count + 1))
        return all(midnight(day, self.zone) == whole_hour(midnight(day, self.zone)) for day in days)


def read_zone(name: str) -> tzinfo:
    """The time zone of that name. Raises ParameterInvalid."""
    try:
        return (
            UTC if name == "UTC" else ZoneInfo(name[: MAX_TIME_ZONE_CHARACTERS + 1])
        )  # one that is too long is unknown
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ParameterInvalid("`tz` must be an IANA time zone, such as `Europe/Berlin`.", param="tz") from None


def read_days(since: DayOrTime | None, until: DayOrTime | None, now: datetime, zone: tzinfo) -> Days:
    """The days of the zone from `since` to before `until`, widened to whole ones. Raises ParameterInvalid."""
    try:
        last = (moment_of(until or now, zone) - _INSTANT).astimezone(zone).date()
        first = last - (DEFAULT_DAYS - 1) * _DAY if since is None else moment_of(since, zone).astimezone(zone).date()
        days = Days(first, last, zone)
        is_within = days.since >= EARLIEST and days.until <= LATEST
    except (OverflowError, ValueError):
        is_within = False
    if not is_within:
        raise ParameterInvalid(f"The range goes beyond the years {EARLIEST.year} to {LATEST.year - 1}.", param="from")
    if since is not None and moment_of(since, zone) >= moment_of(until or now, zone):
        raise ParameterInvalid(
            "`from` must be earlier than `to` (`to` is exclusive, and defaults to now).", param="from"
        )
    if days.count > MAX_COST_DAYS:
        raise ParameterInvalid(f"The range has {days.count} days; the maximum is {MAX_COST_DAYS}.", param="from")
    return days


def read_hours(
    since: DayOrTime | None, until: DayOrTime | None, now: datetime, zone: tzinfo
) -> tuple[datetime, datetime]:
    """The whole UTC hours from `since` to before `until`, which `read_days` has accepted; by default 24."""
    end = whole_hour(moment_of(until or now, zone))
    return end - DEFAULT_HOURS if since is None else Granularity.HOUR.start_of(moment_of(since, zone)), end


def moment_of(value: DayOrTime, zone: tzinfo) -> datetime:
    """The time, or the beginning of the day in that zone, in UTC."""
    return value.astimezone(UTC) if isinstance(value, datetime) else midnight(value, zone)


def midnight(day: date, zone: tzinfo) -> datetime:
    """When the day begins in the zone, in UTC; where clocks skip midnight, the first time after it."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def whole_hour(moment: datetime) -> datetime:
    """The first whole hour at or after the time."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return hour if hour == moment else hour + _HOUR
