"""The published book on a real engine: complete, listed by provider in pages, written once however many write it."""

import json
from base64 import urlsafe_b64encode as b64encode
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from switchboard.domain.price_book import BookMark
from switchboard.domain.rates import ALWAYS, RateCard, Rates
from switchboard.store.prices.price_book import CLAIMED_FOR, DynamoBook
from testkit.samples import NOON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CARDS = [
    RateCard(provider, model, Rates(1, 2, 3, 4, 5), start, "library 1")
    for provider in ("anthropic", "openai")
    for model in ("alpha", "beta-2#", "gamma")
    for start in (ALWAYS, NOON)
]
MARK = BookMark("library 1", ("anthropic", "openai"), len(CARDS), NOON)


@pytest.fixture
def book(dynamodb: "DynamoDBClient", table: str) -> DynamoBook:
    return DynamoBook(dynamodb, table)


def publish(book: DynamoBook, cards: list[RateCard] = CARDS, mark: BookMark = MARK, at: datetime = NOON) -> None:
    claim = book.claim(mark.version, at)
    assert claim
    book.put_book_cards(cards, mark.version)
    assert claim.finish(mark)


def test_a_published_book_is_not_written_again(book: DynamoBook) -> None:
    assert book.book_mark() is None
    publish(book)
    assert book.book_mark() == MARK
    assert book.claim("library 1", NOON + timedelta(days=9)) is None
    assert book.claim("library 2", NOON + timedelta(days=9))


def test_one_writes_the_book_while_it_goes_on_and_another_continues(book: DynamoBook) -> None:
    first = book.claim("library 1", NOON)
    assert first
    assert book.claim("library 1", NOON + CLAIMED_FOR / 2) is None
    assert first.note(200, NOON + CLAIMED_FOR / 2)
    assert book.claim("library 1", NOON + CLAIMED_FOR) is None
    second = book.claim("library 1", NOON + 2 * CLAIMED_FOR)
    assert second
    assert second.written == 200
    assert not first.note(300, NOON)
    assert not first.finish(MARK)
    assert book.book_mark() is None
    assert second.finish(MARK)
    assert book.book_mark() == MARK


def test_another_book_is_written_from_its_first_card(book: DynamoBook) -> None:
    first = book.claim("library 1", NOON)
    assert first
    assert first.note(200, NOON)
    second = book.claim("library 2", NOON + 2 * CLAIMED_FOR)
    assert second
    assert second.written == 0


@pytest.mark.parametrize("limit", [1, 4, 5, 100])
def test_pages_have_every_card_once_in_order(book: DynamoBook, limit: int) -> None:
    publish(book)
    cards: list[RateCard] = []
    cursor = None
    while True:
        page = book.book_page(MARK.providers, limit=limit, cursor=cursor)
        assert len(page.cards) <= limit
        cards += page.cards
        if (cursor := page.next_cursor) is None:
            break
        assert len(page.cards) == limit
    assert cards == CARDS


def test_a_page_has_the_providers_and_the_model_that_are_asked_for(book: DynamoBook) -> None:
    publish(book)
    assert list(book.book_page(["openai"], limit=100).cards) == CARDS[6:]
    assert list(book.book_page(MARK.providers, limit=100, model="beta-2#").cards) == [*CARDS[2:4], *CARDS[8:10]]
    page = book.book_page(MARK.providers, limit=3, model="beta-2#")
    assert list(book.book_page(MARK.providers, limit=3, model="beta-2#", cursor=page.next_cursor).cards) == [CARDS[9]]
    assert book.book_page([], limit=100).cards == ()
    assert book.book_page(["openai"], limit=100, model="beta").cards == ()


@pytest.mark.parametrize("order", ["z", "\U0010ffff" * 9, "", "\0", "alpha#2026"])
@pytest.mark.parametrize("model", ["", "beta-2#"])
def test_a_cursor_of_another_list_is_no_fault_of_the_store(book: DynamoBook, order: str, model: str) -> None:
    publish(book)
    cursor = b64encode(json.dumps(["openai", order]).encode()).decode()
    assert set(book.book_page(["openai"], limit=9, model=model, cursor=cursor).cards) <= set(CARDS[6:])


@pytest.mark.parametrize("order", ["x" * 1025, "\ud800"])
def test_a_cursor_that_no_key_can_be_is_refused(book: DynamoBook, order: str) -> None:
    publish(book)
    with pytest.raises(ValueError, match="next_cursor"):
        book.book_page(["openai"], limit=9, cursor=b64encode(json.dumps(["openai", order]).encode()).decode())


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJncm9xIiwgIngiXQ", "é"])
def test_a_cursor_that_is_none_is_refused(book: DynamoBook, cursor: str) -> None:
    publish(book)
    with pytest.raises(ValueError, match="next_cursor"):
        book.book_page(MARK.providers, limit=1, cursor=cursor)


def test_what_a_newer_book_lacks_is_kept_and_not_listed(book: DynamoBook) -> None:
    publish(book)
    newer = [replace(card, source="library 2") for card in CARDS[1:]]
    publish(book, newer, BookMark("library 2", MARK.providers, len(newer), NOON))
    assert list(book.book_page(MARK.providers, limit=100).cards) == newer
    assert book.cards_of("anthropic", "alpha") == (CARDS[0], newer[0])


def test_a_used_card_does_not_replace_one_of_the_book(book: DynamoBook) -> None:
    publish(book)
    book.put_card(replace(CARDS[0], source="an older library"))
    book.put_card(replace(CARDS[0], model="a caller's name"))
    assert book.cards_of("anthropic", "alpha")[0] == CARDS[0]
    assert book.cards_of("anthropic", "a caller's name")
    assert list(book.book_page(MARK.providers, limit=100).cards) == CARDS
