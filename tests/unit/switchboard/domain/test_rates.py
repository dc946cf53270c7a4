from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from switchboard.domain.rates import (
    ALWAYS,
    Price,
    RateCard,
    Rates,
    Tier,
    cost_at_rates,
    cost_pico_usd,
    from_usd_per_million,
    price_of,
    usd,
)
from switchboard.domain.usage import Tokens

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


def test_each_class_has_its_own_rate_and_reasoning_is_not_billed_twice() -> None:
    tokens = Tokens(fresh_input=1, cache_read=10, cache_write_5m=2, cache_write_1h=3, output=7, reasoning=5)
    assert cost_pico_usd(tokens, CARD) == 3 + 10 + 8 + 18 + 105


@pytest.mark.parametrize(
    ("prompt", "rates"), [(99, BASE), (100, BASE), (101, ABOVE_100), (200, ABOVE_100), (201, ABOVE_200)]
)
def test_above_a_tier_all_tokens_take_its_rates(prompt: int, rates: Rates) -> None:
    tokens = Tokens(fresh_input=prompt - 40, cache_read=20, cache_write_5m=10, cache_write_1h=10, output=1)
    assert cost_pico_usd(tokens, CARD) == cost_at_rates(tokens, rates)
    assert price_of(tokens, CARD) == Price("overrides 2026-11-20", ALWAYS, rates)


def test_output_tokens_do_not_select_a_tier() -> None:
    assert price_of(Tokens(fresh_input=100, output=10_000), CARD).rates == BASE


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
