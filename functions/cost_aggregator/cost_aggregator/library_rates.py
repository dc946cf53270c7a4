"""Converts a price of genai-prices to rates, exactly or not at all."""

from decimal import Decimal

from genai_prices.types import ModelPrice, TieredPrices

from switchboard.domain.rates import Rates, Tier, from_usd_per_million
from switchboard.domain.token_classes import complete_rates

type LibraryPrice = Decimal | TieredPrices | None

_PICO_DOLLAR = Decimal("0.000001")  # per token, in USD per million tokens
_PICO_PER_KCOUNT = 10**9
_OTHERS = {
    "audio_input": "input_audio_mtok",
    "audio_cache_read": "cache_audio_read_mtok",
    "audio_output": "output_audio_mtok",
    "image_input": "input_image_mtok",
    "image_cache_read": "cache_image_read_mtok",
    "image_output": "output_image_mtok",
}
"""The library's prices of classes that have no default."""
_BEYOND_TOKENS = ("requests_kcount", "output_reasoning_mtok", "output_citation_mtok")


def read_rates(prices: ModelPrice, *, is_claude: bool) -> tuple[Rates, tuple[Tier, ...]] | None:
    """The rates and tiers; None if there is no price per token, or one that the token classes cannot express.

    The library's prices are rounded to whole pico-dollars per token. Only OpenRouter's cache writes of Gemini models
    need rounding (a twelfth of a dollar, with 16 digits); all others are whole.
    """
    if any(getattr(prices, name) is not None for name in _BEYOND_TOKENS):
        return None
    base = _rates(prices, 0, is_claude=is_claude)
    if base is None:
        return None
    tiers = ((start, _rates(prices, start + 1, is_claude=is_claude)) for start in _tier_starts(prices))
    return base, tuple(Tier(start, rates) for start, rates in tiers if rates is not None)


def _rates(prices: ModelPrice, prompt_tokens: int, *, is_claude: bool) -> Rates | None:
    fresh_input = _pico_usd(prices.input_mtok, prompt_tokens)
    output = _pico_usd(prices.output_mtok, prompt_tokens)
    if fresh_input is None or output is None:
        return None
    cache_write = _pico_usd(prices.cache_write_mtok, prompt_tokens)
    cache_write_5m = _pico_usd(prices.cache_write_5m_mtok, prompt_tokens)
    return complete_rates(
        fresh_input,
        output,
        cache_read=_pico_usd(prices.cache_read_mtok, prompt_tokens),
        cache_write_5m=cache_write if cache_write_5m is None else cache_write_5m,
        cache_write_1h=_pico_usd(prices.cache_write_1h_mtok, prompt_tokens),
        others=_others(prices, prompt_tokens),
        is_claude=is_claude,
    )


def _others(prices: ModelPrice, prompt_tokens: int) -> dict[str, int | None]:
    rates = {ours: _pico_usd(getattr(prices, theirs), prompt_tokens) for ours, theirs in _OTHERS.items()}
    per_thousand = prices.web_searches_kcount
    searches = int(per_thousand * _PICO_PER_KCOUNT) if isinstance(per_thousand, Decimal) else None
    return {**rates, "searches": searches}


def _pico_usd(price: LibraryPrice, prompt_tokens: int) -> int | None:
    if isinstance(price, TieredPrices):
        passed = [tier for tier in price.tiers if prompt_tokens > tier.start]
        price = max(passed, key=lambda tier: tier.start).price if passed else price.base
    return None if price is None else from_usd_per_million(price.quantize(_PICO_DOLLAR))


def _tier_starts(prices: ModelPrice) -> list[int]:
    classes: tuple[LibraryPrice, ...] = (
        prices.input_mtok,
        prices.output_mtok,
        prices.cache_read_mtok,
        prices.cache_write_mtok,
        prices.cache_write_5m_mtok,
        prices.cache_write_1h_mtok,
        *(getattr(prices, name) for name in _OTHERS.values()),
    )
    return sorted({tier.start for price in classes if isinstance(price, TieredPrices) for tier in price.tiers})
