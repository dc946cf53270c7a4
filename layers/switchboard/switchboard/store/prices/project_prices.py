"""Stores the prices that projects have for themselves: one row for each, all rows of a project in one partition."""

from typing import TYPE_CHECKING

from switchboard.domain.limits import MAX_PRICES
from switchboard.domain.rates import RateCard
from switchboard.store import keyspace, rate_items
from switchboard.store.attributes import Item
from switchboard.store.dynamodb_table import Table
from switchboard.store.prices.price_ports import PriceExists, PricesFull

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KIND = "price"
_IS_NEW = "attribute_not_exists(pk)"


class DynamoPrices:
    """PriceStore on one table. Safe to share between threads. Raises StoreUnavailable."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = Table(client, table_name)

    def project_prices(self, project: str) -> tuple[RateCard, ...]:
        """Every price of the project (see the port)."""
        rows = self._table.partition(keyspace.prices_of_project(project))
        return tuple(map(rate_items.from_item, rows))

    def add_price(self, project: str, card: RateCard) -> None:
        """Store the price. Raises PriceExists or PricesFull (see the port)."""
        stored = self.project_prices(project)
        if card in stored:
            return
        if len(stored) >= MAX_PRICES:
            raise PricesFull(MAX_PRICES)
        if not self._table.put_if(_item(project, card), _IS_NEW):
            raise PriceExists(card.provider, card.model, card.valid_from)

    def remove_price(self, project: str, entry_id: str) -> bool:
        """Delete the price with that id; returns whether there was one."""
        card = next((card for card in self.project_prices(project) if card.entry_id == entry_id), None)
        if card is None:
            return False
        return self._table.delete(keyspace.project_price(project, card.provider, card.model, card.valid_from))


def _item(project: str, card: RateCard) -> Item:
    """The row of a price; it never expires."""
    key = keyspace.project_price(project, card.provider, card.model, card.valid_from)
    return {**rate_items.to_item(card), "pk": key.pk, "sk": key.sk, "kind": KIND, "project": project}
