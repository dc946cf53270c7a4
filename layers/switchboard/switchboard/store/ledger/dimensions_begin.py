"""Finds the first day whose rows by dimension have every call: rows of an older version were not counted in them."""

from datetime import UTC, date, datetime, timedelta

from switchboard.store import keyspace
from switchboard.store.dynamodb_table import Table
from switchboard.store.ledger import total_items

_DAY = timedelta(days=1)
_DEPLOYMENT_TAKES = timedelta(hours=1)
"""At most, until the last process of the version before has settled its last call."""


def first_whole_day(table: Table, project: str, now: datetime) -> date:
    """The next day; or where no call has been counted without its dimensions, the first day that has one, or today.

    The rows by dimension are read first: calls that are settled meanwhile make the day later, never too early.
    """
    days = [
        item
        for shard in keyspace.TOTALS_SHARDS
        for item in table.partition(keyspace.combinations_of_project(project, shard))
    ]
    tasks = [
        item for shard in keyspace.TOTALS_SHARDS for item in table.partition(keyspace.tasks_of_project(project, shard))
    ]
    counted = sum(total_items.short_totals(item).calls for item in days)
    if counted == sum(total_items.totals(item).calls for item in tasks):
        return min([now.astimezone(UTC).date(), *(keyspace.day_of(item["sk"]) for item in days)])
    return (now.astimezone(UTC) + _DEPLOYMENT_TAKES).date() + _DAY
