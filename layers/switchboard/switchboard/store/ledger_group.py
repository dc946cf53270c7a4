"""A group of settled calls as one transaction: one update for each trace, and one for each row of totals."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from switchboard.domain.totals import COUNTERS, ZERO, Span, Totals, totals_of
from switchboard.domain.trace import Trace
from switchboard.store import keyspace, settlement_items, total_items
from switchboard.store.attributes import Value
from switchboard.store.dynamodb_update import Update
from switchboard.store.keyspace import Key

MAX_TRACES = 50
MAX_ROWS = 100
"""DynamoDB's limit for one transaction."""

_UNSETTLED = "attribute_exists(pk) AND attribute_not_exists(#settled_at) AND #status = :status"
_EXTENDS_LAST_SEEN = "attribute_not_exists(pk) OR (#first_seen <= :first_seen AND #last_seen <= :last_seen)"
_WIDENS_SPAN = "attribute_not_exists(pk) OR (#first_seen >= :first_seen AND #last_seen <= :last_seen)"


class _Rows(NamedTuple):
    """The rows that a call is added to."""

    task: Key
    hour: Key
    day: Key

    @classmethod
    def of(cls, trace: Trace, shard: int) -> Self:
        return cls(
            keyspace.task_totals(trace.project, trace.task_id, shard),
            keyspace.hour_totals(trace.project, trace.task_id, trace.started_at, shard),
            keyspace.day_totals(trace.project, trace.task_id, trace.started_at, shard),
        )


@dataclass(slots=True)
class _Task:
    key: Key
    task_id: str
    span: Span
    totals: Totals = ZERO


class Group:
    """Settled traces, all different, to be added to one shard of the totals."""

    def __init__(self, traces: Iterable[Trace], shard: int) -> None:
        self.traces = tuple(traces)
        self._tasks: dict[Key, _Task] = {}
        self._hours: dict[Key, Totals] = {}
        self._days: dict[Key, Totals] = {}
        for trace in self.traces:
            self._add(trace, shard)

    def updates(self, known: Mapping[Key, Span]) -> list[Update]:
        """The transaction: the traces, then their tasks, hours and days. `known`: the stored spans of all-time rows."""
        return [
            *map(_trace_update, self.traces),
            *(_task_update(task, known.get(task.key)) for task in self._tasks.values()),
            *(_hour_update(key, added) for key, added in self._hours.items()),
            *(_day_update(key, added) for key, added in self._days.items()),
        ]

    def task_row(self, place: int) -> Key:
        """The all-time row whose update has that index in the transaction."""
        return list(self._tasks)[place - len(self.traces)]

    def spans(self) -> dict[Key, Span]:
        """The first and last start of the group's calls, by all-time row."""
        return {key: task.span for key, task in self._tasks.items()}

    def _add(self, trace: Trace, shard: int) -> None:
        added = totals_of(trace)
        span = Span(trace.started_at, trace.started_at)
        rows = _Rows.of(trace, shard)
        task = self._tasks.setdefault(rows.task, _Task(rows.task, trace.task_id, span))
        task.span |= span
        task.totals += added
        self._hours[rows.hour] = self._hours.get(rows.hour, ZERO) + added
        self._days[rows.day] = self._days.get(rows.day, ZERO) + added


def pack(traces: Iterable[Trace]) -> Iterator[tuple[Trace, ...]]:
    """The traces in groups that fit a transaction. A task's calls of one hour are adjacent, since they share rows."""
    group: list[Trace] = []
    rows: set[Key] = set()
    for trace in sorted(traces, key=lambda trace: (trace.project, trace.task_id, trace.started_at)):
        own = set(_Rows.of(trace, 0))
        if len(group) == MAX_TRACES or len(group) + 1 + len(rows | own) > MAX_ROWS:
            yield tuple(group)
            group, rows = [], set()
        group.append(trace)
        rows |= own
    if group:
        yield tuple(group)


def _trace_update(trace: Trace) -> Update:
    if trace.settlement is None:
        raise ValueError(f"{trace.trace_id} has no settlement")
    item = settlement_items.to_item(trace.settlement)
    values = {name: value for name, value in item.items() if value is not None}
    return Update(
        keyspace.trace(trace.project, trace.trace_id),
        "SET " + ", ".join(f"#{name} = :{name}" for name in values),
        {**values, "status": trace.status.value},
        _UNSETTLED,
    )


def _task_update(task: _Task, known: Span | None) -> Update:
    """Adds to an all-time row and widens its span, in whatever order calls are settled.

    If the row's span is unknown, the update assumes that these calls are its latest, as is usual. If they are not, the
    condition fails, and the failure returns the row with its span.
    """
    widened = task.span if known is None else known | task.span
    values: dict[str, Value] = {
        "kind": total_items.KIND,
        "task_id": task.task_id,
        "first_seen": total_items.moment_text(widened.first),
        "last_seen": total_items.moment_text(widened.last),
    }
    first = "if_not_exists(#first_seen, :first_seen)" if known is None else ":first_seen"
    return Update(
        task.key,
        f"SET #kind = :kind, #task_id = :task_id, #first_seen = {first}, #last_seen = :last_seen {_add(task.totals)}",
        {**values, **_nonzero(task.totals)},
        _EXTENDS_LAST_SEEN if known is None else _WIDENS_SPAN,
    )


def _hour_update(key: Key, added: Totals) -> Update:
    values: dict[str, Value] = {
        "kind": total_items.KIND,
        "expires_at": total_items.expires_at(keyspace.period_start(key.sk)),
    }
    return Update(key, f"SET #kind = :kind, #expires_at = :expires_at {_add(added)}", {**values, **_nonzero(added)})


def _day_update(key: Key, added: Totals) -> Update:
    return Update(key, f"SET #kind = :kind {_add(added)}", {"kind": total_items.KIND, **_nonzero(added)})


def _add(added: Totals) -> str:
    return "ADD " + ", ".join(f"#{name} :{name}" for name in _nonzero(added))


def _nonzero(added: Totals) -> dict[str, int]:
    return {name: count for name in COUNTERS if (count := getattr(added, name))}
