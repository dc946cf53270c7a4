"""Converts the library's prices for service tiers and speeds."""

from collections.abc import Iterator
from datetime import datetime

from genai_prices.types import ModelInfo

from cost_aggregator.library_rates import read_rates
from switchboard.domain.rates import Dimension, Variant

_DIMENSIONS = {
    "service_tier": Dimension.SERVICE_TIER,
    "processing": Dimension.SERVICE_TIER,  # whose one value is `batch`, which Anthropic's answers call a tier
    "speed": Dimension.SPEED,
}
"""The library's names. Its others (`route`, `search_type`) are told by no answer."""


def read_variants(info: ModelInfo, at: datetime, *, is_claude: bool) -> Iterator[Variant]:
    """The variants for calls that began at `at` (UTC)."""
    named = {(name, value) for each in info.price_variants or () for name, value in each.when.items()}
    standard = info.get_prices(at)
    for name, value in sorted(named):
        prices = info.get_prices(at, {name: value})
        if name not in _DIMENSIONS or prices == standard:
            continue
        if (table := read_rates(prices, is_claude=is_claude)) is not None:
            yield Variant(_DIMENSIONS[name], value, *table)
