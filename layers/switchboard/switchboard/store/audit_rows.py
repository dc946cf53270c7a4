"""Lists the stored rows of a day, so that an audit also sees those that no call accounts for."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from switchboard.domain.audit import start_of
from switchboard.store import keyspace
from switchboard.store.dynamodb_table import Table

_BY_DAY = (keyspace.combinations_of_project, keyspace.latencies_of_project, keyspace.callers_of_project)
"""The partitions whose sort keys begin with the day."""


def listed(table: Table, project: str, day: date) -> Iterator[dict[str, Any]]:
    """Every row of the day, in every shard, that lies side by side with others of its kind."""
    for shard in keyspace.TOTALS_SHARDS:
        for partition in _BY_DAY:
            yield from table.partition(partition(project, shard), f"{day.isoformat()}#")
    names = {row["task_id"] for shard in keyspace.TOTALS_SHARDS for row in _tasks(table, project, shard)}
    for task_id in sorted(names):
        for shard in keyspace.TOTALS_SHARDS:
            yield from _periods(table, project, task_id, day, shard)


def days_of_task(table: Table, project: str, task_id: str) -> Iterator[dict[str, Any]]:
    """The row of every day of a task, in every shard."""
    for shard in keyspace.TOTALS_SHARDS:
        yield from table.partition(keyspace.totals_of_task(project, task_id, shard), keyspace.DAYS)


def _tasks(table: Table, project: str, shard: int) -> Iterator[dict[str, Any]]:
    return table.partition(keyspace.tasks_of_project(project, shard))


def _periods(table: Table, project: str, task_id: str, day: date, shard: int) -> Iterator[dict[str, Any]]:
    """The day's row of a task, and those of its hours."""
    pk = keyspace.totals_of_task(project, task_id, shard)
    begin = start_of(day)
    yield from table.partition(pk, keyspace.day_name(begin))
    yield from table.partition(pk, keyspace.hour_name(begin).removesuffix("00"))
