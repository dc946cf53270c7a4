"""Finds calls that are not settled, by project, in the time range that was not yet checked."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from switchboard.domain.trace import Status, Trace
from switchboard.domain.trace_id import created_at
from switchboard.store import keyspace
from switchboard.store.dynamodb_update import Update
from switchboard.store.ledger import dimensions_begin, total_items
from switchboard.store.ledger.conditions import LedgerTable
from switchboard.store.ports import ProjectSweep, SweepPart, UnreadableRow
from switchboard.store.traces import trace_documents, trace_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_STILL_OPEN = "attribute_exists(pk) AND #status = :open"
_ADVANCES = (
    "attribute_exists(pk) AND "
    "(attribute_not_exists(#swept_until) OR #swept_until < :swept_until OR #swept_until > :latest)"
)
_NOT_BEGUN = "attribute_exists(pk) AND attribute_not_exists(#dimensions_since)"

PAGE_ROWS = 400
"""Rows that are read at once, settled or not."""


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
                date.fromisoformat(item["dimensions_since"]) if "dimensions_since" in item else None,
            )
            for item in self._table.partition(keyspace.PROJECTS)
        )

    def unsettled(self, project: str, since: datetime | None, until: datetime) -> Iterator[SweepPart]:
        """The calls that began in [since, until) and are not settled, in parts (see the port).

        The project's partitions are read side by side: next is always the one that has been read least far.
        """
        ids = keyspace.trace_range(since, until, None)
        read = dict.fromkeys((keyspace.traces_of_project(project, shard) for shard in keyspace.SHARDS), "")
        while read and not ids.is_empty:
            pk = min(read, key=lambda pk: read[pk])
            page = self._table.page_without("settled_at", pk, ids, read[pk], PAGE_ROWS)
            if page.last is None:
                del read[pk]
            else:
                read[pk] = page.last
            yield _part(page.items, _checked_until(read.values(), until))

    def mark_lost(self, trace: Trace) -> bool:
        """Store a lost call's status and failure if its row is still open; returns whether it was."""
        return self._table.update_if(
            Update(
                keyspace.trace(trace.project, trace.trace_id),
                "SET #status = :status, #failure = :failure",
                {
                    "status": trace.status.value,
                    "failure": trace_documents.failure_item(trace.failure),
                    "open": Status.OPEN.value,
                },
                _STILL_OPEN,
            )
        )

    def begin_dimensions(self, project: str, now: datetime) -> None:
        """Record the first day whose totals by dimension have every call, unless it is recorded already."""
        since = dimensions_begin.first_whole_day(self._table, project, now).isoformat()
        self._table.update_if(
            Update(
                keyspace.project(project),
                "SET #dimensions_since = :dimensions_since",
                {"dimensions_since": since},
                _NOT_BEGUN,
            )
        )

    def mark_swept(self, project: str, until: datetime, *, latest: datetime) -> None:
        """Record that the project's calls that began before `until` have been checked (see the port)."""
        self._table.update_if(
            Update(
                keyspace.project(project),
                "SET #swept_until = :swept_until",
                {"swept_until": total_items.moment_text(until), "latest": total_items.moment_text(latest)},
                _ADVANCES,
            )
        )


def _checked_until(read: Iterable[str], until: datetime) -> datetime | None:
    """The time before which every partition has been read, from the last id that was read of each unfinished one."""
    last = min(read, default=None)
    if last is None:
        return until
    return created_at(last) if last else None


def _part(items: Iterable[dict[str, Any]], until: datetime | None) -> SweepPart:
    traces, unreadable = [], []
    for item in items:
        try:
            traces.append(trace_items.from_item(item))
        except Exception as error:  # noqa: BLE001 - one invalid row must not block the others
            unreadable.append(UnreadableRow(item["pk"], item["sk"], f"{type(error).__name__}: {error}"))
    return SweepPart(tuple(traces), tuple(unreadable), until)
