from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import ParameterInvalid
from console.moments import iso_utc, read_moment


def test_writes_utc_to_the_millisecond() -> None:
    at = datetime(2026, 11, 20, 1, 2, 3, 45_678, timezone(timedelta(hours=2)))
    assert iso_utc(at) == "2026-11-19T23:02:03.045Z"
    assert iso_utc(datetime(2026, 11, 20, tzinfo=UTC)) == "2026-11-20T00:00:00.000Z"


def test_a_missing_time_is_none() -> None:
    assert read_moment("from", None) is None


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_what_is_written_can_be_read(moment: datetime) -> None:
    assert read_moment("from", iso_utc(moment)) == moment - timedelta(microseconds=moment.microsecond % 1000)


def test_an_invalid_time_is_refused() -> None:
    with pytest.raises(ParameterInvalid, match="`to` must be an ISO 8601") as refused:
        read_moment("to", "soon")
    assert refused.value.param == "to"
