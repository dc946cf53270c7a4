"""The keys of a conversation: its sums, one row a shard, and its facts."""

from switchboard.store.keyspace.parts import Key, hashed, part
from switchboard.store.keyspace.totals import TOTALS_SHARDS, in_shard

CONVERSATION_SUMS = "SUMS"
CONVERSATION_FACTS = "FACTS"


def conversation_sums(project: str, conversation_id: str, shard: int) -> Key:
    """The key of one shard of a conversation's sums."""
    return Key(f"P#{part(project)}#CONVERSATION#{part(conversation_id)}#{shard}", CONVERSATION_SUMS)


def conversation_facts(project: str, conversation_id: str) -> Key:
    """The key of a conversation's facts, beside the first shard of its sums."""
    return Key(conversation_sums(project, conversation_id, TOTALS_SHARDS[0]).pk, CONVERSATION_FACTS)


def sums_beside(facts: Key) -> tuple[Key, ...]:
    """The keys of every shard of the sums of the conversation with these facts."""
    return tuple(in_shard(Key(facts.pk, CONVERSATION_SUMS), shard) for shard in TOTALS_SHARDS)


def conversation_in_project(project: str, conversation_id: str, first_trace_id: str) -> Key:
    """The index key of a conversation under its project, by its first call."""
    shard = hashed(conversation_id) % len(TOTALS_SHARDS)
    return Key(conversations_of_project(project, shard), first_trace_id)


def conversations_of_project(project: str, shard: int) -> str:
    """One of the index partitions that list a project's conversations."""
    return f"P#{part(project)}#CONVERSATIONS#{shard}"
