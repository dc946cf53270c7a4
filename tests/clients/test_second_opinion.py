"""Our prices beside those of LiteLLM's price file, which its package ships: no code of it runs.

Compared are the models of five providers that have prices for service tiers, audio, regions or speeds there, with every
class and tier that it has a price for. `second_opinion.toml` lists the differences.
"""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cost_aggregator.overrides import shipped_overrides
from cost_aggregator.price_library import PriceLibrary
from cost_aggregator.prices import PriceBook
from switchboard.domain.rates import RateCard, Rates, price_of
from switchboard.domain.usage import Tokens, Usage, UsageSource
from testkit.missing import missing
from testkit.real_clients import PYTHON

pytestmark = pytest.mark.clients

READ = datetime(2026, 11, 20, 12, tzinfo=UTC)
FILE = "lib/python3.*/site-packages/litellm/model_prices_and_context_window_backup.json"
PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "gemini": "google", "xai": "xai", "groq": "groq"}
AT_VERTEX = {f"vertex_ai{kind}": "google" for kind in ("", "-anthropic_models", "-language-models")}
CLASSES = {
    "fresh_input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write_5m": "cache_creation_input_token_cost",
    "audio_input": "input_cost_per_audio_token",
    "audio_cache_read": "cache_read_input_audio_token_cost",
    "audio_output": "output_cost_per_audio_token",
    "image_input": "input_cost_per_image_token",
    "image_output": "output_cost_per_image_token",
}
TIERS = {"": "standard", "_priority": "priority", "_flex": "flex", "_batches": "batch"}
MULTIPLES = {
    "regional_processing_uplift_multiplier_eu": {"region": "eu"},
    "regional_processing_uplift_multiplier_us": {"region": "us"},
    "regional_endpoint_uplift_multiplier": {"region": "europe-west1"},
}
OPINION = tomllib.loads(Path(__file__).with_name("second_opinion.toml").read_text("utf-8"))
DIFFERENCES = {(each["tier"], each["class"], model) for each in OPINION["difference"] for model in each["models"]}
UNPRICED = {model for each in OPINION["unpriced"] for model in each["models"]}


@dataclass(frozen=True, slots=True)
class Compared:
    """A model of theirs, and our card for it."""

    name: str
    prices: dict[str, Any]
    card: RateCard

    def rates(self, **told: str) -> Rates | None:
        """What we apply to a call of which this was told."""
        price = price_of(Usage(UsageSource.PROVIDER, Tokens(1, 1), None, **told), self.card)
        return None if price is None else price.rates


@pytest.fixture(scope="module")
def theirs() -> dict[str, dict[str, Any]]:
    """LiteLLM's prices by its names of models, as exact decimals."""
    files = sorted(PYTHON.glob(FILE))
    if not files:
        missing("LiteLLM's price file is not installed: run `make clients-setup`")
    return dict(json.loads(files[0].read_text("utf-8"), parse_float=Decimal))


@pytest.fixture(scope="module")
def book() -> PriceBook:
    """The shipped prices."""
    return PriceBook(shipped_overrides(), PriceLibrary())


def test_every_price_of_a_class_in_a_tier_is_the_same_or_listed(
    theirs: dict[str, dict[str, Any]], book: PriceBook
) -> None:
    seen, differing = 0, set()
    for model in _compared(theirs, book):
        for suffix, tier in TIERS.items():
            rates = model.rates(service_tier=tier)
            for name, field in CLASSES.items():
                if (price := model.prices.get(field + suffix)) is not None:
                    seen += 1
                    if rates is None or getattr(rates, name) != Decimal(price) * 10**12:
                        differing.add((tier, name, model.name))
    assert differing == DIFFERENCES
    assert seen > 900


def test_every_such_model_has_a_price_or_is_listed(theirs: dict[str, dict[str, Any]], book: PriceBook) -> None:
    known = {model.name for model in _compared(theirs, book)}
    assert {name for name, _ in _candidates(theirs)} - known == UNPRICED


def test_regions_and_speeds_have_the_same_multiples(theirs: dict[str, dict[str, Any]], book: PriceBook) -> None:
    seen, differing = 0, set()
    for model in _compared(theirs, book, PROVIDERS | AT_VERTEX):
        standard = model.rates()
        for told, multiple in _multiples(model.prices):
            seen += 1
            rates = model.rates(**told)
            assert standard is not None
            if rates is None or [rates.fresh_input, rates.output] != [
                standard.fresh_input * multiple,
                standard.output * multiple,
            ]:
                differing.add((model.name, *told.items()))
    assert differing == set()
    assert seen > 50


def _multiples(prices: dict[str, Any]) -> Iterator[tuple[dict[str, str], Decimal]]:
    for field, told in MULTIPLES.items():
        if field in prices:
            yield told, Decimal(prices[field])
    special = prices.get("provider_specific_entry") or {}
    if "us" in special:
        yield {"region": "us"}, Decimal(special["us"])
    if "fast" in special:
        yield {"speed": "fast"}, Decimal(special["fast"])


def _compared(
    theirs: dict[str, dict[str, Any]], book: PriceBook, providers: dict[str, str] = PROVIDERS
) -> Iterator[Compared]:
    for name, prices in _candidates(theirs, providers):
        provider = providers[prices["litellm_provider"]]
        called = name.partition("/")[2] if "/" in name and provider != "openai" else name
        card = book.card(provider, called, READ)
        if card is not None:
            yield Compared(name, prices, card)


def _candidates(
    theirs: dict[str, dict[str, Any]], providers: dict[str, str] = PROVIDERS
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, prices in theirs.items():
        is_chat = prices.get("litellm_provider") in providers and prices.get("mode") in ("chat", "responses")
        if is_chat and any(_is_special(field) for field in prices):
            yield name, prices


def _is_special(field: str) -> bool:
    return (
        field.endswith(("_priority", "_flex"))
        or "audio_token" in field
        or field in ("provider_specific_entry", *MULTIPLES)
    )
