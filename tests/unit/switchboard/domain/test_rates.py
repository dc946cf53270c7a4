from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import pytest

from switchboard.domain.rates import (
    ALWAYS,
    ANY,
    Dimension,
    Price,
    RateCard,
    Rates,
    Tier,
    Variant,
    cost_at_rates,
    cost_pico_usd,
    from_usd_per_million,
    price_of,
    unpriced_classes,
    usd,
)
from switchboard.domain.usage import ABSENT, Tokens, Usage, UsageSource

BASE = Rates(fresh_input=3, output=15, cache_read=1, cache_write_5m=4, cache_write_1h=6)
ABOVE_100 = Rates(fresh_input=30, output=150, cache_read=10, cache_write_5m=40, cache_write_1h=60)
ABOVE_200 = Rates(fresh_input=300, output=1500, cache_read=100, cache_write_5m=400, cache_write_1h=600)
CARD = RateCard(
    "anthropic",
    "claude",
    BASE,
    valid_from=ALWAYS,
    source="overrides 2026-11-20",
    tiers=(Tier(200, ABOVE_200), Tier(100, ABOVE_100)),
)


def used(tokens: Tokens, **told: str) -> Usage:
    return replace(Usage(UsageSource.PROVIDER, tokens), **cast("Any", told))


def test_each_class_has_its_own_rate_and_reasoning_is_not_billed_twice() -> None:
    tokens = Tokens(fresh_input=1, cache_read=10, cache_write_5m=2, cache_write_1h=3, output=7, reasoning=5)
    assert cost_pico_usd(tokens, CARD) == 3 + 10 + 8 + 18 + 105


@pytest.mark.parametrize(
    ("prompt", "rates"), [(99, BASE), (100, BASE), (101, ABOVE_100), (200, ABOVE_100), (201, ABOVE_200)]
)
def test_above_a_tier_all_tokens_take_its_rates(prompt: int, rates: Rates) -> None:
    tokens = Tokens(fresh_input=prompt - 40, cache_read=20, cache_write_5m=10, cache_write_1h=10, output=1)
    assert cost_pico_usd(tokens, CARD) == cost_at_rates(tokens, rates)
    assert price_of(used(tokens), CARD) == Price("overrides 2026-11-20", ALWAYS, rates)


def test_output_tokens_do_not_select_a_tier() -> None:
    price = price_of(used(Tokens(fresh_input=100, output=10_000)), CARD)
    assert price
    assert price.rates == BASE


PRIORITY = Rates(fresh_input=6, output=30)
DEAR = replace(
    CARD,
    tiers=(),
    entry_id="anthropic/claude",
    variants=(
        Variant(Dimension.SERVICE_TIER, "priority", PRIORITY, (Tier(100, Rates(60, 300)),)),
        Variant(Dimension.SERVICE_TIER, "flex", factor=Fraction(1, 2)),
        Variant(Dimension.REGION, "us", factor=Fraction(11, 10)),
        Variant(Dimension.SPEED, "fast", factor=Fraction(6)),
    ),
)


@pytest.mark.parametrize(
    ("told", "fresh_input", "output"),
    [
        ({}, 3, 15),
        ({"service_tier": "default", "region": "eu", "speed": "standard"}, 3, 15),
        ({"service_tier": "priority"}, 6, 30),
        ({"service_tier": "flex"}, 2, 8),
        ({"region": "us"}, 4, 17),
        ({"service_tier": "flex", "region": "us"}, 2, 9),
        ({"service_tier": "priority", "region": "us", "speed": "fast"}, 40, 198),
    ],
)
def test_variants_replace_the_rates_or_multiply_them_rounded_up_once(
    told: dict[str, str], fresh_input: int, output: int
) -> None:
    price = price_of(used(Tokens(10, 4), **told), DEAR)
    assert price
    assert (price.rates.fresh_input, price.rates.output, price.entry_id) == (fresh_input, output, "anthropic/claude")


