"""How far back calls can be found, and what a search says about it."""

from datetime import UTC, date, datetime, timedelta

from switchboard.domain.trace_search import TraceSearch
from switchboard.store.search.search_range import Indexed, midnight, searched_to
from testkit.samples import NOON, an_open_trace

DAY = date(2026, 11, 20)


def test_calls_can_be_found_from_the_day_before_the_first_whole_one() -> None:
    assert Indexed(DAY, NOON).first_day == date(2026, 11, 19)
    assert Indexed(None, NOON).first_day == date(2026, 11, 19)


def test_a_search_has_looked_at_every_call_since_the_first_whole_day() -> None:
    indexed = Indexed(DAY, NOON)
    assert indexed.searched_since(TraceSearch()) == midnight(DAY)
    assert indexed.searched_since(TraceSearch(since=midnight(DAY) - timedelta(seconds=1))) == midnight(DAY)
    assert indexed.searched_since(TraceSearch(since=midnight(DAY))) is None
    assert Indexed(None, NOON).searched_since(TraceSearch(since=NOON)) == datetime(2026, 11, 21, tzinfo=UTC)


def test_a_part_of_the_calls_of_a_millisecond_is_not_all_of_them() -> None:
    assert searched_to(an_open_trace().trace_id) == NOON + timedelta(milliseconds=1)
