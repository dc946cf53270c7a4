"""Settles calls: one DynamoDB transaction marks a group's traces settled and adds them to the totals."""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from switchboard.domain.totals import Span
from switchboard.domain.trace import SettledTraces, Trace
from switchboard.store import keyspace, total_items, trace_items
from switchboard.store.keyspace import Key
from switchboard.store.ledger_group import Group
from switchboard.store.ledger_table import ConditionsFailed, LedgerTable
from switchboard.store.ports import StoreBusy

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
        left = {keyspace.trace(trace.project, trace.trace_id): trace for trace in traces}
        earlier: list[Trace] = []
        for _ in range(_MAX_ROUNDS):
            if not left:
                return SettledTraces((), tuple(earlier))
            group = Group(left.values(), self._shard)
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

    def _drop_settled(self, group: Group, failed: ConditionsFailed, left: dict[Key, Trace]) -> list[Trace]:
        """Remove traces that need not be settled any more, and store spans; returns those that were settled before."""
        earlier = []
        for place, row in failed.rows.items():
            if place >= len(group.traces):
                self._remember(group.row(place), row)
                continue
            trace = group.traces[place]
            del left[keyspace.trace(trace.project, trace.trace_id)]
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
