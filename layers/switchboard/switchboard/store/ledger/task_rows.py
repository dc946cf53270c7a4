"""The rows of a task: its totals of all time, of an hour and of a day."""

from switchboard.domain.totals import Span
from switchboard.domain.trace import Trace
from switchboard.store import keyspace
from switchboard.store.ledger import total_items
from switchboard.store.ledger.addition import Addition, Counters, Scope


def additions(trace: Trace, added: Counters, shard: int) -> tuple[Addition, ...]:
    """What a call with these counters adds to the rows of its task."""
    return _task(trace, added, shard), _hour(trace, added, shard), _day(trace, added, shard)


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
