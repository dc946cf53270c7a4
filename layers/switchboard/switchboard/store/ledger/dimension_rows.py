"""The rows of a day by dimension: of combinations, of a task and a model (latencies), of callers; and prompt versions.

Their attributes have short names: a name of one letter tells what a row is about, one of two letters is a counter.
"""

from collections.abc import Iterator
from datetime import UTC, date, timedelta

from switchboard.domain.dimensions import Dimension, bounded, caller_of, combination_of, latencies_of
from switchboard.domain.totals import Span
from switchboard.domain.trace import Trace
from switchboard.store import keyspace
from switchboard.store.ledger import latency_items
from switchboard.store.ledger.addition import Addition, Counters, Scope, end_beside
from switchboard.store.ledger.dimension_items import CALLER, EXAMPLE, NAMES, VERSION

PROMPTS_KEPT_FOR = timedelta(days=400)
"""After the last call."""


def additions(trace: Trace, added: Counters, shard: int) -> Iterator[Addition]:
    """What a call with these counters, under short names, adds to each row."""
    day = trace.started_at.astimezone(UTC).date()
    yield _combination(trace, day, added, shard)
    if raised := latency_items.counters(latencies_of(trace)):
        yield _latency(trace, day, raised, shard)
    if (caller := caller_of(trace)) is not None:
        yield _caller(trace, day, caller, added, shard)
    if trace.prompt_version is not None:
        yield _prompt(trace, trace.prompt_version, added, shard)


def _combination(trace: Trace, day: date, added: Counters, shard: int) -> Addition:
    names = combination_of(trace)
    key = keyspace.combination_day(trace.project, day, [names[each] for each in Dimension], shard)
    return Addition(key, added, {NAMES[each]: name for each, name in names.items() if name is not None})


def _latency(trace: Trace, day: date, raised: Counters, shard: int) -> Addition:
    names = combination_of(trace)
    about = {each: names[each] for each in (Dimension.TASK, Dimension.PROVIDER, Dimension.MODEL)}
    key = keyspace.latency_day(trace.project, day, list(about.values()), shard)
    return Addition(key, raised, {NAMES[each]: name for each, name in about.items() if name is not None})


def _caller(trace: Trace, day: date, caller: str, added: Counters, shard: int) -> Addition:
    key = keyspace.caller_day(trace.project, day, caller, shard)
    return Addition(key, added, {CALLER: caller}, expires_at=end_beside(trace))


def _prompt(trace: Trace, version: str, added: Counters, shard: int) -> Addition:
    task_id = bounded(trace.task_id) or ""
    return Addition(
        keyspace.prompt_version(trace.project, task_id, version, shard),
        added,
        {NAMES[Dimension.TASK]: task_id, VERSION: version, EXAMPLE: trace.trace_id},
        Span(trace.started_at, trace.started_at),
        expires_at=int((trace.started_at + PROMPTS_KEPT_FOR).timestamp()),
        scope=Scope.ALWAYS,
    )
