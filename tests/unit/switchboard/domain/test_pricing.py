"""What a call costs: its own tokens and those of its attempts, each at its own price."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from switchboard.domain.pricing import settled, unpriced_model, unpriced_models
from switchboard.domain.rates import ALWAYS, RateCard, Rates, Tier
from switchboard.domain.settlement import AttemptCost, Settlement
from switchboard.domain.trace import AttemptRecord, Failure, Status, Trace
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource
from testkit.samples import a_lost_hedge, a_usual_attempt, an_open_trace, one_price

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CARD = RateCard("openrouter", "m", Rates(2, 3, 5, 7, 11), ALWAYS, "a price list")
DEAR = RateCard("groq", "llama", Rates(100, 200, 0, 0, 0), ALWAYS, "another", (Tier(50, Rates(1000, 2000, 0, 0, 0)),))
TOKENS = Tokens(fresh_input=10, output=4)
TEN_AND_FOUR = 10 * 2 + 4 * 3


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


def book(provider: str, model: str, at: datetime) -> RateCard | None:  # noqa: ARG001 - prices that never change
    return {("anthropic", "claude-sonnet-4-5"): CARD, ("groq", "llama"): DEAR}.get((provider, model))


def lost(
    tokens: Tokens | None, billed: int | None = None, provider: str = "groq", model: str = "llama"
) -> AttemptRecord:
    usage = ABSENT if tokens is None else Usage(UsageSource.ESTIMATED, tokens, billed)
    return replace(a_lost_hedge(), provider=provider, model=model, usage=usage)


def of_attempts(*attempts: AttemptRecord, usage: Usage | None = None, status: Status = Status.OK) -> Trace:
    own = Usage(UsageSource.PROVIDER, TOKENS) if usage is None else usage
    return settled(replace(an_open_trace(), status=status, usage=own, attempts=attempts), book, NOW)


def settlement_of(trace: Trace) -> Settlement:
    assert trace.settlement is not None
    return trace.settlement


def test_a_call_costs_what_all_its_attempts_cost_each_at_its_own_price_and_tier() -> None:
    below, above = lost(Tokens(50, 3)), lost(Tokens(51, 3))
    found = settlement_of(of_attempts(below, a_usual_attempt(), above))
    assert [(cost.attempt, cost.cost_pico_usd) for cost in found.attempt_costs] == [(0, 5_600), (2, 57_000)]
    assert [cost.price.rates.fresh_input for cost in found.attempt_costs if cost.price] == [100, 1000]
    assert found.cost_pico_usd == TEN_AND_FOUR + 5_600 + 57_000
    assert found.price
    assert found.price.source == CARD.source


def test_an_attempt_costs_what_its_provider_billed_or_nothing_without_a_token() -> None:
    found = settlement_of(of_attempts(lost(TOKENS, billed=9), lost(Tokens(0, 0), model="unknown"), lost(None)))
    assert found.attempt_costs == (AttemptCost(0, 9), AttemptCost(1, 0))
    assert found.cost_pico_usd == TEN_AND_FOUR + 9


def test_one_attempt_without_a_price_makes_the_call_unpriced_and_is_named() -> None:
    trace = of_attempts(lost(TOKENS), a_usual_attempt(), lost(TOKENS, provider="generic", model="house-model"))
    found = settlement_of(trace)
    assert (found.cost_pico_usd, found.is_unpriced) == (None, True)
    assert [cost.cost_pico_usd for cost in found.attempt_costs] == [1_800, None]
    assert found.price
    assert unpriced_model(trace) == ("generic", "house-model")
    assert unpriced_model(of_attempts(lost(TOKENS))) == (None, None)


def test_an_attempts_price_does_not_replace_the_calls_own() -> None:
    trace = of_attempts(lost(TOKENS), usage=ABSENT)
    assert settlement_of(trace).is_unpriced
    assert unpriced_model(trace) == ("anthropic", "claude-sonnet-4-5")
    failed = of_attempts(lost(TOKENS), usage=ABSENT, status=Status.UPSTREAM_ERROR)
    assert settlement_of(failed).cost_pico_usd == 1_800


AUDIO = Tokens(10, 4, audio_input=3, searches=1)


def test_a_class_without_a_price_makes_the_call_partly_priced_and_is_named() -> None:
    trace = of_attempts(usage=Usage(UsageSource.PROVIDER, AUDIO))
    found = settlement_of(trace)
    assert (found.cost_pico_usd, found.unpriced_classes) == (TEN_AND_FOUR, ("audio_input", "searches"))
    assert (found.is_unpriced, found.is_partly_priced) == (False, True)
    assert list(unpriced_models(trace)) == [("anthropic", "claude-sonnet-4-5")]
    whole = settlement_of(of_attempts())
    assert (whole.unpriced_classes, whole.is_partly_priced) == ((), False)


def test_an_attempts_class_without_a_price_is_named_too() -> None:
    trace = of_attempts(replace(lost(TOKENS), usage=Usage(UsageSource.PROVIDER, AUDIO)), lost(TOKENS))
    found = settlement_of(trace)
    assert found.cost_pico_usd == TEN_AND_FOUR + 2 * 1_800
    assert found.unpriced_classes == ("audio_input", "searches")
    assert list(unpriced_models(trace)) == [("groq", "llama")]


def test_all_unknown_models_are_named() -> None:
    usage = Usage(UsageSource.PROVIDER, AUDIO)
    trace = of_attempts(lost(TOKENS, provider="generic", model="house-model"), lost(TOKENS), usage=usage)
    assert settlement_of(trace).is_unpriced
    assert not settlement_of(trace).is_partly_priced
    assert list(unpriced_models(trace)) == [("anthropic", "claude-sonnet-4-5"), ("generic", "house-model")]


def test_a_call_whose_own_name_has_no_price_costs_what_the_model_of_its_answer_costs() -> None:
    usage = Usage(UsageSource.PROVIDER, Tokens(50, 3), answer_model="llama")
    trace = replace(an_open_trace(), status=Status.OK, provider="groq", model="my-deployment", usage=usage)
    assert settlement_of(settled(trace, book, NOW)).cost_pico_usd == 5_600
    beside = lost(Tokens(50, 3), model="my-deployment")
    found = settlement_of(of_attempts(replace(beside, usage=usage)))
    assert found.attempt_costs[0].cost_pico_usd == 5_600


def test_the_own_name_goes_before_the_answers() -> None:
    usage = Usage(UsageSource.PROVIDER, TOKENS, answer_model="llama")
    assert settlement_of(of_attempts(usage=usage)).cost_pico_usd == TEN_AND_FOUR


def test_a_service_tier_without_a_price_leaves_the_call_unpriced() -> None:
    usage = Usage(UsageSource.PROVIDER, TOKENS, service_tier="scale")
    trace = of_attempts(usage=usage)
    assert settlement_of(trace).is_unpriced
    assert unpriced_model(trace) == ("anthropic", "claude-sonnet-4-5")


@pytest.mark.parametrize("status", [Status.SUPERSEDED, Status.INTERRUPTED, Status.CLIENT_CLOSED])
def test_a_stopped_call_costs_what_it_used_and_nothing_before_its_request(status: Status) -> None:
    given_up = replace(an_open_trace(), status=status, failure=Failure("turn_answered", "Another spoke first.", 499))
    used = replace(given_up, usage=Usage(UsageSource.ESTIMATED, Tokens(10, 0)))
    speaking = replace(given_up, ttft_ms=300.0)
    costs = [settlement_of(settled(trace, book, NOW)).cost_pico_usd for trace in (given_up, used, speaking)]
    assert costs == [0, 20, None]
