from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from cost_aggregator.overrides import Overrides, OverridesMalformed, read_overrides, shipped_overrides
from gateway.providers.table import PROVIDERS
from switchboard.domain.rates import Dimension, RateCard, Rates, Tier, Variant

MIDNIGHT = datetime(2026, 12, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
TWO_PRICES = """
[[price]]
provider = "generic"
model = "House-Model"
from = "2026-12-01T00:00:00Z"
input = "0.60"
output = "1.80"

[[price]]
provider = "generic"
model = "house-model"
from = "2026-10-01T00:00:00+02:00"
input = "0.90"
output = "2.70"
cache_read = "0.09"
"""


def one_price(**settings: str) -> str:
    """A file with one entry: each field as TOML; an empty one is left out."""
    entry = {
        "provider": '"openai"',
        "model": '"gpt-9"',
        "from": '"2026-01-01T00:00:00Z"',
        "input": '"3"',
        "output": '"15"',
    } | settings
    return "\n".join(["[[price]]", *(f"{name} = {value}" for name, value in entry.items() if value)])


def card_of(text: str) -> RateCard:
    [cards] = read_overrides(text).cards.values()
    [card] = cards
    return card


def test_an_entry_becomes_a_card() -> None:
    tiers = 'tiers = [{ above = 1000, input = "6", output = "22.50", cache_read = "0.60" }]'
    assert card_of(f"{one_price(cache_read='"0.30"', until='"2027-01-01T00:00:00Z"')}\n{tiers}") == RateCard(
        "openai",
        "gpt-9",
        Rates(3_000_000, 15_000_000, cache_read=300_000, cache_write_5m=3_000_000, cache_write_1h=3_000_000),
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        valid_until=datetime(2027, 1, 1, tzinfo=UTC),
        source="overrides 2026-01-01",
        tiers=(Tier(1000, Rates(6_000_000, 22_500_000, 600_000, 6_000_000, 6_000_000)),),
        entry_id="openai/gpt-9",
    )


def test_audio_images_and_searches_have_prices_of_their_own_or_none() -> None:
    rates = card_of(one_price(audio_input='"32"', image_output='"40"', searches='"0.025"')).rates
    assert (rates.audio_input, rates.image_output, rates.searches) == (32_000_000, 40_000_000, 25 * 10**9)
    assert (rates.audio_output, rates.image_input) == (None, None)


def test_service_tiers_regions_and_speeds_are_variants() -> None:
    variants = """variants = [
  { service_tier = "Priority", input = "6", output = "30", tiers = [{ above = 9, input = "7", output = "31" }] },
  { region = "eu", factor = "1.1" },
  { speed = "*", factor = "5/2" },
]"""
    assert card_of(f"{one_price()}\n{variants}").variants == (
        Variant(Dimension.SERVICE_TIER, "priority", plain(6, 30), (Tier(9, plain(7, 31)),)),
        Variant(Dimension.REGION, "eu", factor=Fraction(11, 10)),
        Variant(Dimension.SPEED, "*", factor=Fraction(5, 2)),
    )


def plain(usd_in: int, usd_out: int) -> Rates:
    """Rates of a price that names two amounts."""
    return Rates(usd_in * 10**6, usd_out * 10**6, *[usd_in * 10**6] * 3)


@pytest.mark.parametrize(
    ("model", "five_minutes", "hour"),
    [('"claude-x"', 3_750_000, 6_000_000), ('"gpt-9"', 3_000_000, 3_000_000)],
)
def test_cache_writes_without_a_price_get_the_default(model: str, five_minutes: int, hour: int) -> None:
    rates = card_of(one_price(model=model)).rates
    assert (rates.cache_read, rates.cache_write_5m, rates.cache_write_1h) == (3_000_000, five_minutes, hour)


def test_toml_dates_and_times_are_accepted() -> None:
    assert card_of(one_price(**{"from": "2026-12-01T02:00:00+02:00"})).valid_from == MIDNIGHT


def test_a_price_applies_until_the_next_one_begins() -> None:
    overrides = read_overrides(TWO_PRICES)
    sources = [
        card.source if (card := overrides.card("generic", "house-model", at)) else None
        for at in (
            datetime(2026, 9, 30, 21, 59, tzinfo=UTC),
            MIDNIGHT - INSTANT,
            MIDNIGHT,
            datetime.max.replace(tzinfo=UTC),
        )
    ]
    assert sources == [None, "overrides 2026-09-30", "overrides 2026-12-01", "overrides 2026-12-01"]


def test_the_next_price_replaces_one_that_would_end_later() -> None:
    longer = TWO_PRICES.replace('cache_read = "0.09"', 'until = "2027-06-01T00:00:00Z"')
    card = read_overrides(longer).card("generic", "house-model", MIDNIGHT)
    assert card is not None
    assert card.source == "overrides 2026-12-01"


def test_models_are_matched_by_their_exact_name_in_any_case() -> None:
    overrides = read_overrides(TWO_PRICES)
    known = [
        overrides.card(*name, MIDNIGHT) is not None
        for name in (
            ("generic", "HOUSE-MODEL"),
            ("generic", "models/house-model"),
            ("openai", "house-model"),
            ("generic", "house-model-2026-01-01"),
        )
    ]
    assert known == [True, True, False, False]


def test_a_gap_is_a_period_without_a_card() -> None:
    overrides = read_overrides(one_price(until='"2026-02-01T00:00:00Z"'))
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    assert overrides.gap("openai", "gpt-9", start - INSTANT) == (None, start)
    assert overrides.gap("openai", "gpt-9", end) == (end, None)
    assert overrides.gap("openai", "unknown", end) == (None, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (one_price(variants="7"), "'variants' must be a list of tables"),
        (one_price(variants='[{ factor = "2" }]'), "variant 1: it must have one of service_tier, region, speed"),
        (one_price(variants='[{ region = "eu", speed = "fast", factor = "2" }]'), "variant 1: it must have one of"),
        (one_price(variants="[{ region = 7 }]"), "variant 1: it must have one of"),
        (one_price(variants='[{ region = "eu", input = "2" }]'), "variant 1: 'output' is missing"),
        (one_price(variants='[{ region = "eu", factor = 1.1 }]'), "variant 1: 'factor' must be a string"),
        (one_price(variants='[{ region = "eu", factor = "1E9" }]'), "variant 1: 'factor' must be a string"),
        (one_price(variants='[{ region = "eu", factor = "1/0" }]'), "variant 1: 'factor' must be a string"),
        (one_price(variants='[{ region = "eu", factor = "1", input = "2" }]'), "one with a factor has no prices"),
        (one_price(variants='[{ region = "eu", inptu = "2" }]'), "variant 1: inptu: not fields of a variant"),
        (
            one_price(variants='[{ region = "eu", factor = "1" }, { region = "EU", factor = "2" }]'),
            "Two variants are for the same calls",
        ),
        (one_price(searches="7"), "'searches' must be a string"),
        (one_price(searches='"0.0000000000001"'), "'searches'"),
        (one_price(provider=""), "'provider' is missing"),
        (one_price(model='"  "'), "'model' must be a non-empty string"),
        (one_price(model="7"), "'model' must be a non-empty string"),
        (one_price(**{"from": ""}), "'from' is missing"),
        (one_price(**{"from": '"2026-01-01"'}), "'from' must be a date and time with an offset"),
        (one_price(**{"from": "2026-01-01T00:00:00"}), "'from' must be a date and time with an offset"),
        (one_price(**{"from": "2026-01-01"}), "'from' must be a date and time with an offset"),
        (one_price(**{"from": '"soon"'}), "'from' must be a date and time with an offset"),
        (one_price(until='"2026-01-01T00:00:00Z"'), "'until' must be later than 'from'"),
        (one_price(input=""), "'input' is missing"),
        (one_price(output="15"), "'output' must be a string"),
        (one_price(output="0.1"), "'output' must be a string"),
        (one_price(input='"three"'), "'input' is not a number: 'three'"),
        (one_price(input='"0.0000001"'), "'input': 1E-7 USD per million tokens is less than a pico-dollar"),
        (one_price(cache_read='"-1"'), "'cache_read': -1 is not a price"),
        (one_price(cache_write='"1"'), "'cache_write' is not a field of a price"),
        (one_price(tiers="3"), "'tiers' must be a list of tables"),
        (one_price(tiers="[3]"), "'tiers' must be a list of tables"),
        (one_price(tiers='[{ above = 9, input = "1" }]'), "tier 1 must have 'above' and the same prices as its entry"),
        (one_price(tiers='[{ above = 0, input = "1", output = "1" }]'), "tier 1: 'above' must be a whole number"),
        (one_price(tiers='[{ above = true, input = "1", output = "1" }]'), "tier 1: 'above' must be a whole number"),
        (one_price(tiers='[{ above = 9, input = "x", output = "1" }]'), "tier 1: 'input' is not a number"),
        (
            one_price(tiers='[{ above = 9, input = "1", output = "1" }, { above = 9, input = "2", output = "2" }]'),
            "Two tiers have the same 'above'",
        ),
    ],
)
def test_a_problem_names_its_entry_and_line(text: str, problem: str) -> None:
    with pytest.raises(OverridesMalformed) as raised:
        read_overrides(f"# mine\n\n{text}")
    [told] = raised.value.problems
    assert told.startswith("price 1 (line 3): ")
    assert problem in told


def test_every_problem_of_every_entry_is_reported() -> None:
    with pytest.raises(OverridesMalformed) as raised:
        read_overrides("\n".join([one_price(input="", model="3"), one_price(), one_price(output='"much"')]))
    assert [problem.partition(":")[0] for problem in raised.value.problems] == ["price 1 (line 1)"] * 2 + [
        "price 3 (line 12)"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[price]\n", "not valid TOML: .*line 1"),
        ("currency = 'EUR'", "'currency' is not allowed"),
        ("price = 3", "'price' must be written as"),
        ("[price]\ninput = '3'", "'price' must be written as"),
        (f"{one_price()}\n{one_price(model='"GPT-9"')}", "another price with the same 'from'"),
    ],
)
def test_a_file_of_another_kind_is_refused(text: str, problem: str) -> None:
    with pytest.raises(OverridesMalformed, match=problem):
        read_overrides(text)


def test_an_empty_file_has_no_prices() -> None:
    assert read_overrides("# nothing yet") == Overrides({})


def test_the_shipped_file_is_valid_and_names_known_providers() -> None:
    cards = shipped_overrides().cards
    assert ("demo", "demo/echo") in cards
    assert {provider for provider, _ in cards} <= {provider.name for provider in PROVIDERS}
