"""Costs add up exactly, and stored prices round-trip."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.rates import (
    PICO_PER_USD,
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
from switchboard.store import rate_items
from switchboard.store.attributes import decode_item, encode_item
from switchboard.store.keyspace import rate_card_order, rate_cards_of_model

COUNT = st.integers(0, 10**7)
RATE = st.integers(0, 10**9)
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
MOMENT = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

tokens = st.builds(Tokens, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT)
rates = st.builds(Rates, RATE, RATE, RATE, RATE, RATE)
tiers = st.lists(st.builds(Tier, st.integers(1, 10**7), rates), max_size=3, unique_by=lambda tier: tier.above)
cards = st.builds(
    RateCard,
    provider=TEXT,
    model=TEXT,
    rates=rates,
    valid_from=MOMENT,
    source=TEXT,
    tiers=tiers.map(tuple),
    valid_until=st.none() | MOMENT,
)


def added(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(
        fresh_input=one.fresh_input + other.fresh_input,
        output=one.output + other.output,
        cache_read=one.cache_read + other.cache_read,
        cache_write_5m=one.cache_write_5m + other.cache_write_5m,
        cache_write_1h=one.cache_write_1h + other.cache_write_1h,
        reasoning=one.reasoning + other.reasoning,
    )


@given(tokens, tokens, rates)
def test_the_price_of_a_sum_is_the_sum_of_the_prices(one: Tokens, other: Tokens, shared: Rates) -> None:
    assert cost_at_rates(added(one, other), shared) == cost_at_rates(one, shared) + cost_at_rates(other, shared)


@given(tokens, cards)
def test_a_stored_price_gives_the_same_cost(used: Tokens, card: RateCard) -> None:
    kept = rate_items.read_price(stored(rate_items.price_item(price_of(used, card))))
    assert kept == price_of(used, card)
    assert cost_at_rates(used, kept.rates) == cost_pico_usd(used, card)


@given(st.integers(-(10**24), 10**24))
def test_an_amount_in_usd_is_exact_and_plain(pico_usd: int) -> None:
    text = usd(pico_usd)
    numerator, denominator = Decimal(text).as_integer_ratio()
    assert numerator * PICO_PER_USD == pico_usd * denominator
    assert "E" not in text
    assert text == "0" or "." not in text or not text.endswith(("0", "."))


@given(st.integers(0, 10**14))
def test_every_whole_rate_has_its_price(pico_usd: int) -> None:
    assert from_usd_per_million(Decimal(pico_usd).scaleb(-6)) == pico_usd


@given(cards)
def test_a_stored_card_is_the_card(card: RateCard) -> None:
    assert rate_items.from_item(rate_items.to_item(card)) == card
    assert rate_items.from_item(stored(rate_items.to_item(card))) == card


@given(st.builds(Price, TEXT, MOMENT, rates))
def test_a_stored_price_is_the_price(price: Price) -> None:
    assert rate_items.read_price(stored(rate_items.price_item(price))) == price


@given(MOMENT, MOMENT)
def test_cards_sort_by_their_start(one: datetime, other: datetime) -> None:
    assert (rate_card_order(one) < rate_card_order(other)) == (one < other)


@given(st.lists(st.tuples(st.text("#%a", max_size=4), st.text("#%a", max_size=4)), unique=True, max_size=20))
def test_different_models_have_different_partitions(names: list[tuple[str, str]]) -> None:
    assert len({rate_cards_of_model(*name) for name in names}) == len(names)


def stored(item: Any) -> dict[str, Any]:
    return decode_item(encode_item(item))
