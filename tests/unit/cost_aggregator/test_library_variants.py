"""The library's prices for service tiers and speeds, and for audio, images and searches."""

from datetime import UTC, datetime, timedelta

import pytest

from cost_aggregator.price_library import PriceLibrary
from switchboard.domain.rates import Dimension, Variant

LIBRARY = PriceLibrary()
TODAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def test_a_card_ends_where_a_price_of_a_service_tier_begins() -> None:
    verified = datetime(2026, 10, 12, tzinfo=UTC)
    before, after = (LIBRARY.card("openai", "o3", at) for at in (verified - INSTANT, verified))
    assert before is not None
    assert after is not None
    assert (before.valid_until, after.valid_from) == (verified, verified)
    assert before.rates == after.rates
    assert before.variants == ()
    assert {each.value for each in after.variants} == {"fast", "flex", "priority"}


def variant(provider: str, model: str, dimension: Dimension, value: str) -> Variant:
    card = LIBRARY.card(provider, model, TODAY)
    assert card is not None
    [found] = [each for each in card.variants if (each.dimension, each.value) == (dimension, value)]
    return found


@pytest.mark.parametrize(
    ("provider", "model", "dimension", "value", "rates"),
    [
        ("openai", "gpt-5.1", Dimension.SERVICE_TIER, "priority", (2_500_000, 20_000_000, 250_000)),
        ("openai", "gpt-5.1", Dimension.SERVICE_TIER, "flex", (625_000, 5_000_000, 62_500)),
        ("generic", "gpt-5-mini", Dimension.SERVICE_TIER, "priority", (450_000, 3_600_000, 45_000)),
        ("anthropic", "claude-opus-5-5", Dimension.SPEED, "fast", (8_000_000, 40_000_000, 400_000)),
        ("anthropic", "claude-sonnet-4-6", Dimension.SERVICE_TIER, "batch", (1_500_000, 7_500_000, 150_000)),
        ("google", "gemini-2.5-flash", Dimension.SERVICE_TIER, "flex", (150_000, 1_250_000, 30_000)),
    ],
)
def test_service_tiers_and_speeds_have_rates_of_their_own(
    provider: str, model: str, dimension: Dimension, value: str, rates: tuple[int, int, int]
) -> None:
    found = variant(provider, model, dimension, value).rates
    assert found is not None
    assert (found.fresh_input, found.output, found.cache_read) == rates


def test_a_service_tier_has_the_context_tiers_of_its_list() -> None:
    [tier] = variant("openai", "gpt-5.6-sol", Dimension.SERVICE_TIER, "priority").tiers
    assert (tier.above, tier.rates.fresh_input, tier.rates.output) == (272_000, 16_000_000, 60_000_000)


@pytest.mark.parametrize(
    ("provider", "model", "classes"),
    [
        ("openai", "gpt-audio", {"audio_input": 32_000_000, "audio_output": 64_000_000, "image_output": None}),
        ("google", "gemini-2.5-flash", {"audio_input": 1_000_000, "audio_cache_read": 100_000, "searches": 35 * 10**9}),
        ("google", "gemini-2.5-flash-image", {"image_output": 30_000_000, "audio_output": None}),
        ("openai", "gpt-image-1.5", {"image_input": 8_000_000, "image_cache_read": 2_000_000}),
        ("groq", "llama-3.1-8b-instant", {"audio_input": None, "image_input": None, "searches": None}),
    ],
)
def test_audio_images_and_searches_have_rates_where_the_library_has_them(
    provider: str, model: str, classes: dict[str, int | None]
) -> None:
    card = LIBRARY.card(provider, model, TODAY)
    assert card is not None
    assert {name: getattr(card.rates, name) for name in classes} == classes
