"""Stores rate cards as rows."""

from typing import TYPE_CHECKING

from switchboard.domain.rates import RateCard
from switchboard.store import rate_items
from switchboard.store.dynamodb_table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoCards:
    """Rate cards on one table. Raises StoreUnavailable."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = Table(client, table_name)

    def put_card(self, card: RateCard) -> None:
        """Store the card, replacing one for the same model with the same start."""
        self._table.put(rate_items.to_item(card))
