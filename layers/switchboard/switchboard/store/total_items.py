"""Totals ⇄ items. A total is stored in several rows, one per shard, which are summed when read.

Counters of 0 are left out: rows are kept small, since every ADD is billed by the size of the whole row.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from switchboard.domain.totals import COUNTERS, ZERO, Granularity, Period, Span, TaskTotals, Totals
from switchboard.store import keyspace

KIND = "totals"
HOURS_KEPT_FOR = timedelta(days=400)
_HOUR = timedelta(hours=1)


def expires_at(hour: datetime) -> int:
    """When the row of that hour expires, in epoch seconds; daily and all-time totals never expire."""
    return int((hour + _HOUR + HOURS_KEPT_FOR).timestamp())


def totals(item: Mapping[str, Any]) -> Totals:
    """The counters of a row."""
    return Totals(**{name: item[name] for name in COUNTERS if name in item})


def span(item: Mapping[str, Any]) -> Span:
    """The first and last start of an all-time row's calls. Raises KeyError for a row of another kind."""
    return Span(datetime.fromisoformat(item["first_seen"]), datetime.fromisoformat(item["last_seen"]))


def moment_text(moment: datetime) -> str:
    """The time as text that sorts by time: UTC, always with six decimals."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def tasks(items: Iterable[Mapping[str, Any]]) -> tuple[TaskTotals, ...]:
    """The tasks in all-time rows, sorted by name."""
    found: dict[str, TaskTotals] = {}
    for item in items:
        name = item["task_id"]
        earlier = found.get(name)
        found[name] = TaskTotals(
            name,
            totals(item) + (earlier.totals if earlier else ZERO),
            span(item) | earlier.seen if earlier else span(item),
        )
    return tuple(found[name] for name in sorted(found))


def periods(items: Iterable[Mapping[str, Any]], granularity: Granularity) -> tuple[Period, ...]:
    """The periods summed from hour or day rows, oldest first."""
    found: dict[datetime, Totals] = {}
    for item in items:
        start = granularity.start_of(keyspace.period_start(item["sk"]))
        found[start] = found.get(start, ZERO) + totals(item)
    return tuple(Period(start, found[start]) for start in sorted(found))
