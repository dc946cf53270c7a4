"""What calls add to a row of totals, and the sums of that by row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from functools import reduce
from operator import or_

from switchboard.domain.totals import Span
from switchboard.domain.trace import Trace
from switchboard.store.attributes import Value
from switchboard.store.keyspace import Key

type Counters = Mapping[str, int]
"""Amounts by attribute. An amount of 0 is left out."""

OUTLIVES_BY_S = int(timedelta(hours=25).total_seconds())
"""Rows that expire with traces are kept this much longer than the trace that was settled last: it may not be the last
of its day or conversation."""


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

    `names`: attributes that tell what the row is about, the same for each of its calls; of one that is not, such as an
    example, any of them. `span`: from the first to the
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

    def __neg__(self) -> "Addition":
        """What takes this away again."""
        return replace(self, counters={name: -count for name, count in self.counters.items()})


def end_beside(trace: Trace) -> int | None:
    """When a row expires that is kept with its traces, as the trace's expiry tells; None if it tells none."""
    return None if trace.expires_at is None else trace.expires_at + OUTLIVES_BY_S


def by_row(added: Iterable[Addition]) -> dict[Key, Addition]:
    """The sum for each row, in the order in which the rows first occur."""
    rows: dict[Key, Addition] = {}
    for each in added:
        rows[each.key] = rows[each.key] + each if each.key in rows else each
    return rows


def summed(one: Counters, other: Counters) -> Counters:
    """The sums by attribute."""
    sums = {name: one.get(name, 0) + other.get(name, 0) for name in one.keys() | other.keys()}
    return {name: sums[name] for name in sorted(sums) if sums[name]}
