"""Prices as the API shows and changes them, on a real table."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from console.assembly import build
from console.prices import Prices
from console.settings import Settings
from switchboard.domain.elevenlabs_models import ELEVENLABS_MODELS
from switchboard.domain.keys import Scope
from switchboard.domain.limits import MAX_PRICE_BYTES
from switchboard.domain.price_book import BookMark
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.store.prices.price_book import DynamoBook
from switchboard.store.prices.project_prices import DynamoPrices
from testkit.console_document import CheckedClient
from testkit.memory_store import MemoryStore
from testkit.samples import NOON, a_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PRICE = {"provider": "google", "model": "gemini-2.5-flash", "from": "2026-11-01T00:00:00Z", "input": "1", "output": "4"}
MARK = BookMark("library 1", ("google", "openai"), 4, NOON)
CARDS = [
    RateCard("google", "gemini-2.5-flash", Rates(300_000, 2_500_000, 30_000), ALWAYS, "library 1", entry_id="google/g"),
    RateCard("google", "old", Rates(1, 1), ALWAYS, "library 1", valid_until=NOON),
    RateCard("openai", "gpt-4o", Rates(2_500_000, 10_000_000, 1_250_000), ALWAYS, "library 1", entry_id="openai/4o"),
    RateCard("openai", "gpt-4o", Rates(9, 9, 9), NOON + timedelta(days=1), "library 1"),
]


@pytest.fixture
def console(dynamodb: "DynamoDBClient", table: str) -> Iterator[TestClient]:
    """A console with a book. `sb-one` may do everything in acme, `sb-two` in another project, `sb-read` only reads."""
    book = DynamoBook(dynamodb, table)
    claim = book.claim(MARK.version, NOON)
    assert claim
    book.put_book_cards(CARDS, MARK.version)
    assert claim.finish(MARK)
    keys = MemoryStore(
        a_key("sb-one"), a_key("sb-two", project="other"), replace(a_key("sb-read"), scopes=frozenset({Scope.READ}))
    )
    prices = Prices(DynamoPrices(dynamodb, table), book, lambda: NOON)
    app = build(Settings("unused"), keys, prices=prices)
    with CheckedClient(app, headers={"authorization": "Bearer sb-one"}) as client:
        yield client


def add(console: TestClient, **fields: str) -> Any:
    return console.post("/api/prices", json={**PRICE, **fields})


def error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_price_is_added_shown_and_deleted(console: TestClient) -> None:
    added = add(console)
    assert added.status_code == 201
    price = added.json()
    assert price.items() >= {"source": "project 2026-11-01", "input": "1", "output": "4", "until": None}.items()
    assert add(console).json() == price
    assert console.get("/api/prices").json()["project"] == [price]
    assert console.get("/api/prices", headers={"authorization": "Bearer sb-two"}).json()["project"] == []
    path = f"/api/prices/{price['id']}"
    assert error(console.delete(path, headers={"authorization": "Bearer sb-two"})) == (404, "price_unknown")
    gone = console.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert error(console.delete(path)) == (404, "price_unknown")
    assert console.get("/api/prices").json()["project"] == []


def test_only_an_admin_changes_prices(console: TestClient) -> None:
    reader = {"authorization": "Bearer sb-read"}
    assert console.get("/api/prices", headers=reader).status_code == 200
    assert error(console.post("/api/prices", json=PRICE, headers=reader)) == (403, "scope_missing")
    assert error(console.delete("/api/prices/price_1", headers=reader)) == (403, "scope_missing")


def test_an_invalid_price_is_refused(console: TestClient) -> None:
    assert error(add(console, input="much")) == (400, "price_invalid")
    assert error(console.post("/api/prices", content=b"[")) == (400, "price_invalid")
    assert error(console.post("/api/prices", content=b" " * (MAX_PRICE_BYTES + 1))) == (413, "body_too_large")
    add(console)
    assert error(add(console, input="2")) == (409, "price_exists")
    assert len(console.get("/api/prices").json()["project"]) == 1


def test_too_many_prices_are_refused(console: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.store.prices.project_prices.MAX_PRICES", 1)
    assert add(console).status_code == 201
    assert error(add(console, model="another")) == (409, "prices_full")


def test_the_book_is_shown_in_pages(console: TestClient) -> None:
    add(console)
    whole = console.get("/api/prices").json()
    assert whole["book"] == {"version": "library 1", "cards": 4, "published_at": "2026-11-20T12:00:00.000Z"}
    assert [(price["model"], price["from"][:4]) for price in whole["prices"]] == [
        ("gemini-2.5-flash", "1970"),
        ("old", "1970"),
        ("gpt-4o", "1970"),
        ("gpt-4o", "2026"),
    ]
    assert whole["prices"][0]["id"] == "google/g"
    first = console.get("/api/prices?limit=3").json()
    second = console.get(f"/api/prices?limit=3&cursor={first['next_cursor']}").json()
    assert first["prices"] + second["prices"] == whole["prices"]
    assert (second["project"], second["next_cursor"]) == ([], None)


def test_the_book_is_filtered_by_provider_and_model(console: TestClient) -> None:
    own = add(console).json()
    found = console.get("/api/prices?provider=openai&model=GPT-4o").json()
    assert ([price["model"] for price in found["prices"]], found["project"]) == (["gpt-4o"] * 2, [])
    found = console.get("/api/prices?model=gemini-2.5-flash").json()
    assert ([price["provider"] for price in found["prices"]], found["project"]) == (["google"], [own])
    assert console.get("/api/prices?provider=nobody").json()["prices"] == []
    assert error(console.get("/api/prices?cursor=x")) == (400, "parameter_invalid")
    assert error(console.get("/api/prices?limit=0")) == (400, "parameter_invalid")


def test_elevenlabs_models_are_shown_with_the_price_that_is_used(console: TestClient) -> None:
    def shown() -> dict[str, Any]:
        models = console.get("/api/prices/elevenlabs").json()["models"]
        return {model["model"]: model for model in models}

    models = shown()
    assert list(models) == [each.model for each in ELEVENLABS_MODELS]
    assert (models["gpt-4o"]["used"]["input"], models["gpt-4o"]["is_same"]) == ("2.5", True)
    assert (models["gemini-2.5-flash"]["used"]["output"], models["gemini-2.5-flash"]["is_same"]) == ("2.5", False)
    assert (models["gpt-4"]["used"], models["gpt-4"]["is_same"]) == (None, False)
    add(console)
    assert shown()["gemini-2.5-flash"]["used"]["source"] == "project 2026-11-01"
    add(console, **{"from": "2026-11-10T00:00:00Z", "until": "2026-11-15T00:00:00Z"})
    assert shown()["gemini-2.5-flash"]["used"]["source"] == "library 1"


def test_a_body_in_any_order_of_fields_is_the_same_price(console: TestClient) -> None:
    one = add(console).json()
    other = console.post("/api/prices", content=json.dumps(dict(reversed(PRICE.items()))))
    assert (other.status_code, other.json()) == (201, one)
