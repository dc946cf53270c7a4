"""What a call adds to its conversation's row."""

from dataclasses import replace
from datetime import timedelta

import pytest

from switchboard.store.ledger import conversation_rows
from testkit.samples import an_open_trace

EXPIRES_AT = 1_800_000_000


@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=20), timedelta(hours=24)])
def test_sums_outlive_every_trace_although_an_earlier_call_is_settled_last(late: timedelta) -> None:
    trace = replace(an_open_trace(), expires_at=EXPIRES_AT - int(late.total_seconds()))
    [row] = conversation_rows.additions(trace, {"calls": 1}, 0)
    assert row.expires_at is not None
    assert row.expires_at >= EXPIRES_AT


def test_sums_of_traces_that_are_kept_for_good_are_kept_too() -> None:
    [row] = conversation_rows.additions(replace(an_open_trace(), expires_at=None), {"calls": 1}, 0)
    assert row.expires_at is None
