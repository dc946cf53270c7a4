"""What tokens cost: dated rate cards, and arithmetic in whole pico-dollars (10⁻¹² USD)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from switchboard.domain.usage import Tokens

PICO_PER_USD = 10**12
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""The start of a price whose first day is unknown."""

_PICO_PER_TOKEN = 10**6  # one USD per million tokens
_MOST_USD_PER_MILLION = 10**9
_SMALLEST_DIGIT = -6


@dataclass(frozen=True, slots=True)
class Rates:
    """Pico-dollars per token, by class; reasoning is billed as output."""

    fresh_input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int


@dataclass(frozen=True, slots=True)
class Tier:
    """The rates for ALL tokens of a call if its prompt has more than `above` tokens."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class RateCard:
    """What a model costs at a provider in [valid_from, valid_until); times in UTC; None if the end is unknown.

    `source`: where the prices come from, such as `genai-prices 0.2.3`, `overrides 2026-11-20`.
    """

    provider: str
    model: str
    rates: Rates
    valid_from: datetime
    source: str
    tiers: tuple[Tier, ...] = ()
    valid_until: datetime | None = None

    def is_valid_at(self, at: datetime) -> bool:
        """Whether the card applies to a call that began at that time."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True)
class Price:
    """The price stored with a trace: the applied rates (of a tier, if one applied), their source and start."""

    source: str
    valid_from: datetime
    rates: Rates


def price_of(tokens: Tokens, card: RateCard) -> Price:
    """The price that applies to a call with these tokens."""
    return Price(card.source, card.valid_from, _rates_for(tokens.prompt, card))


def cost_pico_usd(tokens: Tokens, card: RateCard) -> int:
    """What the tokens of one call cost, in whole pico-dollars."""
    return cost_at_rates(tokens, _rates_for(tokens.prompt, card))


def cost_at_rates(tokens: Tokens, rates: Rates) -> int:
    """What tokens cost at the given rates, in whole pico-dollars; for a trace's stored price, or for sums of calls."""
    return (
        tokens.fresh_input * rates.fresh_input
        + tokens.cache_read * rates.cache_read
        + tokens.cache_write_5m * rates.cache_write_5m
        + tokens.cache_write_1h * rates.cache_write_1h
        + tokens.output * rates.output
    )


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


def _rates_for(prompt_tokens: int, card: RateCard) -> Rates:
    passed = [tier for tier in card.tiers if prompt_tokens > tier.above]
    return max(passed, key=lambda tier: tier.above).rates if passed else card.rates
