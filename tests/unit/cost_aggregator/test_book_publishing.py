"""The book is written whole, in steps, once for each version, whoever writes it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from cost_aggregator.backoff import ONE_TRY_MS, Backoff
from cost_aggregator.book_publishing import RUN_MS, STEP_CARDS, BookPublishing
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.price_book import BookMark
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.store.ports import StoreBusy
from switchboard.store.prices.price_book import CLAIMED_FOR, DynamoBook
from testkit.samples import NOON
from testkit.stream_events import Seen

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CARDS = [
    RateCard(provider, f"model-{number:03}", Rates(1, 2), ALWAYS, "library 1")
    for provider in ("a", "b")
    for number in range(125)
]


class Book:
    """A book of these cards."""

    def __init__(self, version: str = "library 1") -> None:
        self.version = version
        self.asked = 0

    def every_card(self, at: datetime) -> list[RateCard]:  # noqa: ARG002 - the same at all times
        self.asked += 1
        return [replace(card, source=self.version) for card in CARDS]


class Watched(DynamoBook):
    """Counts the cards that are written, and fails as scripted."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        super().__init__(client, table)
        self.written = 0
        self.errors: list[Exception] = []

    def put_book_cards(self, cards: Iterable[RateCard], version: str) -> None:
        if self.errors:
            raise self.errors.pop(0)
        step = list(cards)
        self.written += len(step)
        super().put_book_cards(step, version)


class Publisher:
    """A publisher whose clock and time can be set; each step takes `step_ms`."""

    def __init__(self, store: Watched, book: Book, step_ms: float = 0) -> None:
        self.seen = Seen()
        self.now = NOON
        self.step_ms = step_ms
        self.store = store
        self.use_case = BookPublishing(
            book,
            store,
            Telemetry(self.seen, self.seen.emit),
            Backoff(lambda _: None, Random(1)),
            lambda: self.now,
        )

    def publish(self, budget_ms: float = 60_000) -> bool:
        began = self.store.written
        return self.use_case.publish(lambda: budget_ms - (self.store.written - began) / STEP_CARDS * self.step_ms)


@pytest.fixture
def store(dynamodb: "DynamoDBClient", table: str) -> Watched:
    return Watched(dynamodb, table)


def listed(store: DynamoBook) -> list[RateCard]:
    mark = store.book_mark()
    return list(store.book_page(mark.providers, limit=1000).cards) if mark else []


def test_the_book_is_written_once_for_each_version(store: Watched) -> None:
    book = Book()
    assert Publisher(store, book).publish()
    assert store.book_mark() == BookMark("library 1", ("a", "b"), len(CARDS), NOON)
    assert listed(store) == CARDS
    assert not Publisher(store, book).publish()
    assert (book.asked, store.written) == (1, len(CARDS))
    assert Publisher(store, Book("library 2")).publish()
    assert {card.source for card in listed(store)} == {"library 2"}


@pytest.mark.parametrize("budget_ms", [60_000, ONE_TRY_MS + RUN_MS])
def test_a_run_without_time_is_continued_by_a_later_one(store: Watched, budget_ms: float) -> None:
    publisher = Publisher(store, Book(), step_ms=RUN_MS + 1)
    assert not publisher.publish(budget_ms)
    assert store.written == STEP_CARDS
    assert store.book_mark() is None
    publisher.now += CLAIMED_FOR * 2
    assert not publisher.publish(budget_ms)
    publisher.now += CLAIMED_FOR * 2
    publisher.step_ms = 0
    assert publisher.publish(budget_ms)
    assert store.written == len(CARDS)
    assert listed(store) == CARDS


def test_two_do_not_write_it_at_the_same_time(store: Watched) -> None:
    first, second = (Publisher(store, Book(), step_ms=RUN_MS + 1) for _ in range(2))
    assert not first.publish()
    second.now += timedelta(seconds=30)
    assert not second.publish()
    assert store.written == STEP_CARDS


def test_a_failure_is_logged_and_repeated_later(store: Watched) -> None:
    publisher = Publisher(store, Book())
    store.errors = [StoreBusy("throttled")]
    assert not publisher.publish()
    assert publisher.seen.named("rate_cards.unpublished") == [{"reason": "throttled"}]
    publisher.now += CLAIMED_FOR * 2
    assert publisher.publish()
    assert listed(store) == CARDS
