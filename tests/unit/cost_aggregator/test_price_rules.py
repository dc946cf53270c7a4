"""What providers document beside their price lists: each rule, and that each applies to something."""

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot

from cost_aggregator.price_library import LIBRARY_NAMES, PriceLibrary
from cost_aggregator.price_rules import SHIPPED, PriceRules, read_rules, shipped_rules
from switchboard.domain.rates import ALWAYS, Dimension, RateCard, Rates, Tier, Variant, price_of
from switchboard.domain.usage import Tokens, Usage, UsageSource

TODAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIBRARY, PLAIN = PriceLibrary(), PriceLibrary(PriceRules())
ENTRIES = tomllib.loads(SHIPPED.read_text("utf-8"))["rule"]
CARD = RateCard("p", "m", Rates(100, 1000, 10), ALWAYS, "a list", tiers=(Tier(50, Rates(200, 2000, 20)),))
RULE = 'provider = "p"\nmodels = "m.*"\n'


def applied(text: str, card: RateCard = CARD, entry: str = "m-1") -> RateCard:
    return read_rules(f"[[rule]]\n{RULE}{text}").apply(card, "p", entry)


def priced(provider: str, model: str, **told: str) -> tuple[int, int] | None:
    card = LIBRARY.card(provider, model, TODAY)
    assert card is not None
    price = price_of(Usage(UsageSource.PROVIDER, Tokens(10, 4), None, **told), card)
    return (price.rates.fresh_input, price.rates.output) if price else None


@pytest.mark.parametrize(
    ("provider", "model", "told", "rates"),
    [
        ("openai", "gpt-5.4", {"region": "eu"}, (2_750_000, 16_500_000)),
        ("openai", "gpt-5.4-mini-2026-03-17", {"region": "us"}, (825_000, 4_950_000)),
        ("openai", "gpt-5.1", {"region": "eu"}, (1_250_000, 10_000_000)),
        ("openai", "gpt-5.5", {"region": "eu", "service_tier": "priority"}, (13_750_000, 82_500_000)),
        ("anthropic", "claude-sonnet-4-6", {"region": "us"}, (3_300_000, 16_500_000)),
        ("anthropic", "claude-sonnet-4-6", {"region": "global"}, (3_000_000, 15_000_000)),
        ("anthropic", "claude-sonnet-4-5", {"region": "us"}, (3_000_000, 15_000_000)),
        ("anthropic", "claude-opus-5-5", {"region": "us", "speed": "fast"}, (8_800_000, 44_000_000)),
        ("google", "claude-sonnet-4-5", {"region": "europe-west1"}, (3_300_000, 16_500_000)),
        ("google", "gemini-3.5-flash", {"region": "eu"}, (1_650_000, 9_900_000)),
        ("google", "gemini-2.5-flash", {"region": "europe-west1"}, (300_000, 2_500_000)),
        ("google", "gemini-3.5-flash", {"service_tier": "priority"}, (2_700_000, 16_200_000)),
        ("google", "gemini-3.5-flash", {"service_tier": "flex"}, (750_000, 4_500_000)),
        ("groq", "llama-3.1-8b-instant", {"service_tier": "flex"}, (50_000, 80_000)),
        ("groq", "llama-3.1-8b-instant", {"service_tier": "on_demand"}, (50_000, 80_000)),
        ("openai", "gpt-4.1", {"service_tier": "scale"}, None),
        ("anthropic", "claude-sonnet-4-6", {"service_tier": "priority"}, None),
        ("anthropic", "claude-sonnet-4-6", {"speed": "fast"}, None),
    ],
)
def test_a_tier_region_or_speed_costs_what_is_documented(
    provider: str, model: str, told: dict[str, str], rates: tuple[int, int] | None
) -> None:
    assert priced(provider, model, **told) == rates


@pytest.mark.parametrize(
    ("provider", "model", "classes"),
    [
        ("openai", "gpt-4o", {"image_input": 2_500_000, "image_cache_read": 1_250_000, "audio_input": None}),
        ("openai", "gpt-image-1.5", {"image_input": 8_000_000}),
        ("google", "gemini-2.5-flash", {"image_input": 300_000, "audio_input": 1_000_000, "audio_output": None}),
        ("google", "gemini-2.5-pro", {"image_input": 1_250_000, "audio_input": 1_250_000}),
        ("openai", "gpt-4o-audio-preview", {"audio_input": 40_000_000, "audio_output": 80_000_000}),
        ("xai", "grok-4.7", {"image_input": 2_000_000, "audio_input": None}),
        ("openai", "gpt-4o-search-preview", {"searches": 25 * 10**9}),
        ("anthropic", "claude-haiku-4-5", {"searches": 10**10}),
    ],
)
def test_a_class_costs_what_is_documented_or_has_no_price(
    provider: str, model: str, classes: dict[str, int | None]
) -> None:
    card = LIBRARY.card(provider, model, TODAY)
    assert card is not None
    assert {name: getattr(card.rates, name) for name in classes} == classes


