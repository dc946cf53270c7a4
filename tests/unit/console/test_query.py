from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import ParameterInvalid
from console.parameters import names_of, once_each
from console.query import ListQuery

PARAMETERS = names_of(ListQuery)
moments = st.datetimes(timezones=st.timezones())


def read_query(pairs: list[tuple[str, str]]) -> ListQuery:
    given = once_each(pairs, PARAMETERS)
    # FastAPI gives a parameter that may be repeated as a list.
    return ListQuery.model_validate(given | ({"metadata": [given["metadata"]]} if "metadata" in given else {}))


def a_query(**fields: Any) -> ListQuery:
    return ListQuery.model_construct(**fields)


def test_without_parameters_the_newest_fifty_are_listed() -> None:
    assert read_query([]) == a_query(task_id=None, since=None, until=None, limit=50, cursor=None)


def test_everything_given() -> None:
    pairs = [("task_id", "a b"), ("from", "2026-11-20"), ("to", "2026-11-21"), ("limit", "7"), ("cursor", "x")]
    since, until = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
    assert read_query(pairs) == a_query(task_id="a b", since=since, until=until, limit=7, cursor="x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T09:30:00Z", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-20T09:30:00.125+02:00", datetime(2026, 11, 20, 7, 30, 0, 125_000, tzinfo=UTC)),
        ("2026-11-20T23:30-05:30", datetime(2026, 11, 21, 5, 0, tzinfo=UTC)),
    ],
)
def test_moments_are_read_into_utc(text: str, expected: datetime) -> None:
    assert read_query([("from", text)]).since == expected
    assert read_query([("to", text)]).until == expected


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-11-20T09:30:00",
        "2026-13-01",
        "1795176000",
        "20261120120000Z",
        "2026-11-20 09:30:00Z",
        "2026-11-20T09:30:00 02:00",
        "0001-01-01T00:00+14:00",
        "\u0662\u0660\u0662\u0666-11-20",
    ],
)
def test_an_invalid_time_is_refused_by_its_name(name: str, text: str) -> None:
    with pytest.raises(ParameterInvalid, match=f"`{name}` must be an ISO 8601") as refused:
        read_query([(name, text)])
    assert refused.value.param == name


@pytest.mark.parametrize("text", ["0", "101", "-1", "1.5", "ten", "\u0665", " 5", "1" * 5000, "0" * 5000 + "5"])
def test_a_limit_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(ParameterInvalid, match="from 1 to 100") as refused:
        read_query([("limit", text)])
    assert refused.value.param == "limit"


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("100", 100)])
def test_a_limit_at_its_bounds(text: str, limit: int) -> None:
    assert read_query([("limit", text)]).limit == limit


@pytest.mark.parametrize("until", ["2026-11-20T10:00:00Z", "2026-11-20T09:59:59Z", "2026-11-20T11:00:00+01:00"])
def test_from_must_be_before_to(until: str) -> None:
    with pytest.raises(ParameterInvalid, match="earlier than `to`"):
        read_query([("from", "2026-11-20T10:00:00Z"), ("to", until)])


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ParameterInvalid, match="`task`") as refused:
        read_query([("task", "booking")])
    assert all(f"`{name}`" in refused.value.message for name in PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_repeated_and_empty_parameters_are_refused(name: str) -> None:
    for pairs in ([(name, "")], [(name, "2026-11-20"), (name, "2026-11-20")]):
        with pytest.raises(ParameterInvalid) as refused:
            read_query(pairs)
        assert refused.value.param in {name, "limit"}


@given(since=moments, until=moments)
def test_any_two_times_are_a_range_or_refused(since: datetime, until: datetime) -> None:
    pairs = [("from", since.isoformat()), ("to", until.isoformat())]
    try:
        query = read_query(pairs)
    except ParameterInvalid:
        # At the ends of the calendar a moment may have no name in UTC.
        is_named = 1 < since.year < 9999 and 1 < until.year < 9999
        assert not is_named or since.astimezone(UTC) >= until.astimezone(UTC)
    else:
        assert (query.since, query.until) == (since.astimezone(UTC), until.astimezone(UTC))
        assert query.since is not None
        assert query.until is not None
        assert query.since < query.until


@given(st.lists(st.tuples(st.sampled_from([*PARAMETERS, "other"]), st.text(max_size=30)), max_size=6))
def test_any_text_is_a_query_or_refused_by_name(pairs: list[tuple[str, str]]) -> None:
    refused_for = None
    try:
        assert 1 <= read_query(pairs).limit <= 100
    except ParameterInvalid as refused:
        refused_for = refused.param
    assert refused_for in {None, *(name for name, _ in pairs)}
