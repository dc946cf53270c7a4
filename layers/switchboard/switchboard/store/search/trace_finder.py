"""Finds calls by several of their attributes, in any order of the search."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from switchboard.domain.limits import clipped
from switchboard.domain.trace import Status
from switchboard.domain.trace_search import FoundTraces, Order, TraceSearch
from switchboard.store import keyspace
from switchboard.store.dynamodb_table import Table
from switchboard.store.ports import TaskReader
from switchboard.store.query_ports import CombinationReader, SearchRefused
from switchboard.store.search import top_items
from switchboard.store.search.newest_search import NewestSearch
from switchboard.store.search.top_search import TopSearch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoTraceFinder:
    """TraceFinder on one table. Reads are eventually consistent. Safe to share between threads."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        *,
        costs: CombinationReader,
        totals: TaskReader,
        metadata_names: Iterable[str],
        now: Callable[[], datetime],
    ) -> None:
        table = Table(client, table_name)
        self._newest = NewestSearch(table, costs, now)
        self._top = TopSearch(table, costs, totals, now)
        self._names = tuple(metadata_names)

    @property
    def metadata_names(self) -> tuple[str, ...]:
        """The names of metadata entries that can be searched for."""
        return self._names

    def find_traces(self, project: str, search: TraceSearch, *, limit: int, cursor: str | None = None) -> FoundTraces:
        """The calls of the search (see the port)."""
        self._check(search)
        is_newest = search.order is Order.NEWEST
        if cursor is not None:
            _check_cursor(cursor, keyspace.read_cursor if is_newest else top_items.read_cursor)
        return (self._newest if is_newest else self._top).find(project, search, limit, cursor)

    def _check(self, search: TraceSearch) -> None:
        if unknown := [name for name in search.metadata if name not in self._names]:
            raise SearchRefused(
                f"{clipped(unknown[0])!r} cannot be searched for, only {', '.join(self._names)}.", "metadata"
            )
        if search.order is not Order.NEWEST and search.status not in {None, Status.OK}:
            raise SearchRefused(f"The {search.order} calls are kept of `ok` calls only.", "status")


def _check_cursor(cursor: str, read: Callable[[str], object]) -> None:
    # Before the search, whose rows may have errors of the same kind.
    try:
        read(cursor)
    except ValueError as invalid:
        raise SearchRefused(str(invalid), "cursor") from invalid