def test_tiers_and_variants_have_the_classes_too() -> None:
    variant = Variant(Dimension.SPEED, "fast", Rates(300, 3000), (Tier(50, Rates(600, 6000)),))
    card = applied('same = { image_input = "fresh_input" }\nsearches = "0.01"', RateCard(**_fields(CARD, variant)))
    found = [card.rates, card.tiers[0].rates, card.variants[0].rates, card.variants[0].tiers[0].rates]
    assert [(rates.image_input, rates.searches) for rates in found if rates] == [
        (100, 10**10),
        (200, 10**10),
        (300, 10**10),
        (600, 10**10),
    ]


def _fields(card: RateCard, *variants: Variant) -> dict[str, Any]:
    return {name: getattr(card, name) for name in RateCard.__slots__} | {"variants": variants}


def test_what_the_list_has_itself_stays() -> None:
    variant = Variant(Dimension.SERVICE_TIER, "flex", Rates(1, 2))
    card = RateCard(**_fields(CARD, variant) | {"rates": Rates(100, 1000, image_input=7)})
    found = applied('service_tier = "flex"\nfactor = "1/2"\nsame = { image_input = "fresh_input" }', card)
    assert found.rates.image_input == 7
    assert [each.factor for each in found.variants] == [1]


def test_a_factor_of_some_classes_leaves_the_others() -> None:
    [found] = applied('region = ["eu"]\nfactor = "1.005"\nclasses = ["fresh_input", "output"]').variants
    assert found == Variant(Dimension.REGION, "eu", Rates(101, 1005, 10), (Tier(50, Rates(201, 2010, 20)),))


def test_a_rule_is_for_whole_ids_of_its_provider() -> None:
    text = 'speed = "fast"\nfactor = "2"'
    assert applied(text).variants == (Variant(Dimension.SPEED, "fast", factor=Fraction(2)),)
    assert applied(text, entry="not-m").variants == ()
    assert read_rules(f"[[rule]]\n{RULE}{text}").apply(CARD, "q", "m-1") == CARD


@pytest.mark.parametrize("text", ['regoin = "eu"', 'same = { picture = "output" }', 'classes = "output"'])
def test_an_invalid_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no fields|no classes"):
        applied(f'{text}\nfactor = "1"')


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry['provider']} {entry['models'][:30]}")
def test_every_rule_has_its_document_and_changes_a_price(entry: dict[str, Any]) -> None:
    assert entry["document"].startswith("https://")
    assert isinstance(entry["read"], date)
    [rule] = [rule for rule in shipped_rules().rules if rule == read_rules(_text(entry)).rules[0]]
    provider = next(each for each in get_snapshot().providers if each.id == LIBRARY_NAMES[rule.provider])
    cards = [PLAIN.card(rule.provider, info.id, TODAY) for info in provider.models if rule.models.fullmatch(info.id)]
    found = [card for card in cards if card is not None]
    changed = [PriceRules((rule,)).apply(card, rule.provider, card.entry_id.partition("/")[2]) for card in found]
    assert any(one != other for one, other in zip(found, changed, strict=True))


def _text(entry: dict[str, Any]) -> str:
    blocks = SHIPPED.read_text("utf-8").split("[[rule]]\n")[2:]
    return "[[rule]]\n" + next(block for block in blocks if tomllib.loads(block) == entry)


def test_cached_images_do_not_cost_what_cached_text_does_where_fresh_ones_cost_otherwise() -> None:
    rule = 'same = { image_input = "fresh_input", image_cache_read = "cache_read" }'
    assert applied(rule).rates.image_cache_read == 10
    of_their_own = applied(rule, replace(CARD, rates=replace(CARD.rates, image_input=300))).rates
    assert (of_their_own.image_input, of_their_own.image_cache_read) == (300, None)


def test_no_model_of_the_library_has_media_in_its_cache_at_the_price_of_text_alone() -> None:
    for provider, model in LIBRARY.models():
        plain, card = PLAIN.card(provider, model, TODAY), LIBRARY.card(provider, model, TODAY)
        if plain is None or card is None or card.rates.image_input == card.rates.fresh_input:
            continue
        assert card.rates.image_cache_read == plain.rates.image_cache_read, (provider, model)
