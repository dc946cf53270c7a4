"""Finds the rate card for a call: the operator's override at that time, else the library's price."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from cost_aggregator.overrides import Overrides
from switchboard.domain.elevenlabs_models import ELEVENLABS_MODELS
from switchboard.domain.rates import RateCard

_MOST_CARDS = 4096


class PriceSource(Protocol):
    """Finds the price of a model at a given time, and the period in which it applies."""

    @property
    def version(self) -> str:
        """What the prices come from: it changes when any of them may have changed."""

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The card for a call that began at `at` (UTC); None if the price is unknown."""

    def models(self) -> Iterable[tuple[str, str]]:
        """Provider and plain name of every model that has a price at some time."""

    def starts(self, provider: str, model: str, at: datetime) -> Sequence[datetime]:
        """When the model's prices begin, oldest first; of prices by the hour, those of the days around `at`."""


class PriceBook:
    """All prices. Caches the cards that were used, and tracks which of their rows are not yet written."""

    def __init__(self, overrides: Overrides, library: PriceSource) -> None:
        self._overrides = overrides
        self._library = library
        self._cards: dict[tuple[str, str], list[RateCard]] = defaultdict(list)
        self._unpublished: dict[RateCard, None] = {}
        self._remembered = 0
        digest = hashlib.sha256(repr(sorted(overrides.cards.items())).encode()).hexdigest()
        self._version = f"{library.version}, overrides {digest[:12]}"

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The card for a call that began at `at` (UTC), under the names the call used; None if the price is unknown."""
        known = self._cards.get((provider, model), ())
        if card := next((card for card in known if card.is_valid_at(at)), None):
            return card
        card = self._find(provider, model, at)
        if card is not None:
            self._remember(card)
        return card

    @property
    def version(self) -> str:
        """Names the library and the overrides: it changes when any of their prices may have changed."""
        return self._version

    def every_card(self, at: datetime) -> tuple[RateCard, ...]:
        """Every card, of every time, by provider, model and start; of prices by the hour, those around `at`.

        A model that ElevenLabs lists under another name than the library's is listed under that too.
        """
        listed = {(each.provider, each.model) for each in ELEVENLABS_MODELS}
        models = sorted({*self._library.models(), *self._overrides.cards, *listed})
        return tuple(card for provider, model in models for card in self._cards_of(provider, model, at))

    def _cards_of(self, provider: str, model: str, at: datetime) -> Iterable[RateCard]:
        starts = {*self._library.starts(provider, model, at), *self._overrides.changes(provider, model)}
        found = (self._find(provider, model, start) for start in sorted(starts))
        return {card.valid_from: card for card in found if card is not None}.values()

    def _find(self, provider: str, model: str, at: datetime) -> RateCard | None:
        found = self._overrides.card(provider, model, at) or self._between_overrides(provider, model, at)
        return None if found is None else replace(found, provider=provider, model=model)

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
