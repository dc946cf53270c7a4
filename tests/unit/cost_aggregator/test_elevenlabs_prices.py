"""ElevenLabs' list: as its documentation has it, and beside the prices that are used."""

import os
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from cost_aggregator.overrides import shipped_overrides
from cost_aggregator.price_library import PriceLibrary
from cost_aggregator.prices import PriceBook
from switchboard.domain.elevenlabs_models import ELEVENLABS_MODELS, ListedModel
from switchboard.domain.rates import RateCard, usd
from testkit.missing import missing

LIST = "SWITCHBOARD_ELEVENLABS_LIST"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
PAGE = Path(__file__).resolve().parents[3] / "docs" / "prices.md"
BOOK = PriceBook(shipped_overrides(), PriceLibrary())
DIFFERENT = {
    "gemini-2.5-flash": ("0.3", "2.5"),  # their list has the price of its preview
}
_NOT_LISTED = "n/a"


def documented() -> dict[str, tuple[str | None, ...]]:
    """Input, output, cache read and cache write of each model in the list's own page."""
    path = os.environ.get(LIST)
    if not path:
        missing(f"{LIST} names no file of ElevenLabs' page on models")
    row = re.compile(r"^ *\| `(?P<model>[^`]+)` +\|(?P<cells>(?:[^|\n]+\|){6})$", re.MULTILINE)
    found = {}
    for line in row.finditer(Path(path).read_text("utf-8")):
        cells = [cell.strip() for cell in line["cells"].split("|")[2:6]]
        found[line["model"]] = tuple(None if cell == _NOT_LISTED else cell for cell in cells)
    return found


def test_the_list_is_as_elevenlabs_documents_it() -> None:
    listed = {each.model: (each.input, each.output, each.cache_read, each.cache_write) for each in ELEVENLABS_MODELS}
    assert listed == documented()


@cache
def every_card() -> tuple[RateCard, ...]:
    return BOOK.every_card(NOW)


def used(model: ListedModel) -> RateCard:
    card = BOOK.card(model.provider, model.model, NOW)
    assert card, f"{model.model} has no price"
    return card


@pytest.mark.parametrize("model", ELEVENLABS_MODELS, ids=lambda each: each.model)
def test_every_listed_model_costs_what_the_list_says_or_the_difference_is_known(model: ListedModel) -> None:
    rates = used(model).rates
    amounts = tuple(usd(rate * 10**6) for rate in (rates.fresh_input, rates.output))
    if model.model in DIFFERENT:
        assert amounts == DIFFERENT[model.model]
        return
    listed = (model.input, model.output, model.cache_read, model.cache_write)
    ours = (rates.fresh_input, rates.output, rates.cache_read, rates.cache_write_5m)
    for theirs, rate in zip(listed, ours, strict=True):
        assert theirs is None or Decimal(theirs) * 10**6 == rate


@pytest.mark.parametrize("model", ELEVENLABS_MODELS, ids=lambda each: each.model)
def test_every_listed_model_is_in_the_published_book(model: ListedModel) -> None:
    cards = [card for card in every_card() if (card.provider, card.model) == (model.provider, model.model)]
    assert any(card.is_valid_at(NOW) and card.rates == used(model).rates for card in cards)


def test_the_page_tells_every_listed_model() -> None:
    table = PAGE.read_text("utf-8").partition("## ElevenLabs' model list")[2].partition("\n## ")[0]
    assert {each.model for each in ELEVENLABS_MODELS} <= set(re.findall(r"`([^`]+)`", table))
