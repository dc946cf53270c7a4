"""Totals ⇄ items. A total is stored in several rows, one per shard, which are summed when read.

Counters of 0 are left out: rows are kept small, since every ADD is billed by the size of the whole row.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from switchboard.domain.totals import COUNTERS, ZERO, Granularity, Period, Span, TaskTotals, Totals
from switchboard.store import keyspace

KIND = "totals"
SHORT = {
    "calls": "ca",
    "errors": "er",
    "unpriced_calls": "up",
    "partly_priced_calls": "pp",
    "estimated_calls": "es",
    "cost_pico_usd": "co",
    "unheard_pico_usd": "uh",
    "saved_pico_usd": "sa",
    "fresh_input": "fi",
    "cache_read": "cr",
    "cache_write_5m": "c5",
    "cache_write_1h": "c1",
    "output": "ou",
    "reasoning": "re",
    "audio_input": "ai",
    "audio_cache_read": "ac",
    "audio_output": "ao",
    "image_input": "ii",
    "image_cache_read": "ic",
    "image_output": "io",
    "searches": "se",
}
"""Names of counters in the rows by dimension, which are many. A task's own rows have the whole names."""
HOURS_KEPT_FOR = timedelta(days=400)
_HOUR = timedelta(hours=1)


def expires_at(hour: datetime) -> int:
    """When the row of that hour expires, in epoch seconds; daily and all-time totals never expire."""
    return int((hour + _HOUR + HOURS_KEPT_FOR).timestamp())


def counters(totals: Totals) -> Mapping[str, int]:
    """Totals as counters of a row."""
    return {name: count for name in COUNTERS if (count := getattr(totals, name))}


def short(counters: Mapping[str, int]) -> Mapping[str, int]:
    """Counters under their short names."""
    return {SHORT[name]: count for name, count in counters.items()}


def whole_name(counter: str) -> str:
    """The name of a counter, short or not; that of a histogram's bucket is as it is."""
    return next((name for name, each in SHORT.items() if each == counter), counter)


def totals(item: Mapping[str, Any]) -> Totals:
    """The counters of a row."""
    return Totals(**{name: item[name] for name in COUNTERS if name in item})


def short_totals(item: Mapping[str, Any]) -> Totals:
    """The counters of a row with short names."""
    return Totals(**{name: item[SHORT[name]] for name in COUNTERS if SHORT[name] in item})


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
