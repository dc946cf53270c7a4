"""Recorded usage bodies against their known prices, as of August 2026.

`SWITCHBOARD_USAGE_BODIES` names the file: a JSON object a line, with `dialect`, `model`, `usage` and `prices`.
"""

import json
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cost_aggregator.overrides import shipped_overrides
from cost_aggregator.price_library import LIBRARY_NAMES, PriceLibrary
from cost_aggregator.prices import PriceBook
from gateway.providers.table import by_name
from switchboard.domain.rates import RateCard, cost_pico_usd
from switchboard.domain.usage import Tokens
from testkit.missing import missing

AUGUST = datetime(2026, 8, 10, 12, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)
BOOK = PriceBook(shipped_overrides(), PriceLibrary())


DIFFERENCES = tomllib.loads(Path(__file__).with_name("recorded_differences.toml").read_text("utf-8"))
LISTED = {(each["line"], each["provider"]): each["reason"] for each in DIFFERENCES["usage"]}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One body at one supported provider, and its cost in August."""

    line: int
    provider: str
    model: str
    tokens: Tokens
    pico_usd: Decimal


def test_august_prices_come_out_to_the_pico_dollar_or_the_difference_has_a_reason(recorded: list[Recorded]) -> None:
    differing = {(each.line, each.provider) for each in recorded if _priced(each, AUGUST)[0] != each.pico_usd}
    assert differing == set(LISTED)
    assert len(recorded) > 250


def test_later_prices_differ_only_where_one_has_changed_since(recorded: list[Recorded]) -> None:
    priced = [(each, *_priced(each, NOVEMBER)) for each in recorded if (each.line, each.provider) not in LISTED]
    differing = [(each, card) for each, cost, card in priced if cost != each.pico_usd]
    assert differing
    at_standard_rates = {each.model for each, card in differing if card.rates == _card(each, AUGUST).rates}
    assert at_standard_rates == set()


@pytest.fixture(scope="module")
def recorded() -> list[Recorded]:
    """Every body with a price at a supported provider."""
    path = os.environ.get("SWITCHBOARD_USAGE_BODIES")
    if not path:
        missing("SWITCHBOARD_USAGE_BODIES names no file of usage bodies")
    lines = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
    return [each for number, line in enumerate(lines, start=1) for each in _priced_here(number, line)]


def _priced_here(number: int, line: dict[str, Any]) -> Iterator[Recorded]:
    ours = {library_name: name for name, library_name in LIBRARY_NAMES.items()}
    for library_name, prices in (line["prices"] or {}).items():
        if provider := ours.get(library_name):
            pico_usd = sum(map(Decimal, prices.values()), Decimal(0)) * 10**12
            yield Recorded(number, provider, line["model"], _tokens(line, provider), pico_usd)


def _tokens(line: dict[str, Any], provider: str) -> Tokens:
    usage = line["usage"]
    if line["dialect"] == "openai-chat":
        known = by_name(provider)
        assert known is not None
        tokens = known.read_usage(usage).tokens
        assert tokens is not None
        return tokens
    for_an_hour = (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
    return Tokens(
        fresh_input=usage["input_tokens"],
        output=usage["output_tokens"],
        cache_read=usage.get("cache_read_input_tokens") or 0,
        cache_write_5m=(usage.get("cache_creation_input_tokens") or 0) - for_an_hour,
        cache_write_1h=for_an_hour,
    )


def _priced(each: Recorded, at: datetime) -> tuple[int, RateCard]:
    card = _card(each, at)
    return cost_pico_usd(each.tokens, card), card


def _card(each: Recorded, at: datetime) -> RateCard:
    card = BOOK.card(each.provider, each.model, at)
    assert card is not None
    return card
