"""Lists the rows of a day, so that an audit also sees those that no call accounts for."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from switchboard.domain.audit import start_of
from switchboard.store import keyspace
from switchboard.store.dynamodb_table import Table
from switchboard.store.keyspace import Key
from switchboard.store.ledger import total_items

_SHARD = keyspace.TOTALS_SHARDS[0]
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

_BY_DAY = (keyspace.combinations_of_project, keyspace.latencies_of_project, keyspace.callers_of_project)
"""The partitions whose sort keys begin with the day."""


def keys_of_day(table: Table, project: str, day: date) -> Iterator[Key]:
    """The keys, in the first shard, of the day's rows that lie side by side, and of those that tasks may have."""
    for shard in keyspace.TOTALS_SHARDS:
        for partition in _BY_DAY:
            for item in table.partition(partition(project, shard), f"{day.isoformat()}#"):
                yield keyspace.in_shard(Key(item["pk"], item["sk"]), _SHARD)
    begin = start_of(day)
    for task_id in sorted(_tasks_around(table, project, day)):
        yield keyspace.day_totals(project, task_id, begin, _SHARD)
        yield from (keyspace.hour_totals(project, task_id, begin + hour * _HOUR, _SHARD) for hour in range(24))


def days_of_task(table: Table, project: str, task_id: str) -> Iterator[dict[str, Any]]:
    """The row of every day of a task, in every shard."""
    for shard in keyspace.TOTALS_SHARDS:
        yield from table.partition(keyspace.totals_of_task(project, task_id, shard), keyspace.DAYS)


def _tasks_around(table: Table, project: str, day: date) -> set[str]:
    """The tasks of which one shard or another had calls before and after the day, or in it."""
    begin, end = start_of(day), start_of(day) + _DAY
    tasks = total_items.tasks(
        row for shard in keyspace.TOTALS_SHARDS for row in table.partition(keyspace.tasks_of_project(project, shard))
    )
    return {task.task_id for task in tasks if task.seen.first < end and task.seen.last >= begin}
