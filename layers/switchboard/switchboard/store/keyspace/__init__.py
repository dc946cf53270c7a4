"""Every key of the table.

| kind  | pk                          | sk               | gsi1pk                          | gsi1sk                |
|-------|-----------------------------|------------------|---------------------------------|-----------------------|
| key   | KEY#<sha256>                | KEY              | P#<project>#KEYS                | <created_at>#<key_id> |
| trace | P#<project>#TRACES#<shard>  | <trace_id>       | P#<project>#TASK#<task>#<shard> | <trace_id>            |
| body  | P#<project>#BODY#<trace_id> | 0000, 0001, …    |                                 |                       |
| blob  | P#<project>#BLOB#<sha256>   | MARK, PART#0000… |                                 |                       |

| kind         | pk                                    | sk    | gsi1pk                            | gsi1sk           |
|--------------|---------------------------------------|-------|-----------------------------------|------------------|
| conversation | P#<project>#CONVERSATION#<id>#0       | FACTS | P#<project>#CONVERSATIONS#<shard> | <first trace_id> |
| totals       | P#<project>#CONVERSATION#<id>#<shard> | SUMS  |                                   |                  |

| kind    | pk                                | sk                                |
|---------|-----------------------------------|-----------------------------------|
| project | PROJECTS                          | <project>                         |
| policy  | P#<project>#POLICIES              | PROJECT, TASK#<task>              |
| turn    | TURNS#<project>#<thread>          | TURN                              |
| totals  | P#<project>#TASKS#<shard>         | TASK#<task>                       |
| totals  | P#<project>#TOTALS#<task>#<shard> | HOUR#2026-11-20T13 DAY#2026-11-20 |
| totals  | P#<project>#DAYS#<shard>          | 2026-11-20#<combination>          |
| totals  | P#<project>#LATENCY#<shard>       | 2026-11-20#<task and model>       |
| totals  | P#<project>#CALLERS#<shard>       | 2026-11-20#<caller>               |
| totals  | P#<project>#PROMPTS#<shard>       | <task>#<prompt version>           |
| search  | P#<project>#SEARCH#<term>#<shard> | <trace_id>                        |
| top     | P#<project>#TOP#<task>            | SLOWEST#2026-11-20 DEAREST#…      |
| audit   | P#<project>#AUDIT#<day>           | 0000, 0001, …                     |
| history | RETENTION                         | HISTORY                           |

| kind     | pk                                              | sk                              |
|----------|-------------------------------------------------|---------------------------------|
| rates    | RATES#<provider>#<model>                        | <valid_from>                    |
| book     | BOOK                                            | MARK                            |
| price    | P#<project>#PRICES                              | <provider>#<model>#<valid_from> |
| unpriced | P#<project>#UNPRICED                            | <provider>#<model>              |
| unpriced | P#<project>#UNPRICED#<provider>#<model>#<shard> | <trace_id>                      |

Rates of the price book are in the index too: gsi1pk BOOK#<provider>, gsi1sk <model>#<valid_from>.

A partition accepts 1,000 writes a second, hence the shards. A trace's shard is computed from its id, so a trace is
found by project and id. Text from users is escaped, so that different values never give the same key. Combinations,
`<task and model>` and callers are hashes of their names, which are attributes of the row; a search row's term is a hash
of its name and value, of which the row has no more than the trace's id.
"""

from datetime import date

from switchboard.store.keyspace.conversations import (
    CONVERSATION_FACTS,
    CONVERSATION_SUMS,
    conversation_facts,
    conversation_in_project,
    conversation_sums,
    conversations_of_project,
    sums_beside,
)
from switchboard.store.keyspace.parts import Key, part, text_of
from switchboard.store.keyspace.prices import (
    UNPRICED_SHARDS,
    book_mark,
    book_of_provider,
    book_order,
    prices_of_project,
    project_price,
    rate_card,
    rate_card_order,
    rate_cards_of_model,
    unpriced_call,
    unpriced_calls,
    unpriced_model,
    unpriced_models_of_project,
)
from switchboard.store.keyspace.projects import (
    PROJECT_POLICY,
    PROJECTS,
    TASK_POLICIES,
    gateway_key,
    key_order,
    keys_of_project,
    policies_of_project,
    policy,
    project,
)
from switchboard.store.keyspace.search import search_row, searched, top_list
from switchboard.store.keyspace.totals import (
    DAYS,
    TOTALS_SHARDS,
    caller_day,
    callers_of_project,
    combination_day,
    combinations_of_project,
    day_name,
    day_of,
    day_totals,
    hour_name,
    hour_totals,
    in_shard,
    latencies_of_project,
    latency_day,
    period_start,
    prompt_version,
    prompts_of_project,
    prompts_of_task,
    task_totals,
    tasks_of_project,
    totals_of_task,
    within_days,
)
from switchboard.store.keyspace.trace_ids import (
    SHARDS,
    TraceRange,
    is_trace_id,
    later_ids,
    read_cursor,
    shard_of,
    trace_range,
    write_cursor,
)

