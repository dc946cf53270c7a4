"""Finds the rate card for a call: the operator's override at that time, else the library's price."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from cost_aggregator.overrides import Overrides
from switchboard.domain.rates import RateCard

_MOST_CARDS = 4096


class PriceSource(Protocol):
    """Finds the price of a model at a given time, and the period in which it applies."""

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The card for a call that began at `at` (UTC); None if the price is unknown."""


class PriceBook:
    """All prices. Caches the cards that were used, and tracks which of their rows are not yet written."""

    def __init__(self, overrides: Overrides, library: PriceSource) -> None:
        self._overrides = overrides
        self._library = library
        self._cards: dict[tuple[str, str], list[RateCard]] = defaultdict(list)
        self._unpublished: dict[RateCard, None] = {}
        self._remembered = 0

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The card for a call that began at `at` (UTC), under the names the call used; None if the price is unknown."""
        known = self._cards.get((provider, model), ())
        if card := next((card for card in known if card.is_valid_at(at)), None):
            return card
        found = self._overrides.card(provider, model, at) or self._between_overrides(provider, model, at)
        if found is None:
            return None
        card = replace(found, provider=provider, model=model)
        self._remember(card)
        return card

    def unpublished(self) -> tuple[RateCard, ...]:
        """The used cards whose rows are not yet written."""
        return tuple(self._unpublished)

    def cards_published(self, cards: Iterable[RateCard]) -> None:
        """Mark these cards' rows as written."""
        for card in cards:
            self._unpublished.pop(card, None)

    def _between_overrides(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The library's card, limited to the period between overrides."""
        card = self._library.card(provider, model, at)
        if card is None:
            return None
        since, until = self._overrides.gap(provider, model, at)
        return replace(
            card,
            valid_from=card.valid_from if since is None else max(since, card.valid_from),
            valid_until=min((end for end in (until, card.valid_until) if end is not None), default=None),
        )

    def _remember(self, card: RateCard) -> None:
        if self._remembered >= _MOST_CARDS:  # model names are unlimited, and hourly prices make new cards every day
            self._cards.clear()
            self._remembered = 0
        self._cards[card.provider, card.model].append(card)
        self._unpublished[card] = None
        self._remembered += 1
