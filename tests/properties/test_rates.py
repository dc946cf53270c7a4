"""Costs add up exactly, and stored prices round-trip."""

from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from math import prod
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from switchboard.domain.rates import (
    PICO_PER_USD,
    PRICED_CLASSES,
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
from switchboard.domain.usage import Tokens, Usage, UsageSource
from switchboard.store import rate_items
from switchboard.store.attributes import decode_item, encode_item
from switchboard.store.keyspace import rate_card_order, rate_cards_of_model

COUNT = st.integers(0, 10**7)
RATE = st.integers(0, 10**9)
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
MOMENT = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

tokens = st.builds(Tokens, *[COUNT] * len(fields(Tokens)))
rates = st.builds(Rates, RATE, RATE, *[st.none() | RATE] * (len(PRICED_CLASSES) - 2))
tiers = st.lists(st.builds(Tier, st.integers(1, 10**7), rates), max_size=3, unique_by=lambda tier: tier.above)
TOLD = st.sampled_from(["default", "flex", "us", "fast"])
variants = st.builds(Variant, st.sampled_from(Dimension), TOLD, rates, tiers=tiers.map(tuple)) | st.builds(
    Variant, st.sampled_from(Dimension), TOLD, factor=st.fractions(0, 10, max_denominator=100)
)
usages = st.builds(Usage, st.just(UsageSource.PROVIDER), tokens, st.none(), *[st.none() | TOLD] * 3)
cards = st.builds(
    RateCard,
    provider=TEXT,
    model=TEXT,
    rates=rates,
    valid_from=MOMENT,
    source=TEXT,
    tiers=tiers.map(tuple),
    valid_until=st.none() | MOMENT,
    entry_id=TEXT,
    variants=st.lists(variants, max_size=3).map(tuple),
)


def added(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(**{name: count + getattr(other, name) for name, count in asdict(one).items()})


@given(tokens, tokens, rates)
def test_the_price_of_a_sum_is_the_sum_of_the_prices(one: Tokens, other: Tokens, shared: Rates) -> None:
    assert cost_at_rates(added(one, other), shared) == cost_at_rates(one, shared) + cost_at_rates(other, shared)


@given(tokens, cards)
def test_a_stored_price_gives_the_same_cost(used: Tokens, card: RateCard) -> None:
    price = price_of(Usage(UsageSource.PROVIDER, used), card)
    assert price is not None
    kept = rate_items.read_price(stored(rate_items.price_item(price)))
    assert kept == price
    assert cost_at_rates(used, kept.rates) == cost_pico_usd(used, card)


@given(usages, cards)
def test_a_multiplied_rate_is_the_least_whole_one_that_is_not_below_the_product(usage: Usage, card: RateCard) -> None:
    factor = prod(each.factor for each in card.variants_for(usage))
    own = next((each.rates for each in card.variants_for(usage) if each.rates is not None), card.rates)
    price = price_of(usage, replace(card, tiers=(), variants=tuple(replace(each, tiers=()) for each in card.variants)))
    if price is None:
        told = {each.dimension for each in card.variants_for(usage)}
        assert not {Dimension.SERVICE_TIER, Dimension.SPEED} <= told
        return
    assert price.rates.searches == own.searches
    for name in set(PRICED_CLASSES) - {"searches"}:
        rate, listed = getattr(price.rates, name), getattr(own, name)
        assert rate == listed if listed is None else 0 <= rate - listed * factor < 1


@given(usages, cards)
def test_classes_with_and_without_a_rate_are_all_there_are(usage: Usage, card: RateCard) -> None:
    assert usage.tokens is not None
    priced = {name for name in PRICED_CLASSES if getattr(card.rates, name) is not None}
    used = {name for name in PRICED_CLASSES if getattr(usage.tokens, name)}
    assert set(unpriced_classes(usage.tokens, card.rates)) == used - priced


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


@given(st.builds(Price, TEXT, MOMENT, rates, TEXT, *[st.none() | TOLD] * 3))
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
