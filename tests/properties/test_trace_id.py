"""Trace ids keep their time and their order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.trace_id import _with_random_bits, created_at, earliest_trace_id
from switchboard.store import keyspace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = st.integers(0, 253402300799999).map(lambda milliseconds: EPOCH + timedelta(milliseconds=milliseconds))
BITS = st.integers(0, 2**76 - 1)


@given(MOMENT, BITS)
def test_an_id_contains_its_time(moment: datetime, bits: int) -> None:
    trace_id = _with_random_bits(moment, bits)
    assert created_at(trace_id) == moment
    assert keyspace.is_trace_id(trace_id)


@given(MOMENT, MOMENT, BITS, BITS)
def test_ids_sort_by_time(one: datetime, other: datetime, one_bits: int, other_bits: int) -> None:
    first, second = _with_random_bits(one, one_bits), _with_random_bits(other, other_bits)
    assert one == other or (first < second) == (one < other)


@given(MOMENT, MOMENT, BITS)
def test_the_earliest_id_separates_earlier_ids_from_later_ones(moment: datetime, at: datetime, bits: int) -> None:
    assert (_with_random_bits(moment, bits) >= earliest_trace_id(at)) == (moment >= at)


@given(MOMENT, BITS, BITS)
def test_no_random_bit_is_lost(moment: datetime, one: int, other: int) -> None:
    assert (_with_random_bits(moment, one) == _with_random_bits(moment, other)) == (one == other)


@given(MOMENT, BITS)
def test_a_cursor_is_read_as_it_was_written(moment: datetime, bits: int) -> None:
    trace_id = _with_random_bits(moment, bits)
    assert keyspace.read_cursor(keyspace.write_cursor(trace_id)) == trace_id
