"""What a call is worth when it is settled anew: what had a price keeps it, unless an operator says otherwise."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from switchboard.domain.limits import MAX_CORRECTIONS
from switchboard.domain.pricing import settled
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.domain.repricing import PRICE_APPEARED, Revision, awaited_models, corrected, names_model, repriced
from switchboard.domain.settlement import Settlement
from switchboard.domain.trace import Status, Trace
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from testkit.samples import NOON, a_lost_hedge, a_usual_usage, an_open_trace

LATER = NOON + timedelta(hours=1)
CLAUDE, LLAMA = ("anthropic", "claude-sonnet-4-5"), ("groq", "llama-3.3-70b-versatile")
HEARD = Usage(UsageSource.PROVIDER, Tokens(fresh_input=100, output=10, audio_input=7))


class Prices:
    """A price for each of the named models: so many pico-dollars a token, and so many for audio."""

    def __init__(self, prices: dict[tuple[str, str], int], audio: int | None = None) -> None:
        self._prices = prices
        self._audio = audio

    def card(self, provider: str, model: str, _at: datetime) -> RateCard | None:
        rate = self._prices.get((provider, model))
        if rate is None:
            return None
        rates = Rates(rate, rate, rate, rate, rate, audio_input=self._audio)
        return RateCard(provider, model, rates, ALWAYS, f"at {rate}")


def a_call(prices: Prices, **fields: Any) -> Trace:
    trace = replace(an_open_trace(), status=Status.OK, **{"usage": a_usual_usage(), **fields})
    return settled(trace, prices.card, NOON)


def settlement(trace: Trace) -> Settlement:
    assert trace.settlement
    return trace.settlement


def correction(trace: Trace, prices: Prices, model: tuple[str, str] = CLAUDE) -> Revision | None:
    return corrected(trace, prices.card, *model, reason="a typo", at=LATER)


def test_a_call_without_a_price_waits_for_all_that_have_none() -> None:
    trace = a_call(Prices({}), attempts=(a_lost_hedge(), a_lost_hedge()))
    assert awaited_models(trace) == (CLAUDE, LLAMA)
    assert awaited_models(a_call(Prices({CLAUDE: 1}), attempts=(a_lost_hedge(),))) == (LLAMA,)
    assert awaited_models(a_call(Prices({CLAUDE: 1}))) == ()
    assert awaited_models(a_call(Prices({CLAUDE: 1}), usage=HEARD)) == (CLAUDE,)


@pytest.mark.parametrize("usage", [ABSENT, Usage(UsageSource.PROVIDER, Tokens(5, 5), billed_pico_usd=9)])
def test_a_call_that_no_price_can_change_waits_for_none(usage: Usage) -> None:
    trace = a_call(Prices({}), usage=usage)
    assert awaited_models(trace) == ()
    assert repriced(trace, Prices({CLAUDE: 1}).card, LATER) is None
    assert correction(trace, Prices({CLAUDE: 1})) is None


def test_what_had_a_price_keeps_it_when_the_rest_gets_one() -> None:
    trace = a_call(Prices({CLAUDE: 2}), attempts=(a_lost_hedge(),))
    assert settlement(trace).cost_pico_usd is None
    revision = repriced(trace, Prices({CLAUDE: 1000, LLAMA: 3}).card, LATER)
    assert revision
    new = settlement(revision.after)
    assert new.cost_pico_usd == (212 + 87 + 20480) * 2 + 5173 * 3 == revision.cost_difference
    assert (new.price and new.price.source, new.revision, new.settled_at) == ("at 2", 1, LATER)
    assert new.corrections == ()
    assert awaited_models(revision.after) == ()
    assert repriced(revision.after, Prices({CLAUDE: 1, LLAMA: 1}).card, LATER) is None


def test_a_partly_priced_call_is_settled_anew_as_a_whole_and_keeps_its_first_cost() -> None:
    trace = a_call(Prices({CLAUDE: 2}), usage=HEARD)
    assert settlement(trace).unpriced_classes == ("audio_input",)
    assert repriced(trace, Prices({CLAUDE: 5}).card, LATER) is None
    revision = repriced(trace, Prices({CLAUDE: 5}, audio=11).card, LATER)
    assert revision
    new = settlement(revision.after)
    assert (new.cost_pico_usd, new.unpriced_classes) == (110 * 5 + 77, ())
    assert [(each.cost_pico_usd, each.reason, each.at) for each in new.corrections] == [(220, PRICE_APPEARED, LATER)]


def test_one_of_two_unknown_costs_is_not_the_sum() -> None:
    trace = a_call(Prices({}), attempts=(a_lost_hedge(),))
    revision = repriced(trace, Prices({LLAMA: 3}).card, LATER)
    assert revision
    assert settlement(revision.after).cost_pico_usd is None
    assert awaited_models(revision.after) == (CLAUDE,)
    assert revision.cost_difference == 0


def test_an_unsettled_call_is_not_settled_anew() -> None:
    trace = replace(an_open_trace(), status=Status.OK, usage=a_usual_usage())
    assert repriced(trace, Prices({CLAUDE: 1}).card, LATER) is None


def test_a_correction_changes_the_named_model_only() -> None:
    trace = a_call(Prices({CLAUDE: 2, LLAMA: 3}), attempts=(a_lost_hedge(),))
    revision = correction(trace, Prices({CLAUDE: 9, LLAMA: 7}), LLAMA)
    assert revision
    assert settlement(revision.after).cost_pico_usd == (212 + 87 + 20480) * 2 + 5173 * 7
    assert revision.cost_difference == 5173 * 4
    assert correction(trace, Prices({CLAUDE: 9}), ("Anthropic", "Claude-Sonnet-4-5"))
    assert correction(trace, Prices({CLAUDE: 9}), ("openai", "claude-sonnet-4-5")) is None


def test_a_correction_without_a_price_or_with_the_same_changes_nothing() -> None:
    trace = a_call(Prices({CLAUDE: 2}))
    assert correction(trace, Prices({})) is None
    assert correction(trace, Prices({CLAUDE: 2})) is None


def test_the_first_cost_and_the_latest_ones_are_kept() -> None:
    trace = a_call(Prices({CLAUDE: 1}))
    for rate in range(2, 30):
        revision = correction(trace, Prices({CLAUDE: rate}))
        assert revision
        trace = revision.after
    kept = [each.cost_pico_usd for each in settlement(trace).corrections]
    tokens = 212 + 87 + 20480
    assert kept == [tokens, *(tokens * rate for rate in range(28 - MAX_CORRECTIONS + 2, 29))]
    assert settlement(trace).revision == 28


def test_a_call_names_the_models_that_used_tokens() -> None:
    trace = a_call(Prices({}), attempts=(a_lost_hedge(), replace(a_lost_hedge(), model="silent", usage=ABSENT)))
    assert names_model(trace, *CLAUDE)
    assert names_model(trace, "GROQ", "Llama-3.3-70b-versatile")
    assert not names_model(trace, "groq", "silent")
