import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, TieredPrices

from cost_aggregator.price_library import LIBRARY_NAMES, UNPRICED_PROVIDERS, PriceLibrary
from gateway.providers.table import GENERIC, PROVIDERS
from switchboard.domain.rates import ALWAYS, PRICED_CLASSES, Rates

LIBRARY = PriceLibrary()
TODAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
CLASSES = (
    *("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok"),
    *("input_audio_mtok", "cache_audio_read_mtok", "output_audio_mtok"),
    *("input_image_mtok", "cache_image_read_mtok", "output_image_mtok"),
)


def usd_per_million(provider: str, model: str, at: datetime = TODAY) -> tuple[float, float] | None:
    """Input and output of the model's base rates, None when it is unpriced."""
    card = LIBRARY.card(provider, model, at)
    return None if card is None else (card.rates.fresh_input / 10**6, card.rates.output / 10**6)


def test_every_provider_is_mapped_to_the_library_or_listed_as_unpriced() -> None:
    assert {provider.name for provider in PROVIDERS} == LIBRARY_NAMES.keys() | UNPRICED_PROVIDERS | {GENERIC.name}
    assert set(LIBRARY_NAMES.values()) <= {provider.id for provider in get_snapshot().providers}


@pytest.mark.parametrize(
    ("provider", "model", "prices"),
    [
        ("openai", "gpt-4o", (2.5, 10)),
        ("openai", "GPT-4o-2024-08-06", (2.5, 10)),
        ("openai", "gpt-4o-2024-05-13", (5, 15)),
        ("openai", "gpt-4.1-mini-2099-12-31", (0.4, 1.6)),
        ("openai", "ft:gpt-4o-2024-08-06:acme::abc", (3.75, 15)),
        ("anthropic", "claude-sonnet-4-5-20250929", (3, 15)),
        ("anthropic", "claude-haiku-4-5", (1, 5)),
        ("google", "models/gemini-2.5-flash", (0.3, 2.5)),
        ("groq", "meta-llama/llama-4-scout-17b-16e-instruct", (0.11, 0.34)),
        ("together", "meta-llama/Meta-Llama-3.1-70B-Instruct-Turbo", (0.88, 0.88)),
        ("cloudflare", "@cf/meta/llama-3.3-70b-instruct-fp8-fast", (0.293, 2.253)),
        ("fireworks", "accounts/fireworks/models/gpt-oss-120b", (0.15, 0.6)),
        ("mistral", "mistral-small-latest", (0.15, 0.6)),
        ("xai", "grok-4", (3, 15)),
        ("cerebras", "gpt-oss-120b", (0.35, 0.75)),
        ("azure", "gpt-4o", (2.5, 10)),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", (3.3, 16.5)),
        ("openrouter", "anthropic/claude-sonnet-4.5", (3, 15)),
        ("openrouter", "google/gemini-2.0-flash-exp:free", (0, 0)),
    ],
)
def test_models_are_found_by_their_providers_names(provider: str, model: str, prices: tuple[float, float]) -> None:
    assert usd_per_million(provider, model) == prices


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-none"),
        ("openai", "text-embedding-3-small"),
        ("openai", "whisper-1"),
        ("google", "gemma-3-27b-it"),
        ("fireworks", "accounts/acme/models/gpt-oss-120b"),
        ("azure", "my-deployment"),
        ("demo", "gpt-4o"),
        ("generic", ""),
        ("openrouter", "perplexity/sonar-deep-research"),
    ],
)
def test_a_model_without_a_certain_price_per_token_is_unpriced(provider: str, model: str) -> None:
    assert LIBRARY.card(provider, model, TODAY) is None


@pytest.mark.parametrize(
    ("model", "source"),
    [
        ("gpt-4o", "as openai"),
        ("openai/gpt-4o-2024-08-06", "as openai"),
        ("o3-mini", "as openai"),
        ("claude-sonnet-4-5@20250929", "as anthropic"),
        ("gemini-2.5-pro", "as google"),
        ("x-ai/grok-4", "as xai"),
        ("gpt-oss-120b", None),
        ("llama-3.3-70b-versatile", None),
        ("gpt-4o:fast", None),
        ("acme/gpt-4o", None),
        ("not-claude-sonnet-4-5", None),
    ],
)
def test_a_proprietary_model_costs_its_makers_price_at_any_provider(model: str, source: str | None) -> None:
    card = LIBRARY.card("generic", model, TODAY)
    assert (card and card.source.partition(" as ")[1:]) == (source and (" as ", source.removeprefix("as ")))


def test_a_card_has_the_requested_names_and_its_source() -> None:
    card = LIBRARY.card("google", "models/Gemini-2.5-pro", TODAY)
    assert card is not None
    assert (card.provider, card.model) == ("google", "models/Gemini-2.5-pro")
    assert card.source.startswith("genai-prices 0.")
    assert (card.entry_id, card.valid_until) == ("google/gemini-2.5-pro", None)


def test_tiers_have_rates_for_all_classes() -> None:
    card = LIBRARY.card("anthropic", "claude-sonnet-4-5", TODAY)
    assert card is not None
    assert card.rates == Rates(3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000, searches=10**10)
    [tier] = card.tiers
    above = Rates(6_000_000, 22_500_000, 600_000, 7_500_000, 12_000_000, searches=10**10)
    assert (tier.above, tier.rates) == (200_000, above)


