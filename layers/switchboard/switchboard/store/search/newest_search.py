"""Finds calls newest first: reads the rows that the plan names, and checks every other term on them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched, islice
from typing import Any

from switchboard.domain.limits import MAX_PLANNED_ROWS
from switchboard.domain.search_terms import is_found, wanted_terms
from switchboard.domain.trace import Trace
from switchboard.domain.trace_id import earliest_trace_id, lowest_trace_id, time_of
from switchboard.domain.trace_search import FoundTraces, TraceSearch
from switchboard.store import keyspace
from switchboard.store.dynamodb_table import Table
from switchboard.store.keyspace import TraceRange
from switchboard.store.query_ports import CombinationReader
from switchboard.store.search import search_items
from switchboard.store.search.newest_rows import NewestRows, newest_rows
from switchboard.store.search.search_plan import ProjectTraces, Rows, Source, TaskTraces, needs_totals, plan
from switchboard.store.search.search_range import Indexed, midnight, searched_to
from switchboard.store.traces import trace_items

MAX_ROWS = 1000
"""Search rows that one request looks at."""

MAX_TRACES = 320
"""Traces that one request looks at where no search rows have the calls; a trace is much larger than a search row."""

PLANNED_DAYS = timedelta(days=31)
"""How far back one request looks where the totals decide what it reads."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What one request looks at. `cut`: the cursor's id after it, if that is not all of the search's range."""

    source: Source
    ids: TraceRange
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class NewestSearch:
    """Searches one table."""

    table: Table
    costs: CombinationReader
    now: Callable[[], datetime]

    def find(self, project: str, search: TraceSearch, limit: int, cursor: str | None) -> FoundTraces:
        """The newest calls of the search."""
        ids = keyspace.trace_range(search.since, search.until, cursor)
        if ids.is_empty:
            return FoundTraces((), None)
        indexed = Indexed(self.costs.dimensions_since(project), self.now())
        part = self._part(project, search, ids, indexed)
        in_index = isinstance(part.source, TaskTraces)
        partitions = _partitions(project, part.source)
        rows = newest_rows(self.table, partitions, part.ids, _page_size(part.source), in_index=in_index)
        found = self._gather(project, search, part, rows, limit)
        if found.next_cursor is None and isinstance(part.source, Rows):
            return replace(found, searched_since=indexed.searched_since(search))
        return found

    def _part(self, project: str, search: TraceSearch, ids: TraceRange, indexed: Indexed) -> _Part:
        if not needs_totals(search):
            return _Part(plan(search), ids)
        last = min(indexed.now, time_of(ids.last)).date()
        first = max(last - PLANNED_DAYS, indexed.first_day)
        rows = self.costs.combination_days(project, first, last + timedelta(days=1))
        days = tuple(islice(rows, MAX_PLANNED_ROWS + 1))
        if len(days) > MAX_PLANNED_ROWS:
            return _Part(plan(search, None), ids)
        begin = midnight(first)
        if first == indexed.first_day or earliest_trace_id(begin) <= ids.first:
            return _Part(plan(search, days), ids)
        return _Part(plan(search, days), TraceRange(earliest_trace_id(begin), ids.last), lowest_trace_id(begin))

    def _gather(self, project: str, search: TraceSearch, part: _Part, rows: NewestRows, limit: int) -> FoundTraces:
        found: list[Trace] = []
        for trace in self._candidates(project, search, part.source, rows.items, limit):
            if is_found(trace, search):
                found.append(trace)
            if len(found) == limit:
                examined = sum(item["sk"] >= trace.trace_id for item in rows.items)
                is_end = examined == len(rows.items) and rows.read_to is None and part.cut is None
                return _found(found, None if is_end else trace.trace_id, examined)
        return _found(found, rows.read_to or part.cut, len(rows.items))

    def _candidates(
        self, project: str, search: TraceSearch, source: Source, items: Iterable[Mapping[str, Any]], size: int
    ) -> Iterator[Trace]:
        """The traces of these rows, but for those that lack a term by their marks, and deleted ones."""
        if isinstance(source, ProjectTraces):
            yield from map(trace_items.from_item, items)
            return
        wanted = wanted_terms(search)
        if isinstance(source, Rows):
            items = (item for item in items if search_items.has_terms(item, wanted))
        for batch in batched(items, size, strict=False):
            yield from traces_in_order(self.table, project, [item["sk"] for item in batch])


def traces_in_order(table: Table, project: str, ids: Iterable[str]) -> Iterator[Trace]:
    """The traces with these ids, in their order, without those that were deleted."""
    keys = [keyspace.trace(project, trace_id) for trace_id in ids]
    found = {item["sk"]: item for item in table.get_all(keys, consistent=False)}
    return (trace_items.from_item(found[key.sk]) for key in keys if key.sk in found)


def _found(traces: Iterable[Trace], last: str | None, examined: int) -> FoundTraces:
    if last is None:
        return FoundTraces(tuple(traces), None, None, examined)
    return FoundTraces(tuple(traces), keyspace.write_cursor(last), searched_to(last), examined)


def _partitions(project: str, source: Source) -> list[str]:
    match source:
        case Rows(terms):
            return [keyspace.searched(project, term, shard) for term in terms for shard in keyspace.SHARDS]
        case TaskTraces(task_id):
            return [keyspace.traces_of_task(project, task_id, shard) for shard in keyspace.SHARDS]
        case ProjectTraces():
            return [keyspace.traces_of_project(project, shard) for shard in keyspace.SHARDS]


def _page_size(source: Source) -> int:
    if isinstance(source, Rows):
        return MAX_ROWS // (len(keyspace.SHARDS) * max(1, len(source.terms)))
    return MAX_TRACES // len(keyspace.SHARDS)
