"""Budgets: extra requests are a share of the calls, in any order of calls and requests."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gateway.relay.limits import Budget

PERCENTS = st.integers(0, 100)


@given(PERCENTS, st.integers(0, 10), st.integers(0, 10), st.lists(st.booleans(), max_size=600))
def test_no_sequence_of_calls_gets_more_extra_requests_than_its_share(
    percent: int, first: int, saved: int, wishes: list[bool]
) -> None:
    budget = Budget(percent=percent, max_balance=first + saved, initial=first)
    extras = 0
    for calls, wants_extra in enumerate(wishes, start=1):
        budget.earn()
        extras += wants_extra and budget.spend()
        assert extras <= first + calls * Fraction(percent, 100)


@given(st.integers(1, 100), st.integers(1, 10), st.integers(0, 2000))
def test_what_is_saved_up_is_limited(percent: int, most: int, quiet_calls: int) -> None:
    budget = Budget(percent=percent, max_balance=most, initial=0)
    for _ in range(quiet_calls):
        budget.earn()
    assert sum(budget.spend() for _ in range(most + 5)) == min(most, quiet_calls * percent // 100)


def test_five_percent_gives_one_at_once_and_one_for_every_twenty_calls() -> None:
    budget = Budget(percent=5, max_balance=10, initial=1)
    granted = []
    for call in range(100):
        budget.earn()
        if budget.spend():
            granted.append(call)
    assert granted == [0, 19, 39, 59, 79, 99]


def test_zero_percent_gives_none_even_at_first() -> None:
    budget = Budget(percent=0, max_balance=10, initial=10)
    budget.earn()
    assert not budget.spend()


def test_a_hundred_percent_gives_one_for_each_call() -> None:
    budget = Budget(percent=100, max_balance=10, initial=0)
    for _ in range(50):
        budget.earn()
        assert budget.spend()
        assert not budget.spend()
