"""Finds calls whose end was never written, by project, in the time range that was not yet checked."""

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING

from switchboard.domain.trace import Status, Trace
from switchboard.store import keyspace, total_items, trace_items
from switchboard.store.dynamodb_update import Update
from switchboard.store.ledger_table import LedgerTable
from switchboard.store.ports import ProjectSweep

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_STILL_OPEN = "attribute_exists(pk) AND #status = :open"
_ADVANCES = "attribute_exists(pk) AND (attribute_not_exists(#swept_until) OR #swept_until < :swept_until)"


class DynamoOpenCalls:
    """OpenCalls on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = LedgerTable(client, table_name)

    def projects(self) -> tuple[ProjectSweep, ...]:
        """Every project that ever had a key, and the time up to which its calls have been checked."""
        return tuple(
            ProjectSweep(
                item["project"],
                datetime.fromisoformat(item["swept_until"]) if "swept_until" in item else None,
            )
            for item in self._table.partition(keyspace.PROJECTS)
        )

    def open_traces(self, project: str, since: datetime | None, until: datetime) -> Iterator[Trace]:
        """The open calls that began in [since, until), oldest first."""
        ids = keyspace.trace_range(since, until, None)
        if ids.is_empty:
            return iter(())
        shards = (keyspace.traces_of_project(project, shard) for shard in keyspace.SHARDS)
        open_rows = (self._table.between_where(pk, ids.first, ids.last, status=Status.OPEN.value) for pk in shards)
        return map(trace_items.from_item, merge(*open_rows, key=itemgetter("sk")))

    def mark_lost(self, trace: Trace) -> bool:
        """Store a lost call's status and failure if its row is still open; returns whether it was."""
        return self._table.update_if(
            Update(
                keyspace.trace(trace.project, trace.trace_id),
                "SET #status = :status, #failure = :failure",
                {
                    "status": trace.status.value,
                    "failure": trace_items.failure_item(trace.failure),
                    "open": Status.OPEN.value,
                },
                _STILL_OPEN,
            )
        )

    def mark_swept(self, project: str, until: datetime) -> None:
        """Record that the project's calls that began before `until` have been checked. The time never decreases."""
        self._table.update_if(
            Update(
                keyspace.project(project),
                "SET #swept_until = :swept_until",
                {"swept_until": total_items.moment_text(until)},
                _ADVANCES,
            )
        )
