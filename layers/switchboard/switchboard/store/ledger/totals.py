"""Reads the totals, with queries on the partitions that hold them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from switchboard.domain.totals import EARLIEST, LATEST, Granularity, PeriodTotals, TaskTotals
from switchboard.store import keyspace
from switchboard.store.ledger import total_items
from switchboard.store.ledger.conditions import LedgerTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INSTANT = timedelta(microseconds=1)


class DynamoTotals:
    """TotalsReader on one table. Safe to share between threads. Raises StoreUnavailable."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = LedgerTable(client, table_name)

    def task_totals(self, project: str) -> tuple[TaskTotals, ...]:
        """Every task of the project that has a settled call, by name."""
        return total_items.tasks(
            item
            for shard in keyspace.TOTALS_SHARDS
            for item in self._table.partition(keyspace.tasks_of_project(project, shard))
        )

    def period_totals(
        self, project: str, task_id: str, *, since: datetime | None, until: datetime | None, granularity: Granularity
    ) -> PeriodTotals:
        """The task's totals from `since` to before `until`, by period (see the port)."""
        if since is not None and until is not None and since >= until:
            return PeriodTotals.of(())
        first, last = _sort_keys(since, until, granularity)
        rows = self._rows(project, task_id, first, last) if first <= last else iter(())
        return PeriodTotals.of(total_items.periods(rows, granularity))

    def _rows(self, project: str, task_id: str, first: str, last: str) -> Iterator[dict[str, Any]]:
        for shard in keyspace.TOTALS_SHARDS:
            yield from self._table.between(keyspace.totals_of_task(project, task_id, shard), first, last)


def _sort_keys(since: datetime | None, until: datetime | None, granularity: Granularity) -> tuple[str, str]:
    """The first and the last sort key of the rows that the periods are summed from."""
    name = keyspace.hour_name if granularity is Granularity.HOUR else keyspace.day_name
    first = EARLIEST if since is None else min(max(since, EARLIEST), LATEST)
    last = LATEST if until is None else min(max(until, EARLIEST), LATEST)
    return name(first), name(last - _INSTANT)
