"""The row of a conversation: its sums, kept with its traces."""

from collections.abc import Iterator

from switchboard.domain.conversation import conversation_of, is_retry, is_stalled
from switchboard.domain.trace import Trace
from switchboard.store import keyspace
from switchboard.store.ledger.addition import Addition, Counters, Scope, end_beside, summed

RETRIES = "retries"
STALLS = "stalls"
"""Counters of a conversation beside those of every total."""


def additions(trace: Trace, added: Counters, shard: int) -> Iterator[Addition]:
    """What a call with these counters adds to its conversation, if it has one."""
    if (conversation_id := conversation_of(trace)) is None:
        return
    key = keyspace.conversation_sums(trace.project, conversation_id, shard)
    own = {RETRIES: int(is_retry(trace)), STALLS: int(is_stalled(trace))}
    yield Addition(key, summed(added, own), expires_at=end_beside(trace), scope=Scope.CONVERSATION)