@pytest.mark.parametrize(
    ("provider", "model", "rates"),
    [
        ("groq", "llama-3.1-8b-instant", Rates(50_000, 80_000, 50_000, 50_000, 50_000)),
        ("anthropic", "claude-2", Rates(8_000_000, 24_000_000, 8_000_000, 10_000_000, 16_000_000)),
        ("openai", "gpt-5.6-terra", Rates(2_000_000, 12_000_000, 200_000, 2_500_000, 2_500_000)),
    ],
)
def test_classes_without_a_price_get_the_documented_default(provider: str, model: str, rates: Rates) -> None:
    card = LIBRARY.card(provider, model, TODAY)
    assert card is not None
    text = {name: getattr(card.rates, name) for name in PRICED_CLASSES[:5]}
    assert Rates(**text) == rates


def test_a_price_starts_at_midnight_utc_and_ends_at_the_next() -> None:
    change = datetime(2025, 6, 10, tzinfo=UTC)
    before, after = (LIBRARY.card("openai", "o3", at) for at in (change - INSTANT, change))
    assert before is not None
    assert after is not None
    assert (before.rates.fresh_input, before.valid_from, before.valid_until) == (10_000_000, ALWAYS, change)
    assert (after.rates.fresh_input, after.valid_from) == (2_000_000, change)


@pytest.mark.parametrize(
    ("hour", "minute", "rate", "since", "until"),
    [
        (0, 0, 135_000, (30, 16, 30), (1, 0, 30)),
        (0, 30, 270_000, (1, 0, 30), (1, 16, 30)),
        (16, 29, 270_000, (1, 0, 30), (1, 16, 30)),
        (16, 30, 135_000, (1, 16, 30), (2, 0, 30)),
    ],
)
def test_hourly_prices_apply_in_their_hours(
    hour: int, minute: int, rate: int, since: tuple[int, int, int], until: tuple[int, int, int]
) -> None:
    card = LIBRARY.card("deepseek", "deepseek-chat", datetime(2025, 7, 1, hour, minute, tzinfo=UTC))
    assert card is not None
    assert card.rates.fresh_input == rate
    assert (card.valid_from.day, card.valid_from.hour, card.valid_from.minute) == since
    assert card.valid_until is not None
    assert (card.valid_until.day, card.valid_until.hour, card.valid_until.minute) == until


@pytest.mark.parametrize(
    ("provider", "model"),
    [("deepseek", "deepseek-v4-flash"), ("openai", "gpt-5.6-sol"), ("google", "gemini-flash-latest")],
)
def test_cards_are_constant_in_their_period_and_adjacent(provider: str, model: str) -> None:
    at = datetime(2026, 8, 1, tzinfo=UTC)
    while at < datetime(2026, 9, 20, tzinfo=UTC):
        card = LIBRARY.card(provider, model, at)
        assert card is not None
        assert card.is_valid_at(at)
        assert LIBRARY.card(provider, model, card.valid_from) == card
        if card.valid_until is None:
            break
        assert LIBRARY.card(provider, model, card.valid_until - INSTANT) == card
        following = LIBRARY.card(provider, model, card.valid_until)
        assert following is not None
        assert following.valid_from == card.valid_until
        at = card.valid_until


def test_only_openrouters_cache_writes_need_rounding() -> None:
    """Fails if another price of the library needs rounding, so that the rounding is reviewed."""
    uneven = {
        (provider.id, name)
        for provider in get_snapshot().providers
        if provider.id in LIBRARY_NAMES.values()
        for model in provider.models
        for prices in _all_prices(model)
        for name in CLASSES
        for amount in _amounts(getattr(prices, name))
        if amount * 10**6 % 1
    }
    assert uneven == {("openrouter", "cache_write_mtok")}


def test_every_model_of_our_providers_has_a_card_or_no_price_per_token() -> None:
    ours = {library_name: name for name, library_name in LIBRARY_NAMES.items()}
    unpriced = {
        (provider.id, model.id)
        for provider in get_snapshot().providers
        if provider.id in ours
        for model in provider.models
        if all(prices.input_mtok is not None and prices.output_mtok is not None for prices in _all_prices(model))
        and provider.find_model(model.id) is model
        and LIBRARY.card(ours[provider.id], model.id, TODAY) is None
    }
    assert unpriced == {("openrouter", "perplexity/sonar-deep-research")}


def test_only_the_library_modules_import_the_library() -> None:
    check = "import sys, cost_aggregator.prices; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def _all_prices(model: ModelInfo) -> list[ModelPrice]:
    listed: list[ConditionalPrice] | ModelPrice = model.prices
    standard = [listed] if isinstance(listed, ModelPrice) else [each.prices for each in listed]
    return [*standard, *(each.prices for each in model.price_variants or ())]


def _amounts(price: Decimal | TieredPrices | None) -> list[Decimal]:
    if isinstance(price, TieredPrices):
        return [price.base, *(tier.price for tier in price.tiers)]
    return [] if price is None else [price]
