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
| rates   | RATES#<provider>#<model>          | <valid_from>                      |
| audit   | P#<project>#AUDIT#<day>           | 0000, 0001, …                     |
| history | RETENTION                         | HISTORY                           |

A partition accepts 1,000 writes a second, hence the shards. A trace's shard is computed from its id, so a trace is
found by project and id. Text from users is escaped, so that different values never give the same key.
"""

import base64
import hashlib
import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from switchboard.domain.trace_id import created_at, earliest_trace_id

INDEX = "gsi1"
SHARDS = range(8)
TOTALS_SHARDS = range(4)
PROJECTS = "PROJECTS"
BLOB_MARK = "MARK"
BLOB_PARTS = "PART#"
PROJECT_POLICY = "PROJECT"
TASK_POLICIES = "TASK#"
CONVERSATION_SUMS = "SUMS"
CONVERSATION_FACTS = "FACTS"

_LONGEST_PART = 512  # a partition key holds 2,048 bytes
_TRACE_ID_CHARACTERS = 36
_LAST_TRACE_ID = (1 << 128) - 1


@dataclass(frozen=True, slots=True)
class Key:
    """The primary key of an item."""

    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class TraceRange:
    """Trace ids from `first` to `last`, both included; empty if `first` is greater than `last`."""

    first: str
    last: str

    @property
    def is_empty(self) -> bool:
        """Whether the range has no ids."""
        return self.first > self.last


RETENTION_HISTORY = Key("RETENTION", "HISTORY")


def gateway_key(digest: str) -> Key:
    """The key of a gateway key's item."""
    return Key(f"KEY#{_part(digest)}", "KEY")


def keys_of_project(project: str) -> str:
    """The index partition that lists a project's keys."""
    return f"P#{_part(project)}#KEYS"


def key_order(created: datetime, key_id: str) -> str:
    """The sort key of a gateway key in its project's list, by age."""
    return f"{created.astimezone(UTC).isoformat(timespec='microseconds')}#{key_id}"


def trace(project: str, trace_id: str) -> Key:
    """The key of a trace."""
    return Key(traces_of_project(project, _shard(trace_id)), trace_id)


def traces_of_project(project: str, shard: int) -> str:
    """One of the partitions that hold a project's traces."""
    return f"P#{_part(project)}#TRACES#{shard}"


def trace_in_task(project: str, task_id: str, trace_id: str) -> Key:
    """The index key of a trace under its task."""
    return Key(traces_of_task(project, task_id, _shard(trace_id)), trace_id)


def traces_of_task(project: str, task_id: str, shard: int) -> str:
    """One of the index partitions that list a task's traces."""
    return f"P#{_part(project)}#TASK#{_part(task_id)}#{shard}"


def body(project: str, trace_id: str, number: int = 0) -> Key:
    """The key of a part of a trace's bodies."""
    return Key(f"P#{_part(project)}#BODY#{_part(trace_id)}", f"{number:04d}")


def blob_mark(project: str, digest: str) -> Key:
    """The key of the marker that all parts of this content are stored."""
    return Key(f"P#{_part(project)}#BLOB#{digest}", BLOB_MARK)


def blob_part(project: str, digest: str, number: int) -> Key:
    """The key of a part of shared content."""
    return Key(f"P#{_part(project)}#BLOB#{digest}", f"{BLOB_PARTS}{number:04d}")


def project(project: str) -> Key:
    """The key of a project's registration."""
    return Key(PROJECTS, _part(project))


def policy(project: str, task_id: str | None) -> Key:
    """The key of a task's policy, or without a task, of the project's own."""
    return Key(policies_of_project(project), PROJECT_POLICY if task_id is None else f"{TASK_POLICIES}{_part(task_id)}")


def policies_of_project(project: str) -> str:
    """The partition that holds a project's policies."""
    return f"P#{_part(project)}#POLICIES"


def turn(project: str, thread_id: str) -> Key:
    """The key of a thread's row. The fixed prefix lets an IAM policy grant access to turns alone."""
    return Key(f"TURNS#{_part(project)}#{thread_id}", "TURN")


def audit_part(project: str, day: date, number: int = 0) -> Key:
    """The key of a part of the sums that an unfinished audit of a day has made so far."""
    return Key(f"P#{_part(project)}#AUDIT#{day.isoformat()}", f"{number:04d}")


def task_totals(project: str, task_id: str, shard: int) -> Key:
    """The key of one shard of a task's all-time totals."""
    return Key(tasks_of_project(project, shard), f"TASK#{_part(task_id)}")


def tasks_of_project(project: str, shard: int) -> str:
    """One of the partitions that hold the all-time totals of a project's tasks."""
    return f"P#{_part(project)}#TASKS#{shard}"


def hour_totals(project: str, task_id: str, hour: datetime, shard: int) -> Key:
    """The key of one shard of a task's totals of one hour."""
    return Key(totals_of_task(project, task_id, shard), hour_name(hour))


