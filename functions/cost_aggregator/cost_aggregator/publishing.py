"""Keeps the rate cards that calls were priced with as rows, for whoever asks later what a price was."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cost_aggregator.telemetry import Telemetry
from switchboard.domain.rates import RateCard
from switchboard.store.ports import StoreUnavailable


class Catalogue(Protocol):
    """Knows which cards were given out."""

    def unpublished(self) -> tuple[RateCard, ...]:
        """The cards given out whose rows are yet to be written."""

    def cards_published(self, cards: Iterable[RateCard]) -> None:
        """Notes that the rows of these cards are written."""


class CardStore(Protocol):
    """Where rate cards are kept."""

    def put_card(self, card: RateCard) -> None:
        """Keep the card, in place of an older one for the same model from the same moment. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """Writes a card once per process. No call waits for it, and none is held up where it fails."""

    catalogue: Catalogue
    store: CardStore
    telemetry: Telemetry

    def publish(self) -> None:
        """Write the rows of the cards that were given out since."""
        for card in self.catalogue.unpublished():
            try:
                self.store.put_card(card)
            except StoreUnavailable as unavailable:
                self.telemetry.cards_unpublished(str(unavailable))
                return
            self.catalogue.cards_published([card])
