"""Finds the slowest or dearest calls in the lists of their tasks and days.

A list has every call above its floor. So what is found is exact: calls below the highest floor are not shown, since
others of their value may be missing. There are at least 100 in any case, if there are as many calls.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched, product

from switchboard.domain.search_terms import is_found
from switchboard.domain.trace import Status, Trace
from switchboard.domain.trace_search import FoundTraces, TraceSearch
from switchboard.store import keyspace
from switchboard.store.dynamodb_table import Table
from switchboard.store.ports import TaskReader
from switchboard.store.query_ports import CombinationReader
from switchboard.store.search import top_items
from switchboard.store.search.newest_search import traces_in_order
from switchboard.store.search.search_range import Indexed, midnight

MAX_LISTS = 1000
MAX_ENTRIES = 1000
"""Lists, and traces in them, that one request looks at."""

_DAY = timedelta(days=1)
_CLOCKS_DIFFER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class _Lists:
    """What one request looks at. `since`: from when on, if that is not all of the search's range."""

    tasks: tuple[str, ...]
    days: tuple[datetime, ...]
    since: datetime | None


@dataclass(frozen=True, slots=True)
class TopSearch:
    """Searches one table."""

    table: Table
    costs: CombinationReader
    totals: TaskReader
    now: Callable[[], datetime]

    def find(self, project: str, search: TraceSearch, limit: int, cursor: str | None) -> FoundTraces:
        """The highest calls of the search by its order."""
        before = None if cursor is None else top_items.read_cursor(cursor)
        lists = self._lists(project, search)
        ranked = self._ranked(project, search, lists, before)
        found: list[Trace] = []
        for place, (entry, trace) in enumerate(self._candidates(project, ranked[:MAX_ENTRIES], limit), start=1):
            if trace is not None and trace.status is Status.OK and is_found(trace, search):
                found.append(trace)
            if len(found) == limit:
                return _found(found, entry if place < len(ranked) else None, lists, place)
        looked_at = ranked[:MAX_ENTRIES]
        return _found(found, looked_at[-1] if len(ranked) > MAX_ENTRIES else None, lists, len(looked_at))

    def _lists(self, project: str, search: TraceSearch) -> _Lists:
        indexed = Indexed(self.costs.dimensions_since(project), self.now())
        latest = indexed.now + _CLOCKS_DIFFER
        last = latest if search.until is None else min(search.until, latest)
        first = midnight(indexed.first_day)
        first = first if search.since is None else max(search.since, first)
        tasks = self._tasks(project, first, last) if search.task_id is None else (search.task_id,)
        days = [midnight(last.date()) - back * _DAY for back in range((last.date() - first.date()).days + 1)]
        most = max(1, MAX_LISTS // max(1, len(tasks)))
        since = days[most - 1] if len(days) > most else indexed.searched_since(search)
        return _Lists(tasks, tuple(days[:most]), since)

    def _tasks(self, project: str, first: datetime, last: datetime) -> tuple[str, ...]:
        """The tasks that had calls around that time, those with the most calls if they are too many."""
        had_calls = (
            task for task in self.totals.task_totals(project) if task.seen.last >= first and task.seen.first <= last
        )
        ranked = sorted(had_calls, key=lambda task: (-task.totals.calls, task.task_id))
        return tuple(task.task_id for task in ranked[:MAX_LISTS])

    def _ranked(self, project: str, search: TraceSearch, lists: _Lists, before: bytes | None) -> list[bytes]:
        """The entries above the highest floor, highest first."""
        keys = [keyspace.top_list(project, task, day, search.order) for task, day in product(lists.tasks, lists.days)]
        tops = [top_items.from_item(item) for item in self.table.get_all(keys, consistent=False)]
        floor = max((top.floor for top in tops), default=top_items.NO_FLOOR)
        ids = keyspace.trace_range(search.since, search.until, None)
        entries = (entry for top in tops for entry in top.entries if before is None or entry < before)
        return sorted(
            {entry for entry in entries if entry > floor and ids.first <= top_items.trace_id(entry) <= ids.last},
            reverse=True,
        )

    def _candidates(self, project: str, entries: list[bytes], size: int) -> Iterator[tuple[bytes, Trace | None]]:
        """The entries with their traces; None for those that were deleted."""
        for batch in batched(entries, size, strict=False):
            ids = [top_items.trace_id(entry) for entry in batch]
            traces = {trace.trace_id: trace for trace in traces_in_order(self.table, project, ids)}
            yield from ((entry, traces.get(trace_id)) for entry, trace_id in zip(batch, ids, strict=True))


def _found(traces: list[Trace], last: bytes | None, lists: _Lists, examined: int) -> FoundTraces:
    return FoundTraces(tuple(traces), None if last is None else top_items.write_cursor(last), lists.since, examined)
