"""The keys of what calls are found by: search rows, and lists of the highest calls."""

from collections.abc import Sequence
from datetime import UTC, datetime

from switchboard.store.keyspace.parts import Key, digest, part
from switchboard.store.keyspace.trace_ids import shard_of


def search_row(project: str, term: Sequence[str | None], trace_id: str) -> Key:
    """The key of a trace's row under one of its terms, in the shard of the trace."""
    return Key(searched(project, term, shard_of(trace_id)), trace_id)


def searched(project: str, term: Sequence[str | None], shard: int) -> str:
    """One of the partitions that hold the search rows of a term."""
    return f"P#{part(project)}#SEARCH#{digest(term)}#{shard}"


def top_list(project: str, task_id: str, day: datetime, order: str) -> Key:
    """The key of a list of the task's highest calls of a UTC day; `order` tells by what."""
    return Key(f"P#{part(project)}#TOP#{part(task_id)}", f"{order.upper()}#{day.astimezone(UTC).date().isoformat()}")
