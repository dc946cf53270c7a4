"""Sums of what calls add to a row of totals."""

from hypothesis import given
from hypothesis import strategies as st

from switchboard.store.keyspace import Key
from switchboard.store.ledger.addition import Addition, summed

_AMOUNTS = st.dictionaries(st.sampled_from(["calls", "output", "cost_pico_usd"]), st.integers(-9, 9))


def test_a_row_expires_with_the_last_of_its_calls() -> None:
    one, other = (Addition(Key("p", "s"), {"calls": 1}, expires_at=end) for end in (20, 10))
    assert (one + other).expires_at == 20
    assert (other + Addition(Key("p", "s"), {"calls": 1})).expires_at == 10


@given(_AMOUNTS, _AMOUNTS)
def test_sums_leave_out_what_cancels(one: dict[str, int], other: dict[str, int]) -> None:
    sums = summed(one, other)
    assert 0 not in sums.values()
    assert all(sums.get(name, 0) == one.get(name, 0) + other.get(name, 0) for name in {*one, *other})
