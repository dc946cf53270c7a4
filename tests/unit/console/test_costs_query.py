from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from console.costs_query import MAX_HOURS, CostsParameters, CostsQuery, costs_query
from console.errors import ParameterInvalid
from console.parameters import names_of, once_each
from switchboard.domain.totals import EARLIEST, Granularity

PARAMETERS = names_of(CostsParameters)
NOW = datetime(2026, 11, 20, 13, 37, 21, tzinfo=UTC)
HOUR = timedelta(hours=1)
moments = st.datetimes(timezones=st.just(UTC))


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def read_costs_query(pairs: Sequence[tuple[str, str]], now: datetime) -> CostsQuery:
    return costs_query(CostsParameters.model_validate(once_each(pairs, PARAMETERS)), now)


def refused_for(*pairs: tuple[str, str], now: datetime = NOW) -> str | None:
    with pytest.raises(ParameterInvalid) as refused:
        read_costs_query(pairs, now)
    return refused.value.param


@pytest.mark.parametrize(
    ("granularity", "since", "until"),
    [
        (None, at(2026, 10, 22), at(2026, 11, 21)),
        ("day", at(2026, 10, 22), at(2026, 11, 21)),
        ("hour", at(2026, 11, 19, 14), at(2026, 11, 20, 14)),
        ("month", at(2025, 12, 1), at(2026, 11, 21)),
    ],
)
def test_the_default_range_ends_now(granularity: str | None, since: datetime, until: datetime) -> None:
    pairs = [] if granularity is None else [("granularity", granularity)]
    assert read_costs_query(pairs, NOW) == CostsQuery(since, until, Granularity(granularity or "day"))


@pytest.mark.parametrize(
    ("now", "since"),
    [(at(2026, 12, 31, 23), at(2026, 1, 1)), (at(2027, 1, 1), at(2026, 1, 1)), (at(2028, 2, 29, 1), at(2027, 3, 1))],
)
def test_twelve_months_are_twelve_months(now: datetime, since: datetime) -> None:
    assert read_costs_query([("granularity", "month")], now).since == since


def test_a_range_without_a_start_has_the_default_length() -> None:
    assert read_costs_query([("to", "2026-03-02")], NOW).since == at(2026, 1, 31)


def test_a_range_without_an_end_ends_now() -> None:
    assert read_costs_query([("from", "2026-03-02")], NOW).until == at(2026, 11, 21)


@pytest.mark.parametrize(
    ("granularity", "since", "until"),
    [
        ("hour", at(2026, 11, 2, 9), at(2026, 11, 3, 18)),
        ("day", at(2026, 11, 2), at(2026, 11, 4)),
        ("month", at(2026, 11, 2), at(2026, 11, 4)),
    ],
)
def test_a_range_is_widened_to_whole_units(granularity: str, since: datetime, until: datetime) -> None:
    pairs = [("from", "2026-11-02T09:59:59Z"), ("to", "2026-11-03T17:00:00.001Z"), ("granularity", granularity)]
    assert read_costs_query(pairs, NOW) == CostsQuery(since, until, Granularity(granularity))


@pytest.mark.parametrize("granularity", list(Granularity))
def test_whole_days_are_not_widened(granularity: Granularity) -> None:
    pairs = [("from", "2026-11-02"), ("to", "2026-11-03"), ("granularity", granularity.value)]
    assert read_costs_query(pairs, NOW) == CostsQuery(at(2026, 11, 2), at(2026, 11, 3), granularity)


@pytest.mark.parametrize(
    ("pairs", "param"),
    [
        ([("granularity", "week")], "granularity"),
        ([("granularity", "DAY")], "granularity"),
        ([("from", "yesterday")], "from"),
        ([("to", "2026-11-31")], "to"),
        ([("from", "2026-11-20"), ("to", "2026-11-20")], "from"),
        ([("from", "2026-11-21"), ("to", "2026-11-20")], "from"),
        ([("from", "2026-11-21")], "from"),
        ([("limit", "5")], "limit"),
        ([("to", "9999-12-31T01:00:00Z")], "to"),
        ([("to", "9999-12-31")], "to"),
        ([("to", "9999-01-01T00:00:01Z")], "to"),
        ([("from", "9999-12-01"), ("to", "9999-12-31")], "to"),
        ([("from", "1969-12-31")], "from"),
        ([("to", "1960-01-01")], "to"),
        ([("to", "0001-01-01T01:00:00Z")], "to"),
        ([("to", "0001-11-01"), ("granularity", "month")], "to"),
    ],
)
def test_an_invalid_parameter_is_refused_by_its_name(pairs: list[tuple[str, str]], param: str) -> None:
    assert refused_for(*pairs) == param


@pytest.mark.parametrize("name", PARAMETERS)
def test_repeated_and_empty_parameters_are_refused(name: str) -> None:
    assert refused_for((name, "")) == name
    assert refused_for((name, "day"), (name, "day")) == name


def test_hours_are_a_month_at_most() -> None:
    hourly = ("granularity", "hour")
    month = read_costs_query([("from", "2026-10-01"), ("to", "2026-11-01"), hourly], NOW)
    assert (month.until - month.since) // HOUR == MAX_HOURS == 744
    assert refused_for(("from", "2026-10-01"), ("to", "2026-11-01T00:00:01Z"), hourly) == "from"
    assert refused_for(("from", "2026-10-01"), hourly) == "from"


def test_expired_hours_are_refused() -> None:
    hourly, day = ("granularity", "hour"), ("to", "2025-10-17")
    kept = NOW - timedelta(days=400)
    assert kept == at(2025, 10, 16, 13, 37, 21)
    assert read_costs_query([("from", "2025-10-16T13:00:00Z"), day, hourly], NOW).since == at(2025, 10, 16, 13)
    assert refused_for(("from", "2025-10-16T12:00:00Z"), day, hourly) == "from"
    assert read_costs_query([("from", "2015-10-16"), day], NOW).since == at(2015, 10, 16)


@given(since=moments, until=moments, granularity=st.sampled_from(Granularity))
def test_any_range_is_refused_or_covered_by_less_than_a_unit_more(
    since: datetime, until: datetime, granularity: Granularity
) -> None:
    pairs = [("from", since.isoformat()), ("to", until.isoformat()), ("granularity", granularity.value)]
    try:
        query = read_costs_query(pairs, NOW)
    except ParameterInvalid:
        is_day = granularity is not Granularity.HOUR
        assert since >= until or not is_day or until > at(9998, 12, 31) or since < EARLIEST
        return
    unit = HOUR if granularity is Granularity.HOUR else timedelta(days=1)
    assert query.since <= since < query.since + unit
    assert query.until - unit < until <= query.until


@given(now=moments, granularity=st.sampled_from(Granularity))
def test_the_default_range_has_the_documented_number_of_periods(now: datetime, granularity: Granularity) -> None:
    assume(1971 < now.year < 9999)
    query = read_costs_query([("granularity", granularity.value)], now)
    periods, start = set(), query.since
    while start < query.until:
        periods.add(granularity.start_of(start))
        start += HOUR if granularity is Granularity.HOUR else timedelta(days=1)
    assert len(periods) == {Granularity.HOUR: 24, Granularity.DAY: 30, Granularity.MONTH: 12}[granularity]
    assert min(periods) == query.since
    assert query.until - HOUR * 24 <= now <= query.until
