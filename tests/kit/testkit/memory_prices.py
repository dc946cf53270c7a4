"""Projects' prices and the published book in memory. They pass the same contract tests as DynamoDB."""

from switchboard.domain.limits import MAX_PRICES
from switchboard.domain.rates import RateCard
from switchboard.store import keyspace
from switchboard.store.price_ports import PriceExists, PricesFull


class MemoryPrices:
    """A price store."""

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
