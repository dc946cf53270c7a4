"""Reads every call of a period: the partitions of a project's traces, one after the other."""

from collections.abc import Iterator
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from switchboard.domain.trace import Trace
from switchboard.store import keyspace
from switchboard.store.ledger.conditions import LedgerTable
from switchboard.store.traces import trace_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PART_CALLS = 500


class DynamoPeriodCalls:
    """Calls on one table. Raises StoreUnavailable."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = LedgerTable(client, table_name)

    def calls(self, project: str, since: datetime, until: datetime) -> Iterator[tuple[Trace, ...]]:
        """The calls that began in [since, until), in parts, each read when it is asked for.

        Rows that cannot be read are left out: they are in the poison queue.
        """
        ids = keyspace.trace_range(since, until, None)
        for shard in keyspace.SHARDS if not ids.is_empty else ():
            rows = self._table.between(keyspace.traces_of_project(project, shard), ids.first, ids.last)
            for part in batched(rows, PART_CALLS, strict=False):
                yield tuple(_readable(part))


def _readable(rows: tuple[dict[str, Any], ...]) -> Iterator[Trace]:
    for row in rows:
        try:
            yield trace_items.from_item(row)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            continue
