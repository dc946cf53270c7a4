"""Stores the rate cards that calls were priced with, so that past prices can be looked up."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cost_aggregator.telemetry import Telemetry
from switchboard.domain.rates import RateCard
from switchboard.store.ports import StoreUnavailable


class Catalogue(Protocol):
    """Tracks which rate cards were used."""

    def unpublished(self) -> tuple[RateCard, ...]:
        """The used cards whose rows are not yet written."""

    def cards_published(self, cards: Iterable[RateCard]) -> None:
        """Mark these cards' rows as written."""


class CardStore(Protocol):
    """Stores rate cards."""

    def put_card(self, card: RateCard) -> None:
        """Store the card, replacing one for the same model with the same start. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """Writes each card once per process. Calls are settled first, so a failure here does not delay them."""

    catalogue: Catalogue
    store: CardStore
    telemetry: Telemetry

    def publish(self) -> None:
        """Write the rows of newly used cards."""
        for card in self.catalogue.unpublished():
            try:
                self.store.put_card(card)
            except StoreUnavailable as unavailable:
                self.telemetry.cards_unpublished(str(unavailable))
                return
            self.catalogue.cards_published([card])
