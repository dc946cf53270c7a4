"""Projects' prices and the published book in memory."""

from collections.abc import Sequence

from switchboard.domain.limits import MAX_PRICES
from switchboard.domain.price_book import BookMark, BookPage
from switchboard.domain.rates import RateCard
from switchboard.store import keyspace
from switchboard.store.prices.price_ports import PriceExists, PricesFull


class MemoryPrices:
    """A price store. It passes the same contract tests as DynamoDB."""

    def __init__(self) -> None:
        self._cards: dict[tuple[str, str], RateCard] = {}

    def project_prices(self, project: str) -> tuple[RateCard, ...]:
        """Every price of the project."""
        return tuple(card for (owner, _), card in sorted(self._cards.items()) if owner == project)

    def add_price(self, project: str, card: RateCard) -> None:
        """Keep the price. Raises PriceExists or PricesFull."""
        place = project, keyspace.project_price(project, card.provider, card.model, card.valid_from).sk
        if self._cards.get(place) == card:
            return
        if len(self.project_prices(project)) >= MAX_PRICES:
            raise PricesFull(MAX_PRICES)
        if place in self._cards:
            raise PriceExists(card.provider, card.model, card.valid_from)
        self._cards[place] = card

    def remove_price(self, project: str, entry_id: str) -> bool:
        """Forget the price; says whether there was one."""
        found = [place for place, card in self._cards.items() if place[0] == project and card.entry_id == entry_id]
        for place in found:
            del self._cards[place]
        return bool(found)


class MemoryBook:
    """A published book of these cards, or none. A cursor is the number of the cards before the page."""

    def __init__(self, mark: BookMark | None = None, cards: Sequence[RateCard] = ()) -> None:
        self._mark, self._cards = mark, tuple(cards)

    def book_mark(self) -> BookMark | None:
        """Which book is published."""
        return self._mark

    def book_page(
        self, providers: Sequence[str], *, limit: int, model: str = "", cursor: str | None = None
    ) -> BookPage:
        """Cards of these providers. Raises ValueError for an invalid cursor."""
        if not (cursor or "0").isdigit():
            raise ValueError("The cursor is invalid: use the `next_cursor` of a previous page.")
        found = [card for card in self._cards if card.provider in providers and model in ("", card.model)]
        first = int(cursor or 0)
        page = tuple(found[first : first + limit])
        return BookPage(page, str(first + limit) if len(found) > first + limit else None)

    def cards_of(self, provider: str, model: str) -> tuple[RateCard, ...]:
        """Every card of the model."""
        return tuple(card for card in self._cards if (card.provider, card.model) == (provider, model))