def day_totals(project: str, task_id: str, day: datetime, shard: int) -> Key:
    """The key of one shard of a task's totals of one day."""
    return Key(totals_of_task(project, task_id, shard), day_name(day))


def totals_of_task(project: str, task_id: str, shard: int) -> str:
    """One of the partitions that hold a task's totals by period."""
    return f"P#{_part(project)}#TOTALS#{_part(task_id)}#{shard}"


def conversation_sums(project: str, conversation_id: str, shard: int) -> Key:
    """The key of one shard of a conversation's sums."""
    return Key(f"P#{_part(project)}#CONVERSATION#{_part(conversation_id)}#{shard}", CONVERSATION_SUMS)


def conversation_facts(project: str, conversation_id: str) -> Key:
    """The key of a conversation's facts, beside the first shard of its sums."""
    return Key(conversation_sums(project, conversation_id, TOTALS_SHARDS[0]).pk, CONVERSATION_FACTS)


def sums_beside(facts: Key) -> tuple[Key, ...]:
    """The keys of every shard of the sums of the conversation with these facts."""
    return tuple(in_shard(Key(facts.pk, CONVERSATION_SUMS), shard) for shard in TOTALS_SHARDS)


def conversation_in_project(project: str, conversation_id: str, first_trace_id: str) -> Key:
    """The index key of a conversation under its project, by its first call."""
    shard = _hashed(conversation_id) % len(TOTALS_SHARDS)
    return Key(conversations_of_project(project, shard), first_trace_id)


def conversations_of_project(project: str, shard: int) -> str:
    """One of the index partitions that list a project's conversations."""
    return f"P#{_part(project)}#CONVERSATIONS#{shard}"


def in_shard(row: Key, shard: int) -> Key:
    """The key of another shard of the same row of totals."""
    return Key(f"{row.pk.rpartition('#')[0]}#{shard}", row.sk)


def hour_name(moment: datetime) -> str:
    """The sort key of the hour in UTC; sorts by time."""
    return f"HOUR#{moment.astimezone(UTC).isoformat(timespec='hours')[:13]}"


def day_name(moment: datetime) -> str:
    """The sort key of the day in UTC; sorts by time."""
    return f"DAY#{moment.astimezone(UTC).date().isoformat()}"


def period_start(name: str) -> datetime:
    """The start of the hour or day with that sort key. Raises ValueError for any other key."""
    return datetime.fromisoformat(name.partition("#")[2]).replace(tzinfo=UTC)


def rate_card(provider: str, model: str, valid_from: datetime) -> Key:
    """The key of a rate card: in its model's partition, by its start."""
    return Key(rate_cards_of_model(provider, model), rate_card_order(valid_from))


def rate_cards_of_model(provider: str, model: str) -> str:
    """The partition that holds every rate card of a model at a provider, oldest first."""
    return f"RATES#{_part(provider)}#{_part(model)}"


def rate_card_order(moment: datetime) -> str:
    """The sort key of a time among rate cards: the last card at or before it applies."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def is_trace_id(text: str) -> bool:
    """Whether the text is a trace id in canonical form."""
    if len(text) != _TRACE_ID_CHARACTERS:
        return False
    try:
        created_at(text)
    except ValueError:
        return False
    return str(UUID(text)) == text


def trace_range(since: datetime | None, until: datetime | None, cursor: str | None) -> TraceRange:
    """The ids of calls that began in [since, until), older than the cursor's. Raises ValueError for a bad cursor."""
    last = _LAST_TRACE_ID
    if until is not None:
        last = min(last, UUID(earliest_trace_id(_next_millisecond(until))).int - 1)
    if cursor is not None:
        last = min(last, UUID(read_cursor(cursor)).int - 1)
    first = str(UUID(int=0)) if since is None else earliest_trace_id(_next_millisecond(since))
    return TraceRange(first, str(UUID(int=max(last, 0))))


def write_cursor(trace_id: str) -> str:
    """The cursor that continues after this trace: 22 characters, safe in URLs."""
    return base64.urlsafe_b64encode(UUID(trace_id).bytes).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """The trace id in a cursor. Raises ValueError for an invalid cursor."""
    try:
        trace_id = str(UUID(bytes=base64.urlsafe_b64decode(cursor + "==")))
    except ValueError:
        trace_id = ""
    if not is_trace_id(trace_id) or write_cursor(trace_id) != cursor:
        raise ValueError("The cursor is invalid: use the `next_cursor` of a previous page.")
    return trace_id


def _next_millisecond(moment: datetime) -> datetime:
    """The time rounded up to a whole millisecond, the resolution of ids."""
    try:
        return moment + timedelta(microseconds=-moment.microsecond % 1000)
    except OverflowError:
        return moment


def _shard(trace_id: str) -> int:
    return _hashed(trace_id) % len(SHARDS)


def _hashed(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "replace"))


def _part(text: str) -> str:
    escaped = text.replace("%", "%25").replace("#", "%23")
    if len(escaped.encode("utf-8", "replace")) <= _LONGEST_PART:
        return escaped
    return "%" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()  # longer than any escaped part
