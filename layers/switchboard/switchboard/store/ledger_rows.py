"""What settled calls add to rows of totals: the one list of all rows that a call is counted in.

Settling adds these amounts in the transaction that marks the calls settled. A price that changes later adds the
difference, and the audit compares the stored rows with the sum over the calls.
"""

from collections.abc import Iterator

from switchboard.domain.totals import totals_of
from switchboard.domain.trace import Trace
from switchboard.store import conversation_rows, dimension_rows, task_rows, total_items
from switchboard.store.addition import Addition, Counters, Scope, by_row, summed
from switchboard.store.total_items import counters

__all__ = ["Addition", "Counters", "Scope", "additions", "by_row", "counters", "summed"]


def additions(trace: Trace, shard: int) -> tuple[Addition, ...]:
    """What a settled call adds to each row, in one shard. Raises ValueError for a call that is not settled."""
    return tuple(_additions(trace, shard))


def _additions(trace: Trace, shard: int) -> Iterator[Addition]:
    added = counters(totals_of(trace))
    yield from task_rows.additions(trace, added, shard)
    yield from conversation_rows.additions(trace, added, shard)
    yield from dimension_rows.additions(trace, total_items.short(added), shard)
