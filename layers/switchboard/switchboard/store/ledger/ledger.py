"""Settles calls: one DynamoDB transaction marks a group's traces settled and adds them to the totals."""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from switchboard.domain.repricing import Revision
from switchboard.domain.totals import Span
from switchboard.domain.trace import SettledTraces, Trace
from switchboard.store import keyspace
from switchboard.store.keyspace import Key
from switchboard.store.ledger import total_items
from switchboard.store.ledger.conditions import ConditionsFailed, LedgerTable
from switchboard.store.ledger.group import Group, RevisedGroup
from switchboard.store.ports import StoreBusy
from switchboard.store.traces import trace_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MAX_ROUNDS = 8
_MAX_SPANS = 1000


class DynamoLedger:
    """Ledger on one table. For one thread at a time.

    It adds to the same shard of the totals until another writer conflicts with it, then switches to another shard.
    Concurrent writers thus soon use different shards, and a single writer writes the fewest rows.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str, *, random: Random) -> None:
        self._table = LedgerTable(client, table_name)
        self._random = random
        self._shard = random.choice(keyspace.TOTALS_SHARDS)
        self._spans: dict[Key, Span] = {}

    def settle(self, traces: Sequence[Trace]) -> SettledTraces:
        """Settle each trace once (see the port)."""
        return self._write({_key(trace): trace for trace in traces}, Group)

    def revise(self, revisions: Sequence[Revision]) -> SettledTraces:
        """Store each call's new settlement (see the port)."""
        return self._write({_key(revision.after): revision for revision in revisions}, RevisedGroup)

    def _write[T](self, left: dict[Key, T], group_of: Callable[[Iterable[T], int], Group]) -> SettledTraces:
        earlier: list[Trace] = []
        for _ in range(_MAX_ROUNDS):
            if not left:
                return SettledTraces((), tuple(earlier))
            group = group_of(left.values(), self._shard)
            try:
                self._table.transact(group.updates(self._spans))
            except ConditionsFailed as failed:
                earlier += self._drop_settled(group, failed, left)
            except StoreBusy:
                self._change_shard()
                raise
            else:
                self._extend_spans(group)
                return SettledTraces(group.traces, tuple(earlier))
        raise StoreBusy(f"the rows changed during each of {_MAX_ROUNDS} tries to write them")

    def _drop_settled[T](self, group: Group, failed: ConditionsFailed, left: dict[Key, T]) -> list[Trace]:
        """Remove traces that were written by others meanwhile, and store spans; returns those that are settled."""
        earlier = []
        for place, row in failed.rows.items():
            if place >= len(group.traces):
                self._remember(group.row(place), row)
                continue
            trace = group.traces[place]
            del left[_key(trace)]
            if row is not None and "settled_at" in row:
                earlier.append(trace_items.from_item(row))
        return earlier

    def _remember(self, key: Key, row: dict[str, Any] | None) -> None:
        if len(self._spans) >= _MAX_SPANS:
            self._spans.clear()
        if row is not None:
            self._spans[key] = total_items.span(row)

    def _extend_spans(self, group: Group) -> None:
        for key, span in group.spans().items():
            if key in self._spans:
                self._spans[key] |= span

    def _change_shard(self) -> None:
        self._shard = self._random.choice([shard for shard in keyspace.TOTALS_SHARDS if shard != self._shard])


def _key(trace: Trace) -> Key:
    return keyspace.trace(trace.project, trace.trace_id)
