"""Publishes the whole price book once for each version, so that models that nobody called have a price too."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cost_aggregator.backoff import Backoff, RemainingMs
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.price_book import BookMark
from switchboard.domain.rates import RateCard
from switchboard.store.ports import StoreUnavailable, WriteRefused

STEP_CARDS = 100
"""After so many cards the progress is noted."""
RUN_MS = 4000
"""No run goes on for longer: on one machine, calls wait to be settled meanwhile."""


class Book(Protocol):
    """The prices that all projects share."""

    @property
    def version(self) -> str:
        """Names the library and the overrides."""

    def every_card(self, at: datetime) -> Sequence[RateCard]:
        """All cards, in the order of providers and models, always the same for one version and day."""


class Claim(Protocol):
    """The right to write a book."""

    written: int

    def note(self, written: int, now: datetime) -> bool:
        """Note how many cards are written; returns whether the right still holds."""

    def finish(self, mark: BookMark) -> bool:
        """Mark the book as published; returns whether the right still held."""


class BookStore(Protocol):
    """Stores the price book. Raises StoreUnavailable."""

    def claim(self, version: str, now: datetime) -> Claim | None:
        """The right to write that book; None if it is published, or is being written by another."""

    def put_book_cards(self, cards: Iterable[RateCard], version: str) -> None:
        """Store cards of that book. Raises StoreBusy and WriteRefused."""


@dataclass(frozen=True, slots=True)
class BookPublishing:
    """Writes the book, as far as there is time; the next run continues."""

    book: Book
    store: BookStore
    telemetry: Telemetry
    backoff: Backoff
    now: Callable[[], datetime]

    def publish(self, remaining_ms: RemainingMs) -> bool:
        """Write what is missing of the book; returns whether this run completed it."""
        try:
            return self._publish(remaining_ms)
        except (StoreUnavailable, WriteRefused) as failed:
            self.telemetry.cards_unpublished(str(failed))
            return False

    def _publish(self, remaining_ms: RemainingMs) -> bool:
        claim = self.store.claim(self.book.version, self.now())
        if claim is None:
            return False
        cards, ends_at = self.book.every_card(self.now()), remaining_ms() - RUN_MS
        for first in range(claim.written, len(cards), STEP_CARDS):
            if not self.backoff.has_time(remaining_ms) or remaining_ms() < ends_at:
                return False
            step = cards[first : first + STEP_CARDS]
            self.store.put_book_cards(step, self.book.version)
            if not claim.note(first + len(step), self.now()):
                return False
        providers = tuple(dict.fromkeys(card.provider for card in cards))
        return claim.finish(BookMark(self.book.version, providers, len(cards), self.now()))
