"""The sums over the calls of one day, by row of totals, as far as the calls have been read."""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field

from switchboard.domain.conversation import conversation_of
from switchboard.domain.trace import Trace
from switchboard.store import keyspace
from switchboard.store.keyspace import Key
from switchboard.store.ledger_rows import Addition, Scope, additions

FIRST_SHARD = keyspace.TOTALS_SHARDS[0]


@dataclass(slots=True)
class RowSum:
    """What the calls of the day add to a row.

    `conversation_id`: of a row of one conversation. `task_id`: of a row with all calls of a task, of any time.
    """

    scope: Scope
    conversation_id: str | None = None
    task_id: str | None = None
    counters: dict[str, int] = field(default_factory=dict)

    def add(self, counters: Mapping[str, int]) -> None:
        """Add a call's amounts."""
        for name, amount in counters.items():
            self.counters[name] = self.counters.get(name, 0) + amount


@dataclass(slots=True)
class DaySums:
    """Sums by row, under the row's key in shard 0.

    `shard` and `after`: where the reading of traces continues, as a shard of traces and the last id that was read.
    `unsettled`: the id of a call that is not settled, with which the day cannot be compared. `before`: the counters of
    the rows that differed, as they were before the calls were read again; `tries`: how often that has happened.
    """

    rows: dict[Key, RowSum] = field(default_factory=dict)
    calls: int = 0
    shard: int = 0
    after: str = ""
    unsettled: str | None = None
    before: dict[Key, dict[str, int]] | None = None
    tries: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every call has been read."""
        return self.shard >= len(keyspace.SHARDS)

    def add(self, traces: Iterable[Trace], last: str | None) -> None:
        """Add the calls of a page; `last`: the id that it ends with, None at the shard's end."""
        for trace in traces:
            if trace.settlement is None:
                self.unsettled = trace.trace_id
                return
            self.calls += 1
            for added in additions(trace, FIRST_SHARD):
                self._row(added, trace).add(added.counters)
        self.shard, self.after = (self.shard + 1, "") if last is None else (self.shard, last)

    def _row(self, added: Addition, trace: Trace) -> RowSum:
        if (row := self.rows.get(added.key)) is None:
            conversation_id = conversation_of(trace) if added.scope is Scope.CONVERSATION else None
            is_task = added.key == keyspace.task_totals(trace.project, trace.task_id, FIRST_SHARD)
            row = self.rows[added.key] = RowSum(added.scope, conversation_id, trace.task_id if is_task else None)
        return row

    def packed(self) -> bytes:
        """The sums as bytes, to be continued by another process."""
        rows = [[key.pk, key.sk, *astuple(row)] for key, row in self.rows.items()]
        before = None if self.before is None else [[key.pk, key.sk, row] for key, row in self.before.items()]
        return zlib.compress(json.dumps([self.calls, self.shard, self.after, self.tries, before, rows]).encode())


def unpacked(packed: bytes) -> DaySums:
    """The sums of such bytes."""
    calls, shard, after, tries, before, rows = json.loads(zlib.decompress(packed))
    return DaySums(
        rows={Key(pk, sk): RowSum(Scope(scope), *row) for pk, sk, scope, *row in rows},
        calls=calls,
        shard=shard,
        after=after,
        before=None if before is None else {Key(pk, sk): row for pk, sk, row in before},
        tries=tries,
    )
