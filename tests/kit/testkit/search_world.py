"""Settled calls in a table, with everything that they are found by, and the same searches over a list in Python."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from random import Random
from typing import TYPE_CHECKING

from switchboard.domain.dimensions import CombinationDay, combination_of
from switchboard.domain.search_terms import DEFAULT_METADATA, is_found
from switchboard.domain.totals import Span, TaskTotals, Totals
from switchboard.domain.trace import Status, Trace
from switchboard.domain.trace_id import created_at, new_trace_id
from switchboard.domain.trace_search import FoundTraces, Order, TraceSearch
from switchboard.store.ledger.conditions import BATCH_ITEMS, LedgerTable
from switchboard.store.search.search_rows import DynamoSearchRows
from switchboard.store.search.top_lists import DynamoTopLists
from switchboard.store.search.trace_finder import DynamoTraceFinder
from switchboard.store.traces import trace_items
from testkit.samples import NOON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_FOR = timedelta(days=30)


@dataclass(slots=True)
class CountedCalls:
    """CombinationReader and TaskReader over a list of calls, without a store."""

    since: date | None = date(2026, 1, 1)
    calls: list[Trace] = field(default_factory=list)

    def dimensions_since(self, project: str) -> date | None:  # noqa: ARG002 - the same for every project
        """The first day with rows."""
        return self.since

    def combination_days(self, project: str, first: date, last: date) -> Iterator[CombinationDay]:
        """A row for each call."""
        for trace in self.calls:
            day = trace.started_at.date()
            if trace.project == project and first <= day <= last:
                yield CombinationDay(day, combination_of(trace), Totals(calls=1))

    def task_totals(self, project: str) -> tuple[TaskTotals, ...]:
        """Every task with its calls."""
        names = sorted({trace.task_id for trace in self.calls if trace.project == project})
        return tuple(self._task(project, name) for name in names)

    def _task(self, project: str, name: str) -> TaskTotals:
        calls = [trace for trace in self.calls if trace.project == project and trace.task_id == name]
        starts = [trace.started_at for trace in calls]
        return TaskTotals(name, Totals(calls=len(calls)), Span(min(starts), max(starts)))


class SearchWorld:
    """A table whose calls are found by a TraceFinder."""

    def __init__(self, client: "DynamoDBClient", table: str, now: datetime = NOON) -> None:
        self.table = table
        self.traces = LedgerTable(client, table)
        self.rows = DynamoSearchRows(client, table, DEFAULT_METADATA)
        self.tops = DynamoTopLists(client, table)
        self.counted = CountedCalls()
        self.calls: list[Trace] = []
        self.finder = DynamoTraceFinder(
            client,
            table,
            costs=self.counted,
            totals=self.counted,
            metadata_names=DEFAULT_METADATA,
            now=lambda: now,
        )

    def add(self, traces: Sequence[Trace]) -> None:
        """Store calls with their settlements, and what they are found by."""
        kept = [replace(trace, expires_at=int((NOON + KEPT_FOR).timestamp())) for trace in traces]
        rows = [trace_items.to_item(trace, trace.expires_at or 0) for trace in kept]
        for batch in batched(rows, BATCH_ITEMS, strict=False):
            self.traces.put_batch(batch)
        finished = [trace for trace in kept if trace.status is not Status.OPEN]
        self.rows.write(finished)
        self.tops.write(finished)
        self.counted.calls += finished
        self.calls += kept

    def pages(self, project: str, search: TraceSearch, limit: int = 50) -> Iterator[FoundTraces]:
        """Every page of the search, by its cursors."""
        cursor = None
        while True:
            page = self.finder.find_traces(project, search, limit=limit, cursor=cursor)
            yield page
            if (cursor := page.next_cursor) is None:
                return

    def found(self, project: str, search: TraceSearch, limit: int = 50) -> list[str]:
        """The ids of all calls of the search, in its order."""
        return [trace.trace_id for page in self.pages(project, search, limit) for trace in page.traces]


def filtered(traces: Iterable[Trace], project: str, search: TraceSearch) -> list[str]:
    """The ids of all calls of a search, newest first, by looking at every call."""
    since, until = search.since or datetime.min.replace(tzinfo=UTC), search.until or datetime.max.replace(tzinfo=UTC)
    return sorted(
        (
            trace.trace_id
            for trace in traces
            if trace.project == project and is_found(trace, search) and since <= created_at(trace.trace_id) < until
        ),
        reverse=True,
    )


def highest(traces: Iterable[Trace], order: Order) -> list[str]:
    """The ids of the `ok` calls in that order; of equal values, the earlier call first."""
    values = {trace.trace_id: _value(trace, order) for trace in traces if trace.status is Status.OK}
    ranked = [(trace_id, value) for trace_id, value in values.items() if value is not None]
    return [trace_id for trace_id, _ in sorted(ranked, key=lambda each: (-each[1], each[0]))]


def ids_at(moments: Iterable[datetime], seed: int = 7) -> list[str]:
    """New trace ids of these times."""
    random = Random(seed)
    return [new_trace_id(moment, random) for moment in moments]


def _value(trace: Trace, order: Order) -> float | None:
    if order is Order.SLOWEST:
        return trace.ttft_ms
    return None if trace.settlement is None else trace.settlement.cost_pico_usd
