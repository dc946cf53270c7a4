from dataclasses import replace
from datetime import UTC, datetime

import pytest

from switchboard.pricing import settled
from switchboard.rates import ALWAYS, RateCard, Rates
from switchboard.trace import Status
from switchboard.usage import ABSENT, Tokens, Usage, UsageSource
from testkit.samples import an_open_trace, one_price

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CARD = RateCard("openrouter", "m", Rates(2, 3, 5, 7, 11), ALWAYS, "a price list")
TOKENS = Tokens(fresh_input=10, output=4)


def test_a_call_costs_what_its_card_says() -> None:
    trace = replace(an_open_trace(), status=Status.OK, usage=Usage(UsageSource.PROVIDER, TOKENS))
    settlement = settled(trace, one_price(CARD), NOW).settlement
    assert settlement is not None
    assert settlement.price is not None
    assert settlement.cost_pico_usd == 10 * CARD.rates.fresh_input + 4 * CARD.rates.output


@pytest.mark.parametrize("billed", [0, 17, 123_456_789])
def test_what_the_provider_billed_is_the_cost_whatever_the_card_says(billed: int) -> None:
    trace = replace(an_open_trace(), status=Status.OK, usage=Usage(UsageSource.PROVIDER, TOKENS, billed))
    for card in (CARD, None):
        settlement = settled(trace, one_price(card), NOW).settlement
        assert settlement is not None
        assert (settlement.cost_pico_usd, settlement.price, settlement.is_unpriced) == (billed, None, False)


def test_tokens_without_a_card_are_unpriced_and_no_tokens_cost_nothing() -> None:
    used = replace(an_open_trace(), status=Status.OK, usage=Usage(UsageSource.PROVIDER, TOKENS))
    refused = replace(an_open_trace(), status=Status.REFUSED, usage=ABSENT)
    costs = [settled(trace, one_price(None), NOW).settlement for trace in (used, refused)]
    assert [cost.cost_pico_usd if cost else -1 for cost in costs] == [None, 0]
