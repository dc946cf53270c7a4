"""A project's price as JSON: read as the overrides file is, bounded, and shown with the same fields."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from switchboard.domain.limits import MAX_PRICE_BYTES, MAX_PRICE_MODEL_CHARACTERS, MAX_PRICE_TIERS
from switchboard.domain.price_json import PriceInvalid, PriceTooLarge, parse_price, price_json
from switchboard.domain.rates import Dimension, RateCard, Rates, Tier, Variant

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
PRICE = {
    "provider": "azure",
    "model": "My-Deployment",
    "from": "2026-12-01T01:00:00+01:00",
    "input": "2.50",
    "output": "10",
    "cache_read": "1.25",
}
EVERY_CLASS = Rates(*range(1, 13))
FULL = RateCard(
    "azure",
    "my-deployment",
    replace(EVERY_CLASS, searches=10**10),
    DECEMBER,
    "project 2026-12-01",
    tiers=(Tier(1000, replace(EVERY_CLASS, output=99)), Tier(5000, EVERY_CLASS)),
    valid_until=datetime(2027, 1, 1, tzinfo=UTC),
    entry_id="price_5f1e5f1e5f1e5f1e",
    variants=(
        Variant(Dimension.SERVICE_TIER, "flex", EVERY_CLASS, (Tier(1000, EVERY_CLASS),)),
        Variant(Dimension.REGION, "eu", factor=Fraction(11, 10)),
    ),
)


def parsed(**fields: Any) -> RateCard:
    return parse_price(json.dumps({name: value for name, value in {**PRICE, **fields}.items() if value}).encode())


def problems(**fields: Any) -> str:
    with pytest.raises(PriceInvalid) as invalid:
        parsed(**fields)
    return str(invalid.value)


def test_a_price_is_read_with_its_source_and_an_id() -> None:
    card = parsed()
    rates = Rates(2_500_000, 10_000_000, 1_250_000, 2_500_000, 2_500_000)
    assert card == RateCard(
        "azure", "my-deployment", rates, DECEMBER, "project 2026-12-01", entry_id="price_7431d98777913e91"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"provider": "openai"},
        {"model": "x"},
        {"from": "2026-12-02T00:00Z"},
        {"until": "2026-12-09T00:00Z"},
        {"input": "9"},
        {"searches": "0.01"},
        {"tiers": [{"above": 9, "input": "5", "output": "20", "cache_read": "1"}]},
        {"variants": [{"region": "eu", "factor": "1.1"}]},
    ],
)
def test_another_price_has_another_id(fields: dict[str, Any]) -> None:
    assert parsed(**fields).entry_id != parsed().entry_id


def test_the_same_price_has_the_same_id_however_it_is_written() -> None:
    same = {"model": "MY-DEPLOYMENT", "input": "2.500", "from": "2026-12-01T01:00+01:00", "tiers": []}
    assert parsed(**same).entry_id == parsed().entry_id


def test_a_price_is_shown_with_the_fields_that_it_was_written_with() -> None:
    shown = price_json(FULL)
    fields = {name: value for name, value in shown.items() if name not in {"id", "source"}}
    again = parse_price(json.dumps(fields).encode())
    assert replace(again, entry_id=FULL.entry_id) == FULL
    assert (shown["input"], shown["searches"], shown["from"]) == ("0.000001", "0.01", "2026-12-01T00:00:00+00:00")


def test_amounts_that_a_price_does_not_have_are_left_out() -> None:
    shown = price_json(parsed())
    assert "audio_input" not in shown
    assert (shown["until"], shown["tiers"], shown["variants"]) == (None, [], [])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"input": 2.5}, "'input' must be a string"),
        ({"input": "many"}, "'input' is not a number: 'many'."),
        ({"input": "1E+999999"}, "'input': 1E+999999 is not a price"),
        ({"searches": "1E+999999"}, "'searches' is not a number: '1E+999999'."),
        ({"from": "2026-12-01"}, "'from' must be a date and time with an offset"),
        ({"from": "0001-01-01T00:00:00+10:00"}, "'from' must be a date and time with an offset"),
        ({"until": "9999-12-31T23:59:59-10:00"}, "'until' must be a date and time with an offset"),
        ({"until": "2026-11-01T00:00:00Z"}, "'until' must be later than 'from'."),
        ({"price": "1"}, "'price' is not a field of a price."),
        ({"provider": "acme"}, "There is no provider 'acme'. There are: anthropic, azure,"),
        ({"model": "x" * (MAX_PRICE_MODEL_CHARACTERS + 1)}, "'model' may have 512 characters at most."),
        ({"tiers": [{}] * (MAX_PRICE_TIERS + 1)}, "'tiers' may have 16 entries at most."),
        (
            {"tiers": [{"above": 10**40, "input": "1", "output": "2", "cache_read": "1"}]},
            "tokens, 1,000,000,000 at most.",
        ),
        ({"variants": [{}] * (MAX_PRICE_TIERS + 1)}, "'variants' may have 16 entries at most."),
    ],
)
def test_an_invalid_price_is_refused_with_a_sentence(fields: Any, sentence: str) -> None:
    assert sentence in problems(**fields)


def test_every_problem_is_named_up_to_a_number() -> None:
    assert problems(output=None, cache_read="x").count("'") >= 4
    many = problems(**{f"field-{number}-{'x' * 400}": "1" for number in range(30)})
    assert many.endswith("And 10 more.")
    assert len(many) < 20 * 310


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"{", b'{"a": NaN', b"\xff", b"[" * 16_000, b'{"a": "\\ud800"}'])
def test_what_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(PriceInvalid, match="JSON"):
        parse_price(text)


def test_a_text_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(PriceTooLarge, match="16,384 bytes"):
        parse_price(b" " * (MAX_PRICE_BYTES + 1))
