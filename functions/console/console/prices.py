"""Shows the price book, and shows and changes a project's own prices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import cast

from console.errors import (
    BodyTooLarge,
    ParameterInvalid,
    PriceConflict,
    PriceRefused,
    PriceUnknown,
    TooManyPrices,
)
from console.moments import iso_utc
from console.price_shapes import BookJson, ElevenLabsJson, ListedModelJson, PricesJson, StoredPriceJson
from switchboard.domain.elevenlabs_models import ELEVENLABS_MODELS, ListedModel
from switchboard.domain.model_names import plain
from switchboard.domain.price_book import BookMark, BookPage
from switchboard.domain.price_json import PriceInvalid, PriceTooLarge, parse_price, price_json
from switchboard.domain.rates import RateCard
from switchboard.store.prices.price_ports import BookReader, PriceExists, PricesFull, PriceStore


@dataclass(frozen=True, slots=True)
class Asked:
    """Which prices to list; None for all."""

    limit: int
    provider: str | None = None
    model: str | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices, on their stores. All methods block, and raise StoreUnavailable."""

    own: PriceStore
    book: BookReader
    now: Callable[[], datetime]

    def list(self, project: str, asked: Asked) -> PricesJson:
        """The project's own prices, and a page of the book. Raises ParameterInvalid."""
        mark = self.book.book_mark()
        page = self._page(mark, asked)
        own = self.own.project_prices(project) if asked.cursor is None else ()
        return {
            "project": [_stored(card) for card in own if _is_asked(card, asked)],
            "book": _mark(mark),
            "prices": [_stored(card) for card in page.cards],
            "next_cursor": page.next_cursor,
        }

    def add(self, project: str, body: bytes) -> StoredPriceJson:
        """Store the price in a JSON body. Raises BodyTooLarge, PriceRefused, PriceConflict or TooManyPrices."""
        try:
            card = parse_price(body)
            self.own.add_price(project, card)
        except PriceTooLarge as too_large:
            raise BodyTooLarge(str(too_large)) from too_large
        except PriceInvalid as invalid:
            raise PriceRefused(str(invalid)) from invalid
        except PriceExists as exists:
            raise PriceConflict(str(exists), param="from") from exists
        except PricesFull as full:
            raise TooManyPrices(str(full)) from full
        return _stored(card)

    def remove(self, project: str, price_id: str) -> None:
        """Delete one of the project's own prices. Raises PriceUnknown."""
        if not self.own.remove_price(project, price_id):
            raise PriceUnknown("The key's project has no price of its own with this id.")

    def elevenlabs(self, project: str) -> ElevenLabsJson:
        """ElevenLabs' models with the prices that are used for calls of the project that begin now."""
        own = self.own.project_prices(project)
        return {"models": [self._listed(model, own) for model in ELEVENLABS_MODELS]}

    def _listed(self, listed: ListedModel, own: Sequence[RateCard]) -> ListedModelJson:
        mine = [card for card in own if (card.provider, card.model) == (listed.provider, listed.model)]
        used = self._current(mine) or self._current(self.book.cards_of(listed.provider, listed.model))
        return {
            "provider": listed.provider,
            "model": listed.model,
            "listed": {
                "input": listed.input,
                "output": listed.output,
                "cache_read": listed.cache_read,
                "cache_write": listed.cache_write,
            },
            "used": None if used is None else _stored(used),
            "is_same": used is not None and _is_same(listed, _stored(used)),
        }

    def _current(self, cards: Sequence[RateCard]) -> RateCard | None:
        """The last card that began, if it has not ended."""
        begun = [card for card in cards if card.valid_from <= self.now()]
        latest = max(begun, key=lambda card: card.valid_from, default=None)
        return latest if latest is not None and latest.is_valid_at(self.now()) else None

    def _page(self, mark: BookMark | None, asked: Asked) -> BookPage:
        listed = () if mark is None else mark.providers
        providers = [name for name in listed if asked.provider in (None, name)]
        model = "" if asked.model is None else plain(asked.model)
        try:
            return self.book.book_page(providers, limit=asked.limit, model=model, cursor=asked.cursor)
        except ValueError as invalid:
            raise ParameterInvalid(str(invalid), param="cursor") from invalid


def _is_asked(card: RateCard, asked: Asked) -> bool:
    is_model = asked.model is None or card.model == plain(asked.model)
    return is_model and asked.provider in (None, card.provider)


def _stored(card: RateCard) -> StoredPriceJson:
    return cast("StoredPriceJson", price_json(card))  # a test compares the fields


def _mark(mark: BookMark | None) -> BookJson | None:
    if mark is None:
        return None
    return {"version": mark.version, "cards": mark.cards, "published_at": iso_utc(mark.published_at)}


def _is_same(listed: ListedModel, used: StoredPriceJson) -> bool:
    amounts = (
        (listed.input, used.get("input")),
        (listed.output, used.get("output")),
        (listed.cache_read, used.get("cache_read")),
        (listed.cache_write, used.get("cache_write_5m")),
    )
    return all(theirs is None or (ours is not None and Decimal(theirs) == Decimal(ours)) for theirs, ours in amounts)
