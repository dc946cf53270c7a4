"""What nobody heard, and what the cache saved."""

from dataclasses import replace

import pytest

from switchboard.domain.cost_parts import saved_pico_usd, unheard_pico_usd
from switchboard.domain.rates import ALWAYS, Price, Rates
from switchboard.domain.settlement import AttemptCost, Settlement
from switchboard.domain.trace import Status, Trace
from switchboard.domain.usage import Tokens, Usage, UsageSource
from testkit.samples import NOON, a_lost_hedge, a_usual_attempt, an_open_trace

PRICE = Price("list", ALWAYS, Rates(fresh_input=10, output=50, cache_read=1, cache_write_5m=12, cache_write_1h=20))
DEARER = Price("list", ALWAYS, Rates(fresh_input=100, output=500, cache_read=25, cache_write_5m=1, cache_write_1h=1))


def _raced(status: Status, cost_pico_usd: int | None = 1000) -> Trace:
    """A call whose first attempt was outpaced; both read from a cache."""
    lost = replace(a_lost_hedge(), usage=Usage(UsageSource.PROVIDER, Tokens(5, 1, cache_read=4)))
    usage = Usage(UsageSource.PROVIDER, Tokens(1, 2, cache_read=30))
    settlement = Settlement(NOON, cost_pico_usd, PRICE, (AttemptCost(0, 600, DEARER),))
    return replace(
        an_open_trace(), status=status, usage=usage, attempts=(lost, a_usual_attempt()), settlement=settlement
    )


@pytest.mark.parametrize("status", [Status.OK, Status.CLIENT_CLOSED, Status.UPSTREAM_ERROR])
def test_attempts_whose_answer_was_not_used_were_not_heard(status: Status) -> None:
    assert unheard_pico_usd(_raced(status)) == 600


@pytest.mark.parametrize("status", [Status.SUPERSEDED, Status.INTERRUPTED])
def test_nothing_of_a_call_was_heard_that_another_replaced(status: Status) -> None:
    assert unheard_pico_usd(_raced(status)) == 1000


def test_cached_tokens_saved_what_each_price_says() -> None:
    assert saved_pico_usd(_raced(Status.OK)) == 30 * (10 - 1) + 4 * (100 - 25)


def test_media_that_a_cache_had_saved_too_where_both_rates_are_known() -> None:
    rates = Rates(fresh_input=10, output=50, cache_read=None, audio_input=32, audio_cache_read=2, image_cache_read=3)
    usage = Usage(UsageSource.PROVIDER, Tokens(1, 2, cache_read=30, audio_cache_read=7, image_cache_read=9))
    settlement = Settlement(NOON, 9, Price("list", ALWAYS, rates))
    assert saved_pico_usd(replace(an_open_trace(), usage=usage, settlement=settlement)) == 7 * (32 - 2)


def test_a_cost_without_a_price_has_saved_nothing_that_is_known() -> None:
    settlement = Settlement(NOON, 7)
    assert saved_pico_usd(replace(_raced(Status.OK), settlement=settlement)) == 0


def test_what_is_in_no_sum_is_in_no_part_of_it() -> None:
    unpriced = _raced(Status.SUPERSEDED, cost_pico_usd=None)
    assert (unheard_pico_usd(unpriced), saved_pico_usd(unpriced)) == (0, 0)
    assert (unheard_pico_usd(an_open_trace()), saved_pico_usd(an_open_trace())) == (0, 0)
