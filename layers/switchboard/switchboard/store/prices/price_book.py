"""Stores the price book: rate cards that the index lists by provider, and a mark that says which book is complete.

A card that a newer book lacks keeps its row, for calls of its time, and is no longer listed: rows name their book.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from switchboard.domain.price_book import BookMark, BookPage
from switchboard.domain.rates import RateCard
from switchboard.store import keyspace, rate_items
from switchboard.store.attributes import Item, Value
from switchboard.store.dynamodb_table import Table
from switchboard.store.dynamodb_update import Update
from switchboard.store.keyspace import Key
from switchboard.store.keyspace.parts import MAX_SORT_KEY_BYTES
from switchboard.store.ledger.conditions import LedgerTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KIND = "book"
CLAIMED_FOR = timedelta(minutes=2)
"""Longer than a function runs; then another may go on."""

_NOT_IN_BOOK = "attribute_not_exists(gsi1pk)"
_AS_READ = "#claim = :was"
_FIRST = "attribute_not_exists(#claim)"


class DynamoBook:
    """The price book on one table. Raises StoreUnavailable."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = LedgerTable(client, table_name)

    def put_card(self, card: RateCard) -> None:
        """Store a card that a call was priced with, unless a book has one of the same model and start."""
        self._table.put_if(rate_items.to_item(card), _NOT_IN_BOOK)

    def put_book_cards(self, cards: Iterable[RateCard], version: str) -> None:
        """Store cards of that book, replacing those of the same model and start. Raises StoreBusy, WriteRefused."""
        self._table.put_all(_book_item(card, version) for card in cards)

    def book_mark(self) -> BookMark | None:
        """Which book is published; None if none is."""
        row = self._mark()
        if "version" not in row:
            return None
        return BookMark(
            row["version"], tuple(row["providers"]), row["cards"], datetime.fromisoformat(row["published_at"])
        )

    def claim(self, version: str, now: datetime) -> "Claim | None":
        """The right to write that book; None if it is published, or is being written by another."""
        row = self._mark()
        if row.get("version") == version or row.get("claimed_until", 0) > now.timestamp():
            return None
        written = row.get("written", 0) if row.get("publishing") == version else 0
        claim = Claim(self._table, version, row.get("claim", 0))
        return claim if claim.note(written, now) else None

    def book_page(
        self, providers: Sequence[str], *, limit: int, model: str = "", cursor: str | None = None
    ) -> BookPage:
        """Rate cards of these providers (see the port). Raises ValueError for an invalid cursor."""
        row = self._mark()
        books = {row.get("version"), row.get("publishing")}
        first, after = (providers[0] if providers else "", "") if cursor is None else _read_cursor(cursor)
        if providers and first not in providers:
            raise ValueError("The cursor is of another list: use the `next_cursor` of a previous page.")
        asked = providers[providers.index(first) :] if providers else ()
        found = list(islice(self._listed(asked, after, model, limit, books), limit + 1))
        cards = tuple(found[:limit])
        return BookPage(cards, _write_cursor(cards[-1]) if len(found) > limit else None)

    def cards_of(self, provider: str, model: str) -> tuple[RateCard, ...]:
        """Every stored card of the model, oldest first."""
        return tuple(map(rate_items.from_item, self._table.partition(keyspace.rate_cards_of_model(provider, model))))

    def _listed(
        self, providers: Sequence[str], after: str, model: str, page_size: int, books: set[str | None]
    ) -> Iterator[RateCard]:
        prefix = keyspace.book_order(model) if model else ""
        for provider in providers:
            first, last = max(prefix, f"{after} "), f"{prefix}\U0010ffff"
            if first > last:  # a cursor of another list
                return
            keys = self._table.index_between(keyspace.book_of_provider(provider), first, last, page_size + 1)
            while batch := list(islice(keys, page_size + 1)):
                rows = list(self._table.get_all(Key(key["pk"], key["sk"]) for key in batch))
                for row in sorted(rows, key=lambda row: str(row["gsi1sk"])):
                    if row.get("book") in books:
                        yield rate_items.from_item(row)
            after = ""

    def _mark(self) -> dict[str, Any]:
        return self._table.get(keyspace.book_mark()) or {}


class Claim:
    """The right to write a book, for as long as CLAIMED_FOR after each note."""

    def __init__(self, table: Table, version: str, number: int) -> None:
        self._table = table
        self._version = version
        self._number = number
        self.written = 0

    def note(self, written: int, now: datetime) -> bool:
        """Note how many cards are written, in the book's order; returns whether the right still holds."""
        until = int((now + CLAIMED_FOR).timestamp())
        values: dict[str, Value] = {
            "kind": KIND,
            "publishing": self._version,
            "written": written,
            "claimed_until": until,
        }
        self.written = written
        return self._update(values, "")

    def finish(self, mark: BookMark) -> bool:
        """Mark the book as published; returns whether the right still held."""
        values: dict[str, Value] = {
            "version": mark.version,
            "providers": mark.providers,
            "cards": mark.cards,
            "published_at": mark.published_at.isoformat(),
        }
        return self._update(values, " REMOVE #publishing, #written, #claimed_until")

    def _update(self, values: dict[str, Value], removed: str) -> bool:
        stored = {**values, "claim": self._number + 1}
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in stored) + removed
        read: dict[str, Value] = {"was": self._number} if self._number else {}
        update = Update(keyspace.book_mark(), expression, {**stored, **read}, _AS_READ if read else _FIRST)
        if self._table.update(update) is None:
            return False
        self._number += 1
        return True


def _book_item(card: RateCard, version: str) -> Item:
    listed = {
        "gsi1pk": keyspace.book_of_provider(card.provider),
        "gsi1sk": keyspace.book_order(card.model, card.valid_from),
    }
    return {**rate_items.to_item(card), **listed, "book": version}


def _write_cursor(card: RateCard) -> str:
    text = json.dumps([card.provider, keyspace.book_order(card.model, card.valid_from)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        match json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))):
            case [str(provider), str(order)] if len(order.encode()) < MAX_SORT_KEY_BYTES:
                return provider, order
    except (ValueError, RecursionError):
        pass
    raise ValueError("The cursor is invalid: use the `next_cursor` of a previous page.")
