"""Reads the totals by dimension, with a query on each partition that holds them."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from switchboard.domain.dimensions import CallerDay, CombinationDay, LatencyDay, PromptVersion, bounded
from switchboard.domain.limits import MAX_TOTALS_DAYS
from switchboard.store import keyspace
from switchboard.store.ledger import dimension_items
from switchboard.store.ledger.conditions import LedgerTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDimensions:
    """CostReader and PromptReader on one table. Safe to share between threads. Raises StoreUnavailable."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = LedgerTable(client, table_name)

    def dimensions_since(self, project: str) -> date | None:
        """The first day whose rows have every call of the project; None while there is no such day yet."""
        item = self._table.get(keyspace.project(project)) or {}
        return date.fromisoformat(item["dimensions_since"]) if "dimensions_since" in item else None

    def combination_days(self, project: str, first: date, last: date) -> Iterator[CombinationDay]:
        """The sums of every combination that occurred; one query for each shard."""
        return map(dimension_items.combination_day, self._days(keyspace.combinations_of_project, project, first, last))

    def caller_days(self, project: str, first: date, last: date, caller: str | None = None) -> Iterator[CallerDay]:
        """The sums of every caller, by a query for each shard; or of this one, by its keys."""
        if caller is None:
            rows = self._days(keyspace.callers_of_project, project, first, last)
        else:
            rows = self._table.get_all(
                keyspace.caller_day(project, day, bounded(caller) or "", shard)
                for day in _days(first, last)
                for shard in keyspace.TOTALS_SHARDS
            )
        return map(dimension_items.caller_day, rows)

    def latency_days(self, project: str, first: date, last: date) -> Iterator[LatencyDay]:
        """The histograms of every task and model; one query for each shard."""
        return map(dimension_items.latency_day, self._days(keyspace.latencies_of_project, project, first, last))

    def prompt_versions(self, project: str, task_id: str | None = None) -> tuple[PromptVersion, ...]:
        """The prompt versions of the project or of the task, the latest last; one query for each shard."""
        prefix = "" if task_id is None else keyspace.prompts_of_task(bounded(task_id) or "")
        return dimension_items.prompt_versions(
            item
            for shard in keyspace.TOTALS_SHARDS
            for item in self._table.partition(keyspace.prompts_of_project(project, shard), prefix)
        )

    def _days(
        self, partition: Callable[[str, int], str], project: str, first: date, last: date
    ) -> Iterator[dict[str, Any]]:
        shards = keyspace.TOTALS_SHARDS if _days(first, last) else ()
        for shard in shards:
            yield from self._table.between(partition(project, shard), *keyspace.within_days(first, last))


def _days(first: date, last: date) -> list[date]:
    """The days from the first to the last, none if that is earlier. Raises ValueError if they are too many."""
    count = (last - first).days + 1
    if count > MAX_TOTALS_DAYS:
        raise ValueError(f"{count} days are more than {MAX_TOTALS_DAYS}.")
    return [first + timedelta(days=number) for number in range(count)]
