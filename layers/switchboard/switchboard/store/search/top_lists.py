"""Keeps the lists of the slowest and dearest calls, by conditional writes that can be repeated."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from switchboard.domain.trace import Trace
from switchboard.domain.trace_search import Order
from switchboard.store import keyspace
from switchboard.store.keyspace import Key
from switchboard.store.ledger.conditions import ConditionsFailed, LedgerTable
from switchboard.store.ports import StoreBusy
from switchboard.store.search import top_items
from switchboard.store.search.top_items import TopList

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RANKED = (Order.SLOWEST, Order.DEAREST)
_MAX_ROUNDS = 8
_MAX_KNOWN = 1000
_THREADS = 8
"""Lists that are written at once: one caller may use another task for each call."""

type _Entries = Mapping[Key, Sequence[tuple[bytes, int | None]]]


class DynamoTopLists:
    """SettledRows on one table: the lists. For one thread at a time. Raises StoreBusy and StoreUnavailable.

    It remembers lists as it last saw them: a call below a list's floor is passed over without a request.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = LedgerTable(client, table_name)
        self._known: dict[Key, TopList] = {}

    def write(self, traces: Sequence[Trace]) -> None:
        """Enter each settled `ok` call that is among its task's highest of the day; a repetition changes nothing."""
        self._enter_all(_by_list(traces))

    def move(self, traces: Iterable[Trace]) -> None:
        """Enter calls whose cost or time is another than it was, in place of what the lists have of them."""
        found = _by_list(traces)
        for key in found:
            self._known.pop(key, None)
        self._enter_all(found)

    def is_short(self, key: Key) -> bool:
        """Whether the list has lost calls to corrections, and may lack others that it passed over before."""
        item = self._table.get(key)
        return item is not None and top_items.from_item(item).is_short

    def fill(self, key: Key, traces: Iterable[Trace]) -> None:
        """Make the list of the dearest anew, from all calls of its task and day, which has ended."""
        known = self._remember(key, self._table.get(key))
        entries = (top_items.entry_of(trace, Order.DEAREST) for trace in traces)
        if not self._write(key, known, known.made_of(entry for entry in entries if entry is not None)):
            raise StoreBusy("the list changed while it was filled")

    def _enter_all(self, lists: _Entries) -> None:
        with ThreadPoolExecutor(_THREADS, "lists") as pool:
            list(pool.map(self._enter, lists.keys(), lists.values()))

    def _enter(self, key: Key, entries: Sequence[tuple[bytes, int | None]]) -> None:
        for _ in range(_MAX_ROUNDS):
            known = self._known.get(key) or self._read(key)
            if not (changed := [(entry, end) for entry, end in entries if known.is_changed_by(entry)]):
                return
            ends = [end for _, end in changed if end is not None]
            if self._write(key, known, known.with_calls((entry for entry, _ in changed), max(ends, default=None))):
                return
        raise StoreBusy(f"the list changed during each of {_MAX_ROUNDS} tries to write it")

    def _read(self, key: Key) -> TopList:
        return self._remember(key, self._table.get(key, consistent=False))

    def _write(self, key: Key, known: TopList, changed: TopList) -> bool:
        """Whether the list was as known, and is now as changed; else what it is instead is remembered."""
        item = top_items.to_item(key, changed)
        try:
            self._table.put_version(item, known.version or None)
        except ConditionsFailed as failed:
            self._remember(key, failed.rows[0])
            return False
        self._remember(key, item)
        return True

    def _remember(self, key: Key, item: Mapping[str, Any] | None) -> TopList:
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[key] = TopList() if item is None else top_items.from_item(item)
        return self._known[key]


def _by_list(traces: Iterable[Trace]) -> _Entries:
    """The entries of these calls and when they expire, by list."""
    found: dict[Key, list[tuple[bytes, int | None]]] = defaultdict(list)
    for trace in traces:
        for order in RANKED:
            if (entry := top_items.entry_of(trace, order)) is not None:
                key = keyspace.top_list(trace.project, trace.task_id, trace.started_at, order.value)
                found[key].append((entry, trace.expires_at))
    return found
