"""A settlement is read as it was written, alone and on its trace; totals add up in any order."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.rates import PRICED_CLASSES, Price, Rates
from switchboard.domain.settlement import AttemptCost, Correction, Settlement
from switchboard.domain.totals import COUNTERS, ZERO, Granularity, Totals
from switchboard.store import keyspace
from switchboard.store.attributes import decode_item, encode_item
from switchboard.store.traces import settlement_items, trace_items
from testkit.samples import an_open_trace

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
PICO_USD = st.integers(0, 10**15)
NAMES = st.text(min_size=1, max_size=30)
PRICES = st.builds(Price, NAMES, MOMENTS, st.builds(Rates, *[PICO_USD] * 5), NAMES, *[st.none() | NAMES] * 3)
COSTS = st.none() | st.integers(0, 10**30)
ATTEMPT_COSTS = st.builds(AttemptCost, st.integers(0, 9), COSTS, st.none() | PRICES)
SETTLEMENTS = st.builds(
    Settlement,
    MOMENTS,
    COSTS,
    st.none() | PRICES,
    st.lists(ATTEMPT_COSTS, max_size=3).map(tuple),
    st.integers(0, 9),
    st.lists(st.sampled_from(PRICED_CLASSES), max_size=3).map(tuple),
    st.lists(st.builds(Correction, COSTS, NAMES, MOMENTS), max_size=2).map(tuple),
)
TOTALS = st.builds(Totals, *[st.integers(0, 10**20)] * len(COUNTERS))


def stored(item: Any) -> dict[str, Any]:
    return decode_item(encode_item(item))


@given(SETTLEMENTS)
def test_a_settlement_round_trips(settlement: Settlement) -> None:
    item = settlement_items.to_item(settlement)
    assert settlement_items.from_item(item) == settlement
    assert settlement_items.from_item(stored(item)) == settlement


@given(SETTLEMENTS)
def test_a_settled_trace_round_trips(settlement: Settlement) -> None:
    trace = replace(an_open_trace(), settlement=settlement)
    assert trace_items.from_item(stored(trace_items.to_item(trace, 1))) == trace


@given(st.permutations(range(5)), st.lists(TOTALS, min_size=5, max_size=5))
def test_totals_add_up_in_any_order(order: list[int], totals: list[Totals]) -> None:
    added = reduce(Totals.__add__, (totals[place] for place in order), ZERO)
    assert added == sum(totals, ZERO)
    assert added.cost_pico_usd == sum(each.cost_pico_usd for each in totals)


@given(MOMENTS, MOMENTS)
def test_period_keys_sort_by_time_and_give_their_start(one: datetime, other: datetime) -> None:
    for name, granularity in ((keyspace.hour_name, Granularity.HOUR), (keyspace.day_name, Granularity.DAY)):
        assert keyspace.period_start(name(one)) == granularity.start_of(one) <= one
        assert (name(one) < name(other)) == (granularity.start_of(one) < granularity.start_of(other))
