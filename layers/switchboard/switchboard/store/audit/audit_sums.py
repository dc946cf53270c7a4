"""The sums over the calls of one day, by row of totals, as far as the calls have been read."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from switchboard.domain.conversation import conversation_of
from switchboard.domain.totals import Span
from switchboard.domain.trace import Trace
from switchboard.store import keyspace
from switchboard.store.keyspace import Key
from switchboard.store.ledger.addition import Addition, Scope
from switchboard.store.ledger.rows import additions

FIRST_SHARD = keyspace.TOTALS_SHARDS[0]


@dataclass(slots=True)
class RowSum:
    """What the calls of the day add to a row: `about` is the sum without its counters.

    `conversation_id`: of a row of one conversation. `task_id`: of a row with all calls of a task, of any time.
    """

    about: Addition
    conversation_id: str | None = None
    task_id: str | None = None
    counters: dict[str, int] = field(default_factory=dict)

    def add(self, added: Addition) -> None:
        """Add a call's amounts."""
        for name, amount in added.counters.items():
            self.counters[name] = self.counters.get(name, 0) + amount
        if added.span is not None and self.about.span is not None:
            self.about = replace(self.about, span=self.about.span | added.span)


@dataclass(slots=True)
class DaySums:
    """Sums by row, under the row's key in shard 0.

    `shard` and `after`: where the reading of traces continues, as a shard of traces and the last id that was read.
    `unsettled`: the id of a call that is not settled, with which the day cannot be compared. `before`: the counters of
    the rows that differed, as they were before the calls were read again; `tries`: how often that has happened.
    `stops`: how often the time ended while the rows were read.
    """

    rows: dict[Key, RowSum] = field(default_factory=dict)
    calls: int = 0
    shard: int = 0
    after: str = ""
    unsettled: str | None = None
    before: dict[Key, dict[str, int]] | None = None
    tries: int = 0
    stops: int = 0

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
                self._row(added, trace).add(added)
        self.shard, self.after = (self.shard + 1, "") if last is None else (self.shard, last)

    def _row(self, added: Addition, trace: Trace) -> RowSum:
        if (row := self.rows.get(added.key)) is None:
            conversation_id = conversation_of(trace) if added.scope is Scope.CONVERSATION else None
            is_task = added.key == keyspace.task_totals(trace.project, trace.task_id, FIRST_SHARD)
            about = replace(added, counters={})
            row = self.rows[added.key] = RowSum(about, conversation_id, trace.task_id if is_task else None)
        return row

    def packed(self) -> bytes:
        """The sums as bytes, to be continued by another process."""
        before = None if self.before is None else [[key.pk, key.sk, row] for key, row in self.before.items()]
        rows = [_packed_row(row) for row in self.rows.values()]
        return zlib.compress(
            json.dumps([self.calls, self.shard, self.after, self.tries, self.stops, before, rows]).encode()
        )


def unpacked(packed: bytes) -> DaySums:
    """The sums of such bytes."""
    calls, shard, after, tries, stops, before, rows = json.loads(zlib.decompress(packed))
    return DaySums(
        rows={row.about.key: row for row in map(_unpacked_row, rows)},
        calls=calls,
        shard=shard,
        after=after,
        before=None if before is None else {Key(pk, sk): row for pk, sk, row in before},
        tries=tries,
        stops=stops,
    )


def _packed_row(row: RowSum) -> list[Any]:
    about = row.about
    span = None if about.span is None else [about.span.first.isoformat(), about.span.last.isoformat()]
    key = [about.key.pk, about.key.sk]
    return [key, about.names, span, about.expires_at, about.scope, row.conversation_id, row.task_id, row.counters]


def _unpacked_row(packed: list[Any]) -> RowSum:
    key, names, span, expires_at, scope, conversation_id, task_id, counters = packed
    seen = None if span is None else Span(*map(datetime.fromisoformat, span))
    about = Addition(Key(*key), {}, names, seen, expires_at, Scope(scope))
    return RowSum(about, conversation_id, task_id, counters)