__all__ = [
    "CONVERSATION_FACTS",
    "CONVERSATION_SUMS",
    "DAYS",
    "PROJECTS",
    "PROJECT_POLICY",
    "SHARDS",
    "TASK_POLICIES",
    "TOTALS_SHARDS",
    "UNPRICED_SHARDS",
    "Key",
    "TraceRange",
    "book_mark",
    "book_of_provider",
    "book_order",
    "caller_day",
    "callers_of_project",
    "combination_day",
    "combinations_of_project",
    "conversation_facts",
    "conversation_in_project",
    "conversation_sums",
    "conversations_of_project",
    "day_name",
    "day_of",
    "day_totals",
    "gateway_key",
    "hour_name",
    "hour_totals",
    "in_shard",
    "is_trace_id",
    "key_order",
    "keys_of_project",
    "labels_of_trace",
    "latencies_of_project",
    "latency_day",
    "later_ids",
    "period_start",
    "policies_of_project",
    "policy",
    "prices_of_project",
    "project",
    "project_price",
    "prompt_version",
    "prompts_of_project",
    "prompts_of_task",
    "rate_card",
    "rate_card_order",
    "rate_cards_of_model",
    "read_cursor",
    "search_row",
    "searched",
    "sums_beside",
    "task_totals",
    "tasks_of_project",
    "top_list",
    "totals_of_task",
    "trace_range",
    "unpriced_call",
    "unpriced_calls",
    "unpriced_model",
    "unpriced_models_of_project",
    "within_days",
    "write_cursor",
]

INDEX = "gsi1"
BLOB_MARK = "MARK"
BLOB_PARTS = "PART#"
RETENTION_HISTORY = Key("RETENTION", "HISTORY")


def trace(project: str, trace_id: str) -> Key:
    """The key of a trace."""
    return Key(traces_of_project(project, shard_of(trace_id)), trace_id)


def traces_of_project(project: str, shard: int) -> str:
    """One of the partitions that hold a project's traces."""
    return f"P#{part(project)}#TRACES#{shard}"


def trace_in_task(project: str, task_id: str, trace_id: str) -> Key:
    """The index key of a trace under its task."""
    return Key(traces_of_task(project, task_id, shard_of(trace_id)), trace_id)


def traces_of_task(project: str, task_id: str, shard: int) -> str:
    """One of the index partitions that list a task's traces."""
    return f"P#{part(project)}#TASK#{part(task_id)}#{shard}"


def labels_of_trace(pk: str, index_pk: str) -> tuple[str | None, str | None]:
    """The project and the task of a trace with these partition keys; other texts where a long one was hashed."""
    in_project, in_task = pk.split("#"), index_pk.split("#")
    return (
        text_of(in_project[1]) if in_project[2:3] == ["TRACES"] else None,
        text_of(in_task[3]) if in_task[2:3] == ["TASK"] else None,
    )


def body(project: str, trace_id: str, number: int = 0) -> Key:
    """The key of a part of a trace's bodies."""
    return Key(f"P#{part(project)}#BODY#{part(trace_id)}", f"{number:04d}")


def blob_mark(project: str, digest: str) -> Key:
    """The key of the marker that all parts of this content are stored."""
    return Key(f"P#{part(project)}#BLOB#{digest}", BLOB_MARK)


def blob_part(project: str, digest: str, number: int) -> Key:
    """The key of a part of shared content."""
    return Key(f"P#{part(project)}#BLOB#{digest}", f"{BLOB_PARTS}{number:04d}")


def turn(project: str, thread_id: str) -> Key:
    """The key of a thread's row. The fixed prefix lets an IAM policy grant access to turns alone."""
    return Key(f"TURNS#{part(project)}#{thread_id}", "TURN")


def audit_part(project: str, day: date, number: int = 0) -> Key:
    """The key of a part of the sums that an unfinished audit of a day has made so far."""
    return Key(f"P#{part(project)}#AUDIT#{day.isoformat()}", f"{number:04d}")
