"""Days of time zones."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cost_days import Days, read_days, read_hours, read_zone
from console.errors import ParameterInvalid

NOW = datetime(2026, 11, 20, 13, 37, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Africa/Cairo", "UTC"])


def at(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_by_default_there_are_thirty_days_and_the_last_is_today() -> None:
    assert read_days(None, None, NOW, UTC) == Days(date(2026, 10, 22), date(2026, 11, 20), UTC)


def test_dates_are_days_of_the_zone_and_the_last_is_excluded() -> None:
    days = read_days(date(2026, 11, 2), date(2026, 11, 4), NOW, BERLIN)
    assert (days.count, days.since, days.until) == (2, at(11, 1, 23), at(11, 3, 23))


def test_times_are_widened_to_whole_days_of_the_zone() -> None:
    days = read_days(at(11, 1, 23, 30), at(11, 3, 23, 1), NOW, BERLIN)
    assert (days.first, days.last) == (date(2026, 11, 2), date(2026, 11, 4))


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_a_day_on_which_clocks_change_has_its_own_number_of_hours(day: date, hours: int) -> None:
    days = Days(day, day, BERLIN)
    assert ((days.until - days.since) / HOUR, days.has_whole_hours) == (hours, True)


def test_an_hour_counts_to_the_day_in_which_it_begins() -> None:
    days = Days(date(2026, 11, 20), date(2026, 11, 20), ZoneInfo("Asia/Kolkata"))
    assert (days.since, days.until, days.has_whole_hours) == (at(11, 19, 19), at(11, 20, 19), False)


@given(st.dates(date(1980, 1, 1), date(2037, 1, 1)), st.integers(1, 31), ZONES)
def test_days_follow_each_other_without_gap(first: date, count: int, name: str) -> None:
    zone = read_zone(name)
    days = [Days(day, day, zone) for day in (first + timedelta(days=number) for number in range(count))]
    whole = Days(first, first + timedelta(days=count - 1), zone)
    assert [earlier.until for earlier in days[:-1]] == [later.since for later in days[1:]]
    assert (days[0].since, days[-1].until) == (whole.since, whole.until)
    for day in days:
        hours = [day.since + HOUR * number for number in range((day.until - day.since) // HOUR)]
        assert {hour.astimezone(zone).date() for hour in hours} == {day.first}


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (date(2026, 11, 20), date(2026, 11, 20)),
        (at(11, 20, 10), at(11, 20, 9)),
        (date(2026, 12, 1), None),
        (date(2025, 10, 16), date(2026, 11, 21)),
        (date(1969, 1, 1), date(1969, 1, 2)),
        (date(9999, 1, 1), date(9999, 12, 31)),
    ],
)
def test_a_range_that_cannot_be_is_refused(since: date | datetime, until: date | datetime | None) -> None:
    with pytest.raises(ParameterInvalid) as refused:
        read_days(since, until, NOW, UTC)
    assert refused.value.param == "from"


def test_hours_are_whole_and_twenty_four_by_default() -> None:
    assert read_hours(None, None, NOW, UTC) == (at(11, 19, 14), at(11, 20, 14))
    assert read_hours(at(11, 20, 9, 30), at(11, 20, 10, 30), NOW, UTC) == (at(11, 20, 9), at(11, 20, 11))
    assert read_hours(date(2026, 11, 20), None, NOW, BERLIN)[0] == at(11, 19, 23)


@pytest.mark.parametrize("name", ["Berlin", "../etc/passwd", "/etc/localtime", "", "America", "x" * 5000, "a\0b", "ä"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(ParameterInvalid, match="IANA") as refused:
        read_zone(name)
    assert refused.value.param == "tz"


def test_zones_are_known_where_the_system_has_none() -> None:
    zoneinfo.reset_tzpath(to=())
    try:
        assert ZoneInfo.no_cache("Asia/Kathmandu").utcoffset(NOW) == timedelta(hours=5, minutes=45)
    finally:
        zoneinfo.reset_tzpath()
