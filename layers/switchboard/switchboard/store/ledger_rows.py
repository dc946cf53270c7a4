"""What settled calls add to rows of totals: the one list of all rows that a call is counted in.

Settling adds these amounts in the transaction that marks the calls settled. A price that changes later adds the
difference, and the audit compares the stored rows with the sum over the calls.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import reduce
from operator import or_

from switchboard.domain.conversation import conversation_of, is_retry, is_stalled
from switchboard.domain.totals import COUNTERS, Span, Totals, totals_of
from switchboard.domain.trace import Trace
from switchboard.store import keyspace, total_items
from switchboard.store.attributes import Value
from switchboard.store.keyspace import Key

type Counters = Mapping[str, int]
"""Amounts by attribute. An amount of 0 is left out."""

RETRIES = "retries"
STALLS = "stalls"
"""Counters of a conversation beside those of every total."""


class Scope(StrEnum):
    """Which calls a row counts: the audit compares each kind in its own way."""

    DAY = "day"
    """Calls of one UTC day, or of a part of it."""
    CONVERSATION = "conversation"
    """Calls of one conversation."""
    ALWAYS = "always"
    """Calls of any time."""


@dataclass(frozen=True, slots=True)
class Addition:
    """What calls add to one row. Its pk ends in the shard, so that `keyspace.in_shard` finds the others.

    `names`: attributes that tell what the row is about, the same for each of its calls. `span`: from the first to the
    last start of the calls, for rows that store it. `expires_at`: in epoch seconds; None for rows that never expire.
    """

    key: Key
    counters: Counters
    names: Mapping[str, Value] = field(default_factory=dict)
    span: Span | None = None
    expires_at: int | None = None
    scope: Scope = Scope.DAY

    def __add__(self, other: "Addition") -> "Addition":
        """The sum of what is added to the same row."""
        spans = [span for span in (self.span, other.span) if span is not None]
        ends = [end for end in (self.expires_at, other.expires_at) if end is not None]
        return replace(
            self,
            counters=summed(self.counters, other.counters),
            span=reduce(or_, spans) if spans else None,
            expires_at=max(ends, default=None),
        )


def additions(trace: Trace, shard: int) -> tuple[Addition, ...]:
    """What a settled call adds to each row, in one shard. Raises ValueError for a call that is not settled."""
    added = counters(totals_of(trace))
    return (
        _task(trace, added, shard),
        _hour(trace, added, shard),
        _day(trace, added, shard),
        *_conversation(trace, added, shard),
    )


def by_row(added: Iterable[Addition]) -> dict[Key, Addition]:
    """The sum for each row, in the order in which the rows first occur."""
    rows: dict[Key, Addition] = {}
    for each in added:
        rows[each.key] = rows[each.key] + each if each.key in rows else each
    return rows


def counters(totals: Totals) -> Counters:
    """Totals as counters."""
    return {name: count for name in COUNTERS if (count := getattr(totals, name))}


def summed(one: Counters, other: Counters) -> Counters:
    """The sums by attribute."""
    sums = {name: one.get(name, 0) + other.get(name, 0) for name in one.keys() | other.keys()}
    return {name: sums[name] for name in sorted(sums) if sums[name]}


def _task(trace: Trace, added: Counters, shard: int) -> Addition:
    key = keyspace.task_totals(trace.project, trace.task_id, shard)
    return Addition(
        key, added, {"task_id": trace.task_id}, Span(trace.started_at, trace.started_at), scope=Scope.ALWAYS
    )


def _hour(trace: Trace, added: Counters, shard: int) -> Addition:
    key = keyspace.hour_totals(trace.project, trace.task_id, trace.started_at, shard)
    return Addition(key, added, expires_at=total_items.expires_at(keyspace.period_start(key.sk)))


def _day(trace: Trace, added: Counters, shard: int) -> Addition:
    return Addition(keyspace.day_totals(trace.project, trace.task_id, trace.started_at, shard), added)


def _conversation(trace: Trace, added: Counters, shard: int) -> Iterator[Addition]:
    if (conversation_id := conversation_of(trace)) is None:
        return
    key = keyspace.conversation_sums(trace.project, conversation_id, shard)
    own = {RETRIES: int(is_retry(trace)), STALLS: int(is_stalled(trace))}
    yield Addition(key, summed(added, own), expires_at=trace.expires_at, scope=Scope.CONVERSATION)
