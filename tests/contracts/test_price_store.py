"""The contract of every price store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from switchboard.domain.limits import MAX_PRICES
from switchboard.domain.rates import RateCard, Rates, Tier
from switchboard.store.prices.price_ports import PriceExists, PricesFull, PriceStore
from switchboard.store.prices.project_prices import DynamoPrices
from testkit.memory_prices import MemoryPrices
from testkit.samples import NOON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CARD = RateCard(
    "azure",
    "my-deployment",
    Rates(1, 2, 3, 4, 5),
    NOON,
    "project 2026-11-20",
    tiers=(Tier(1000, Rates(2, 4, 6, 8, 10)),),
    entry_id="price_1",
)


@pytest.fixture(params=["DynamoDB", "memory"])
def store(request: pytest.FixtureRequest) -> Iterator[PriceStore]:
    if request.param == "memory":
        yield MemoryPrices()
        return
    client: DynamoDBClient = request.getfixturevalue("dynamodb")
    yield DynamoPrices(client, request.getfixturevalue("table"))


def test_a_projects_prices_are_its_own(store: PriceStore) -> None:
    later = replace(CARD, valid_from=NOON + timedelta(days=1), valid_until=NOON + timedelta(days=9), entry_id="price_2")
    other = replace(CARD, model="a#b", entry_id="price_3")
    for card in (later, CARD, other):
        store.add_price("acme", card)
    assert store.project_prices("acme") == (other, CARD, later)
    assert store.project_prices("other") == ()


def test_adding_a_price_again_changes_nothing(store: PriceStore) -> None:
    for _ in range(2):
        store.add_price("acme", CARD)
    assert store.project_prices("acme") == (CARD,)


def test_another_price_from_the_same_time_is_refused(store: PriceStore) -> None:
    store.add_price("acme", CARD)
    with pytest.raises(PriceExists, match="azure my-deployment from 2026-11-20T12:00:00"):
        store.add_price("acme", replace(CARD, rates=Rates(9, 9)))
    assert store.project_prices("acme") == (CARD,)


def test_a_price_is_removed_once_by_its_id(store: PriceStore) -> None:
    other = replace(CARD, model="other", entry_id="price_2")
    for card in (CARD, other):
        store.add_price("acme", card)
    assert not store.remove_price("other", "price_1")
    assert store.remove_price("acme", "price_1")
    assert not store.remove_price("acme", "price_1")
    assert store.project_prices("acme") == (other,)


def test_the_number_of_prices_is_limited(store: PriceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_PRICES == 200
    for module in ("switchboard.store.prices.project_prices", "testkit.memory_prices"):
        monkeypatch.setattr(f"{module}.MAX_PRICES", 2)
    for number in range(2):
        store.add_price("acme", replace(CARD, model=f"model {number}"))
    with pytest.raises(PricesFull, match="2 prices"):
        store.add_price("acme", CARD)
    store.add_price("acme", replace(CARD, model="model 1"))
