"""Writes the rows by which settled calls are found."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from switchboard.domain.trace import Trace
from switchboard.store import search_items
from switchboard.store.ledger_table import LedgerTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoSearchRows:
    """SettledRows on one table. `names`: of the metadata entries that can be searched for."""

    def __init__(self, client: "DynamoDBClient", table_name: str, names: Iterable[str]) -> None:
        self._table = LedgerTable(client, table_name)
        self._names = tuple(names)

    def write(self, traces: Sequence[Trace]) -> None:
        """Write the rows of settled calls, in place of their earlier ones."""
        self._table.put_all(item for trace in traces for item in search_items.to_items(trace, self._names))
