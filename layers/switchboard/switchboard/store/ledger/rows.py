"""What settled calls add to rows of totals: the one list of all rows that a call is counted in.

Settling adds these amounts in the transaction that marks the calls settled. A price that changes later adds the
difference, and the audit compares the stored rows with the sum over the calls.
"""

from collections.abc import Iterator

from switchboard.domain.totals import totals_of
from switchboard.domain.trace import Trace
from switchboard.store.ledger import conversation_rows, dimension_rows, task_rows, total_items
from switchboard.store.ledger.addition import Addition, by_row
from switchboard.store.ledger.total_items import counters


def additions(trace: Trace, shard: int) -> tuple[Addition, ...]:
    """What a settled call adds to each row, in one shard. Raises ValueError for a call that is not settled."""
    return tuple(_additions(trace, shard))


def differences(before: Trace, after: Trace, shard: int) -> tuple[Addition, ...]:
    """What a call that is settled anew adds to the rows that it counts in: only what its new cost changes.

    Rows that have expired are left out: the call's first cost is no longer in them.
    """
    if after.settlement is None:
        raise ValueError(f"{after.trace_id} is not settled")
    now = after.settlement.settled_at.timestamp()
    added = by_row((*additions(after, shard), *(-each for each in additions(before, shard))))
    return tuple(
        each for each in added.values() if each.counters and (each.expires_at is None or each.expires_at > now)
    )


def _additions(trace: Trace, shard: int) -> Iterator[Addition]:
    added = counters(totals_of(trace))
    yield from task_rows.additions(trace, added, shard)
    yield from conversation_rows.additions(trace, added, shard)
    yield from dimension_rows.additions(trace, total_items.short(added), shard)
