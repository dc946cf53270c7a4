"""What tokens cost: dated rate cards, and arithmetic in whole pico-dollars (10⁻¹² USD)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil, prod

from switchboard.domain.usage import Tokens, Usage

PICO_PER_USD = 10**12
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""The start of a price whose first day is unknown."""

_PICO_PER_TOKEN = 10**6  # one USD per million tokens
_MOST_USD_PER_MILLION = 10**9
_SMALLEST_DIGIT = -6


@dataclass(frozen=True, slots=True)
class Rates:
    """Pico-dollars per token, by class, and per search; reasoning is billed as output. None: the list has no price."""

    fresh_input: int
    output: int
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    audio_input: int | None = None
    audio_cache_read: int | None = None
    audio_output: int | None = None
    image_input: int | None = None
    image_cache_read: int | None = None
    image_output: int | None = None
    searches: int | None = None

    def times(self, factor: Fraction) -> "Rates":
        """The rates multiplied, each rounded up to a whole pico-dollar; a fee per search stays as it is."""
        rates = {name: getattr(self, name) for name in PRICED_CLASSES}
        return Rates(
            **{name: rate if rate is None or name in _FEES else ceil(rate * factor) for name, rate in rates.items()}
        )


PRICED_CLASSES = tuple(field.name for field in fields(Rates))
"""The names of the classes that have a rate."""

_FEES = frozenset({"searches"})


@dataclass(frozen=True, slots=True)
class Tier:
    """The rates for ALL tokens of a call if its prompt has more than `above` tokens."""

    above: int
    rates: Rates


class Dimension(StrEnum):
    """What a price may depend on beside model, time and tokens."""

    SERVICE_TIER = "service_tier"
    REGION = "region"
    SPEED = "speed"


ANY = "*"
"""The value of a variant for every value that is told but the standard ones."""

_STANDARD: Mapping[Dimension, frozenset[str | None]] = {
    Dimension.SERVICE_TIER: frozenset({None, "default", "standard", "on_demand", "auto"}),
    Dimension.REGION: frozenset({None, "global"}),
    Dimension.SPEED: frozenset({None, "standard"}),
}
"""What is told of calls that cost what a card's own rates say."""

_ALWAYS_PRICED = frozenset({Dimension.REGION})
"""Dimensions in which a value without a variant costs what the card's own rates say."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What calls cost whose answer told this service tier, region or speed. `value`: ANY for all but standard ones.

    Either `rates`, with their own `tiers`, which are then in place of the card's; or `factor`, by which the rates that
    apply are multiplied.
    """

    dimension: Dimension
    value: str
    rates: Rates | None = None
    tiers: tuple[Tier, ...] = ()
    factor: Fraction = Fraction(1)

    def applies_to(self, told: str | None) -> bool:
        """Whether it is for calls of which this was told."""
        return told == self.value or (self.value == ANY and told not in _STANDARD[self.dimension])


@dataclass(frozen=True, slots=True)
class RateCard:
    """What a model costs at a provider in [valid_from, valid_until); times in UTC; None if the end is unknown.

    `source`: where the prices come from, such as `genai-prices 0.2.3`, `overrides 2026-11-20`; `entry_id`: the entry
    there, such as `openai/gpt-5.1`. `variants`: other prices for service tiers, regions and speeds.
    """

    provider: str
    model: str
    rates: Rates
    valid_from: datetime
    source: str
    tiers: tuple[Tier, ...] = ()
    valid_until: datetime | None = None
    entry_id: str = ""
    variants: tuple[Variant, ...] = ()

    def is_valid_at(self, at: datetime) -> bool:
        """Whether the card applies to a call that began at that time."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)

    def variants_for(self, usage: Usage) -> tuple[Variant, ...]:
        """The variants that apply to a call."""
        return tuple(each for each in self.variants if each.applies_to(getattr(usage, each.dimension)))


@dataclass(frozen=True, slots=True)
class Price:
    """The price stored with a trace: the applied rates, the list that they come from, its entry, and their start.

    `service_tier`, `region` and `speed` are told where the rates depend on them.
    """

    source: str
    valid_from: datetime
    rates: Rates
    entry_id: str = ""
    service_tier: str | None = None
    region: str | None = None
    speed: str | None = None


def price_of(usage: Usage, card: RateCard) -> Price | None:
    """The price that applies to a call: of its context tier, service tier, region and speed.

    None where its tokens are unknown, or where the card has no price for its service tier or speed.
    """
    if usage.tokens is None:
        return None
    applied = card.variants_for(usage)
    told = {each.dimension.value: getattr(usage, each.dimension) for each in applied}
    if any(_lacks(dimension, usage) for dimension in Dimension if dimension not in told):
        return None
    own = next((each for each in applied if each.rates is not None), None)
    rates, tiers = (card.rates, card.tiers) if own is None or own.rates is None else (own.rates, own.tiers)
    factor = prod(each.factor for each in applied)
    rates = _rates_for(usage.tokens.prompt, rates, tiers)
    rates = rates if factor == 1 else rates.times(Fraction(factor))
    return Price(card.source, card.valid_from, rates, card.entry_id, **told)


def _lacks(dimension: Dimension, usage: Usage) -> bool:
    """Whether a value without a variant has no price."""
    return dimension not in _ALWAYS_PRICED and getattr(usage, dimension) not in _STANDARD[dimension]


def cost_pico_usd(tokens: Tokens, card: RateCard) -> int:
    """What the tokens of one call cost at the card's own rates, without variants, in whole pico-dollars."""
    return cost_at_rates(tokens, _rates_for(tokens.prompt, card.rates, card.tiers))


def cost_at_rates(tokens: Tokens, rates: Rates) -> int:
    """What tokens cost at the given rates, in whole pico-dollars; for a trace's stored price, or for sums of calls.

    Classes without a rate are left out: `unpriced_classes` names them.
    """
    return sum(getattr(tokens, name) * (getattr(rates, name) or 0) for name in PRICED_CLASSES)


def unpriced_classes(tokens: Tokens, rates: Rates) -> tuple[str, ...]:
    """The classes of these tokens that have no rate."""
    return tuple(name for name in PRICED_CLASSES if getattr(tokens, name) and getattr(rates, name) is None)


def usd(pico_usd: int) -> str:
    """The amount in USD, exact, without exponent or trailing zeros: `0.0105`, `0`, `12`."""
    whole, fraction = divmod(abs(pico_usd), PICO_PER_USD)
    text = f"{whole}.{fraction:012d}".rstrip("0").rstrip(".")
    return f"-{text}" if pico_usd < 0 else text


def from_usd_per_million(price: Decimal) -> int:
    """Pico-dollars per token. Raises ValueError for an invalid price, or a fraction of a pico-dollar."""
    if not price.is_finite() or not 0 <= price < _MOST_USD_PER_MILLION:
        raise ValueError(f"{price} is not a price in USD per million tokens.")
    if price and price.adjusted() < _SMALLEST_DIGIT:  # checked first: the ratio of 1E-999999 has a million digits
        raise ValueError(f"{price} USD per million tokens is less than a pico-dollar per token.")
    numerator, denominator = price.as_integer_ratio()
    pico_usd, rest = divmod(numerator * _PICO_PER_TOKEN, denominator)
    if rest:
        raise ValueError(f"{price} USD per million tokens is not a whole number of pico-dollars per token.")
    return pico_usd


def _rates_for(prompt_tokens: int, rates: Rates, tiers: tuple[Tier, ...]) -> Rates:
    passed = [tier for tier in tiers if prompt_tokens > tier.above]
    return max(passed, key=lambda tier: tier.above).rates if passed else rates
