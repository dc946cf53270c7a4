"""Each project's prices: its own first, read again after a minute by whichever clock shows more."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cost_aggregator.project_books import FRESH_S, ProjectBooks
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.store.ports import StoreUnavailable
from testkit.memory_prices import MemoryPrices
from testkit.samples import NOON

SHARED = RateCard("openai", "gpt-4o", Rates(1, 1), ALWAYS, "library 1")
OWN = RateCard("openai", "gpt-4o", Rates(2, 2), NOON, "project 2026-11-20", entry_id="price_1")


class Shared:
    """One price for every model."""

    def __init__(self, version: str = "library 1") -> None:
        self.version = version

    def card(self, provider: str, model: str, _at: datetime) -> RateCard | None:
        return replace(SHARED, provider=provider, model=model)


class Clocked:
    """Books with a store and both clocks."""

    def __init__(self, version: str = "library 1") -> None:
        self.store = MemoryPrices()
        self.now, self.monotonic = NOON, 0.0
        self.books = ProjectBooks(Shared(version), self.store, lambda: self.now, lambda: self.monotonic)


def test_a_projects_own_price_comes_first_in_its_time() -> None:
    clocked = Clocked()
    clocked.store.add_price("acme", replace(OWN, valid_until=NOON + timedelta(hours=1)))
    book = clocked.books.of("acme")
    at = [NOON - timedelta(seconds=1), NOON, NOON + timedelta(hours=1)]
    assert [card and card.source for card in (book.card("openai", "GPT-4o", moment) for moment in at)] == [
        "library 1",
        "project 2026-11-20",
        "library 1",
    ]
    assert clocked.books.of("other").card("openai", "gpt-4o", NOON) == SHARED


@pytest.mark.parametrize(
    ("monotonic_s", "wall_s", "is_read"),
    [
        (FRESH_S - 1, FRESH_S - 1, False),
        (FRESH_S, 0, True),
        (0, FRESH_S, True),
        (FRESH_S, -9999, True),
        (1, -9999, False),
    ],
)
def test_prices_are_as_old_as_the_clock_says_that_shows_more(monotonic_s: float, wall_s: float, is_read: bool) -> None:
    clocked = Clocked()
    before = clocked.books.of("acme")
    clocked.store.add_price("acme", OWN)
    clocked.now, clocked.monotonic = NOON + timedelta(seconds=wall_s), monotonic_s
    assert (clocked.books.of("acme") is not before) == is_read


def test_the_fingerprint_changes_with_any_price() -> None:
    one, newer, other = Clocked(), Clocked("library 2"), Clocked()
    other.store.add_price("acme", OWN)
    prints = [each.books.of("acme").fingerprint for each in (one, newer, other)]
    assert len(set(prints)) == 3
    assert one.books.of("nobody").fingerprint == prints[0] == Clocked().books.of("acme").fingerprint


def test_a_store_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_store: MemoryPrices, _project: str) -> tuple[RateCard, ...]:
        raise StoreUnavailable("away")

    monkeypatch.setattr(MemoryPrices, "project_prices", away)
    with pytest.raises(StoreUnavailable):
        Clocked().books.of("acme")