def test_a_price_tells_what_it_depends_on_and_nothing_else() -> None:
    price = price_of(used(Tokens(1, 1), service_tier="priority", region="eu", speed="fast"), DEAR)
    assert price
    assert (price.service_tier, price.region, price.speed) == ("priority", None, "fast")


@pytest.mark.parametrize(("region", "fresh_input"), [(None, 3), ("global", 3), ("eu", 4), ("europe-west4", 4)])
def test_a_variant_for_any_region_is_for_all_but_the_global_one(region: str | None, fresh_input: int) -> None:
    card = replace(CARD, variants=(Variant(Dimension.REGION, ANY, factor=Fraction(11, 10)),))
    price = price_of(replace(used(Tokens(10, 4)), region=region), card)
    assert price
    assert (price.rates.fresh_input, price.region) == (fresh_input, region if fresh_input == 4 else None)


def test_a_service_tier_has_its_own_context_tiers() -> None:
    price = price_of(used(Tokens(101, 1), service_tier="priority"), DEAR)
    assert price
    assert price.rates == Rates(60, 300)


def test_a_service_tier_without_a_price_has_no_price_and_neither_has_unknown_usage() -> None:
    assert price_of(used(Tokens(1, 1), service_tier="scale"), DEAR) is None
    assert price_of(used(Tokens(1, 1), speed="ultrafast"), DEAR) is None
    assert price_of(ABSENT, DEAR) is None


def test_classes_without_a_rate_are_named_and_not_in_the_cost() -> None:
    tokens = Tokens(fresh_input=10, output=2, audio_input=5, image_output=7, searches=3, reasoning=2)
    rates = replace(BASE, searches=1000)
    assert unpriced_classes(tokens, rates) == ("audio_input", "image_output")
    assert cost_at_rates(tokens, rates) == 30 + 30 + 3000
    assert unpriced_classes(tokens, replace(rates, audio_input=0, image_output=1)) == ()


def test_a_fee_per_search_is_not_multiplied() -> None:
    card = replace(DEAR, rates=replace(BASE, searches=1000))
    price = price_of(used(Tokens(1, 1, searches=2), region="us"), card)
    assert price
    assert price.rates.searches == 1000


def test_a_card_is_valid_from_its_start_until_before_its_end() -> None:
    start, end = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    card = RateCard("p", "m", BASE, valid_from=start, valid_until=end, source="s")
    instant = timedelta(microseconds=1)
    moments = (start - instant, start, end - instant, end)
    assert [card.is_valid_at(at) for at in moments] == [False, True, True, False]
    assert RateCard("p", "m", BASE, valid_from=start, source="s").is_valid_at(datetime(2999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("pico_usd", "text"),
    [
        (0, "0"),
        (1, "0.000000000001"),
        (10_500_000_000, "0.0105"),
        (10**12, "1"),
        (120 * 10**12, "120"),
        (1_000_000_000_001, "1.000000000001"),
        (-10_500_000_000, "-0.0105"),
        (12_345_678_901_234_567_890, "12345678.90123456789"),
    ],
)
def test_amounts_are_exact_decimals_without_needless_digits(pico_usd: int, text: str) -> None:
    assert usd(pico_usd) == text


@pytest.mark.parametrize(
    ("price", "pico_usd"),
    [("0", 0), ("0E+9", 0), ("3", 3_000_000), ("0.075", 75_000), ("0.000001", 1), ("1E-6", 1), ("5E+2", 500_000_000)],
)
def test_prices_become_whole_pico_dollars_per_token(price: str, pico_usd: int) -> None:
    assert from_usd_per_million(Decimal(price)) == pico_usd


@pytest.mark.parametrize(
    "price", ["0.0000001", "1.0000005", "1E-999999", "1E+999999", "-1", "NaN", "sNaN", "Infinity", "0.0833333333333333"]
)
def test_invalid_and_fractional_prices_are_refused(price: str) -> None:
    with pytest.raises(ValueError, match="USD per million tokens"):
        from_usd_per_million(Decimal(price))
