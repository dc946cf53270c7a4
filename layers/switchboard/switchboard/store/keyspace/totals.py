"""The keys of rows of totals. Every pk ends in the shard."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from switchboard.store.keyspace.parts import Key, digest, part

TOTALS_SHARDS = range(4)
DAYS = "DAY#"


def task_totals(project: str, task_id: str, shard: int) -> Key:
    """The key of one shard of a task's all-time totals."""
    return Key(tasks_of_project(project, shard), f"TASK#{part(task_id)}")


def tasks_of_project(project: str, shard: int) -> str:
    """One of the partitions that hold the all-time totals of a project's tasks."""
    return f"P#{part(project)}#TASKS#{shard}"


def hour_totals(project: str, task_id: str, hour: datetime, shard: int) -> Key:
    """The key of one shard of a task's totals of one hour."""
    return Key(totals_of_task(project, task_id, shard), hour_name(hour))


def day_totals(project: str, task_id: str, day: datetime, shard: int) -> Key:
    """The key of one shard of a task's totals of one day."""
    return Key(totals_of_task(project, task_id, shard), day_name(day))


def totals_of_task(project: str, task_id: str, shard: int) -> str:
    """One of the partitions that hold a task's totals by period."""
    return f"P#{part(project)}#TOTALS#{part(task_id)}#{shard}"


def in_shard(row: Key, shard: int) -> Key:
    """The key of another shard of the same row of totals."""
    return Key(f"{row.pk.rpartition('#')[0]}#{shard}", row.sk)


def hour_name(moment: datetime) -> str:
    """The sort key of the hour in UTC; sorts by time."""
    return f"HOUR#{moment.astimezone(UTC).isoformat(timespec='hours')[:13]}"


def day_name(moment: datetime) -> str:
    """The sort key of the day in UTC; sorts by time."""
    return f"{DAYS}{moment.astimezone(UTC).date().isoformat()}"


def period_start(name: str) -> datetime:
    """The start of the hour or day with that sort key. Raises ValueError for any other key."""
    return datetime.fromisoformat(name.partition("#")[2]).replace(tzinfo=UTC)


def combination_day(project: str, day: date, names: Sequence[str | None], shard: int) -> Key:
    """The key of one shard of a combination's totals of one day; `names` in the order of `Dimension`."""
    return Key(combinations_of_project(project, shard), f"{day.isoformat()}#{digest(names)}")


def combinations_of_project(project: str, shard: int) -> str:
    """One of the partitions that hold a project's totals by day and combination."""
    return f"P#{part(project)}#DAYS#{shard}"


def latency_day(project: str, day: date, names: Sequence[str | None], shard: int) -> Key:
    """The key of one shard of the histograms of one day; `names`: of the task, the provider and the model."""
    return Key(latencies_of_project(project, shard), f"{day.isoformat()}#{digest(names)}")


def latencies_of_project(project: str, shard: int) -> str:
    """One of the partitions that hold a project's histograms by day, task and model."""
    return f"P#{part(project)}#LATENCY#{shard}"


def caller_day(project: str, day: date, caller: str, shard: int) -> Key:
    """The key of one shard of a caller's totals of one day."""
    return Key(callers_of_project(project, shard), f"{day.isoformat()}#{digest((caller,))}")


def callers_of_project(project: str, shard: int) -> str:
    """One of the partitions that hold a project's totals by day and caller."""
    return f"P#{part(project)}#CALLERS#{shard}"


def prompt_version(project: str, task_id: str, version: str, shard: int) -> Key:
    """The key of one shard of the totals of a prompt version of a task."""
    return Key(prompts_of_project(project, shard), f"{prompts_of_task(task_id)}{part(version)}")


def prompts_of_project(project: str, shard: int) -> str:
    """One of the partitions that hold a project's totals by task and prompt version."""
    return f"P#{part(project)}#PROMPTS#{shard}"


def prompts_of_task(task_id: str) -> str:
    """What the sort keys of a task's prompt versions begin with."""
    return f"{part(task_id)}#"


def within_days(first: date, last: date) -> tuple[str, str]:
    """Between these two are the sort keys that begin with a day from the first to the last."""
    return f"{first.isoformat()}#", f"{last.isoformat()}#~"


def day_of(sort_key: str) -> date:
    """The day that such a sort key begins with."""
    return date.fromisoformat(sort_key.partition("#")[0])
