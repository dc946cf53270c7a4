"""What a call adds, and where a period begins."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from switchboard.domain.settlement import Settlement
from switchboard.domain.totals import Granularity, Span, Totals, totals_of
from switchboard.domain.trace import Failure, Status
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from testkit.samples import NOON, a_lost_hedge, a_usual_attempt, an_open_trace


def test_a_call_adds_its_tokens_and_its_cost() -> None:
    usage = Usage(UsageSource.PROVIDER, Tokens(1, 2, 3, 4, 5, 1))
    trace = replace(an_open_trace(), usage=usage, status=Status.OK, settlement=Settlement(NOON, 77))
    added = totals_of(trace)
    assert added == Totals(
        calls=1,
        cost_pico_usd=77,
        fresh_input=1,
        output=2,
        cache_read=3,
        cache_write_5m=4,
        cache_write_1h=5,
        reasoning=1,
    )
    assert (added.prompt_tokens, added.completion_tokens) == (13, 2)


def test_failures_estimates_and_unknown_costs_are_counted() -> None:
    trace = replace(an_open_trace(), failure=Failure("lost", "Lost.", 500), settlement=Settlement(NOON, None))
    assert totals_of(replace(trace, usage=ABSENT)) == Totals(calls=1, errors=1, unpriced_calls=1)
    estimated = Usage(UsageSource.ESTIMATED, Tokens(10, 0))
    assert totals_of(replace(trace, usage=estimated)) == Totals(
        calls=1, errors=1, unpriced_calls=1, estimated_calls=1, fresh_input=10
    )


def test_a_partly_priced_call_is_counted_with_its_classes() -> None:
    usage = Usage(UsageSource.PROVIDER, Tokens(1, 2, audio_input=3, image_output=4, searches=5))
    settlement = Settlement(NOON, 77, unpriced_classes=("audio_input",))
    added = totals_of(replace(an_open_trace(), usage=usage, status=Status.OK, settlement=settlement))
    assert added == Totals(
        calls=1,
        partly_priced_calls=1,
        cost_pico_usd=77,
        fresh_input=1,
        output=2,
        audio_input=3,
        image_output=4,
        searches=5,
    )
    assert (added.prompt_tokens, added.completion_tokens) == (4, 6)


@pytest.mark.parametrize("status", [Status.CLIENT_CLOSED, Status.SUPERSEDED, Status.INTERRUPTED])
def test_an_abandoned_call_does_not_count_as_an_error(status: Status) -> None:
    failure = Failure("barge_in", "A later turn began.", 499)
    trace = replace(an_open_trace(), status=status, failure=failure, settlement=Settlement(NOON, 0))
    assert totals_of(trace) == Totals(calls=1)


def test_attempts_add_their_tokens_and_their_estimates() -> None:
    lost = replace(a_lost_hedge(), usage=Usage(UsageSource.ESTIMATED, Tokens(100, 20, reasoning=7)))
    usage = Usage(UsageSource.PROVIDER, Tokens(1, 2, 3, 4, 5, 1))
    trace = replace(an_open_trace(), usage=usage, attempts=(lost, a_usual_attempt(), lost))
    assert totals_of(replace(trace, settlement=Settlement(NOON, 77))) == Totals(
        calls=1,
        estimated_calls=1,
        cost_pico_usd=77,
        fresh_input=201,
        output=42,
        cache_read=3,
        cache_write_5m=4,
        cache_write_1h=5,
        reasoning=15,
    )


def test_an_unsettled_call_has_no_totals() -> None:
    with pytest.raises(ValueError, match="not settled"):
        totals_of(an_open_trace())


@pytest.mark.parametrize(
    ("granularity", "start"),
    [
        (Granularity.HOUR, datetime(2026, 11, 30, 23, tzinfo=UTC)),
        (Granularity.DAY, datetime(2026, 11, 30, tzinfo=UTC)),
        (Granularity.MONTH, datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_periods_begin_in_utc(granularity: Granularity, start: datetime) -> None:
    in_berlin = datetime(2026, 12, 1, 0, 59, 59, tzinfo=timezone(timedelta(hours=1)))
    assert granularity.start_of(in_berlin) == start


def test_the_union_of_two_spans_covers_both() -> None:
    early, late = Span(NOON, NOON), Span(NOON + timedelta(hours=1), NOON + timedelta(hours=2))
    assert late | early == early | late == Span(NOON, NOON + timedelta(hours=2))
