"""Writes the rows by which settled calls are found."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import TYPE_CHECKING

from switchboard.domain.trace import Trace
from switchboard.store.ledger.conditions import BATCH_ITEMS, LedgerTable
from switchboard.store.search import search_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_THREADS = 4
"""Batches that are written at once."""


class DynamoSearchRows:
    """SettledRows on one table. `names`: of the metadata entries that can be searched for."""

    def __init__(self, client: "DynamoDBClient", table_name: str, names: Iterable[str]) -> None:
        self._table = LedgerTable(client, table_name)
        self._names = tuple(names)

    def write(self, traces: Sequence[Trace]) -> None:
        """Write the rows of settled calls, in place of their earlier ones."""
        items = [item for trace in traces for item in search_items.to_items(trace, self._names)]
        with ThreadPoolExecutor(_THREADS, "search") as pool:
            list(pool.map(self._table.put_batch, batched(items, BATCH_ITEMS, strict=False)))
