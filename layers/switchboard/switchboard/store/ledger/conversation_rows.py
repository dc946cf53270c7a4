"""The row of a conversation: its sums, kept with its traces."""

from collections.abc import Iterator
from datetime import timedelta

from switchboard.domain.conversation import conversation_of, is_retry, is_stalled
from switchboard.domain.trace import Trace
from switchboard.store import keyspace
from switchboard.store.ledger.addition import Addition, Counters, Scope, summed

OUTLIVES_BY_S = int(timedelta(hours=25).total_seconds())
"""Sums are kept this much longer than the trace that was settled last: an earlier call may come a day late."""

RETRIES = "retries"
STALLS = "stalls"
"""Counters of a conversation beside those of every total."""


def additions(trace: Trace, added: Counters, shard: int) -> Iterator[Addition]:
    """What a call with these counters adds to its conversation, if it has one."""
    if (conversation_id := conversation_of(trace)) is None:
        return
    key = keyspace.conversation_sums(trace.project, conversation_id, shard)
    own = {RETRIES: int(is_retry(trace)), STALLS: int(is_stalled(trace))}
    expires_at = None if trace.expires_at is None else trace.expires_at + OUTLIVES_BY_S
    yield Addition(key, summed(added, own), expires_at=expires_at, scope=Scope.CONVERSATION)
