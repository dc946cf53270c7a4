from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from switchboard.domain.trace_id import created_at, earliest_trace_id, lowest_trace_id, new_trace_id, time_of

NOW = datetime(2026, 11, 20, 12, 0, 0, 7000, UTC)


def test_is_a_uuid_of_version_7() -> None:
    made = UUID(new_trace_id(NOW, Random(1)))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")


def test_two_of_one_millisecond_differ() -> None:
    random = Random(1)
    assert len({new_trace_id(NOW, random) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text", ["", "x", "00000000-0000-4000-8000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff"]
)
def test_anything_but_a_uuid_of_version_7_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        created_at(text)


def test_before_1970_the_earliest_id_is_the_first_of_all() -> None:
    assert earliest_trace_id(datetime(1969, 1, 1, tzinfo=UTC)) == str(UUID(int=0))


def test_the_earliest_id_of_a_millisecond_comes_after_the_one_before() -> None:
    before = new_trace_id(NOW - timedelta(milliseconds=1), Random(1))
    assert before < earliest_trace_id(NOW) < new_trace_id(NOW, Random(1))


def test_a_time_that_a_float_cannot_represent_is_exact() -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1001)
    assert created_at(new_trace_id(moment, Random(1))) == moment


def test_the_lowest_id_of_a_millisecond_is_valid_and_none_of_it_comes_before() -> None:
    lowest = lowest_trace_id(NOW)
    assert created_at(lowest) == time_of(lowest) == NOW
    assert earliest_trace_id(NOW) < lowest
    assert all(lowest <= new_trace_id(NOW, Random(seed)) for seed in range(100))


@pytest.mark.parametrize(("text", "year"), [(str(UUID(int=0)), 1970), (str(UUID(int=2**128 - 1)), 9999)])
def test_the_ends_of_a_range_have_times_too(text: str, year: int) -> None:
    assert time_of(text).year == year
