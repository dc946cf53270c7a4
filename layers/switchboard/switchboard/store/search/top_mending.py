"""Fills lists of the dearest calls again, after corrections have lowered the cost of calls that were in them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from switchboard.domain.trace import Trace
from switchboard.domain.trace_search import Order
from switchboard.store import keyspace
from switchboard.store.keyspace import Key
from switchboard.store.ledger.conditions import LedgerTable
from switchboard.store.ports import TaskReader
from switchboard.store.search.search_range import midnight
from switchboard.store.search.top_lists import DynamoTopLists
from switchboard.store.traces import trace_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_DAY = timedelta(days=1)
_SETTLED_WITHIN = timedelta(hours=1)
_PAGE = 500


class DynamoTopMending:
    """The lists of one table. Raises StoreBusy and StoreUnavailable."""

    def __init__(
        self, client: "DynamoDBClient", table_name: str, totals: TaskReader, now: Callable[[], datetime]
    ) -> None:
        self._table = LedgerTable(client, table_name)
        self._lists = DynamoTopLists(client, table_name)
        self._totals = totals
        self._now = now

    def mend(self, project: str, since: datetime, until: datetime) -> int:
        """Fill every list of the period that is short, from all calls of its day; returns how many there were.

        Today's lists stay as they are: they fill by themselves, and other processes remember their floors.
        """
        until = min(until, self._now() - _SETTLED_WITHIN - _DAY)
        mended = 0
        for task in self._totals.task_totals(project):
            for day in _days(max(since, task.seen.first), min(until, task.seen.last)):
                key = keyspace.top_list(project, task.task_id, day, Order.DEAREST)
                mended += self._mend(key, project, task.task_id, day)
        return mended

    def _mend(self, key: Key, project: str, task_id: str, day: datetime) -> bool:
        if not self._lists.is_short(key):
            return False
        self._lists.fill(key, self._calls(project, task_id, day))
        return True

    def _calls(self, project: str, task_id: str, day: datetime) -> Iterator[Trace]:
        ids = keyspace.trace_range(day, day + _DAY, None)
        for shard in keyspace.SHARDS:
            pk = keyspace.traces_of_task(project, task_id, shard)
            listed = self._table.newest_in_index(pk, ids.first, ids.last, _PAGE)
            yield from map(trace_items.from_item, self._table.get_all(Key(item["pk"], item["sk"]) for item in listed))


def _days(first: datetime, last: datetime) -> Iterator[datetime]:
    day = midnight(first.astimezone(UTC).date())
    while day <= last:
        yield day
        day += _DAY
