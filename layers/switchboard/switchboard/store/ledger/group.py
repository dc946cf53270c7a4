"""A group of settled calls as one transaction: one update for each trace, and one for each row of totals."""

from collections.abc import Iterable, Iterator, Mapping

from switchboard.domain.repricing import Revision
from switchboard.domain.totals import Span
from switchboard.domain.trace import Trace
from switchboard.store import keyspace
from switchboard.store.attributes import Item, Value
from switchboard.store.dynamodb_update import Update
from switchboard.store.keyspace import Key
from switchboard.store.ledger import total_items
from switchboard.store.ledger.addition import Addition, by_row
from switchboard.store.ledger.rows import additions, differences
from switchboard.store.traces import settlement_items

MAX_TRACES = 50
MAX_ROWS = 100
"""DynamoDB's limit for one transaction."""

_UNSETTLED = "attribute_exists(pk) AND attribute_not_exists(#settled_at) AND #status = :status"
_AS_READ = "attribute_exists(#settled_at) AND #status = :status AND "
_FIRST_REVISION = f"attribute_not_exists(#{settlement_items.REVISION})"
_EXTENDS_LAST_SEEN = "attribute_not_exists(pk) OR (#first_seen <= :first_seen AND #last_seen <= :last_seen)"
_WIDENS_SPAN = "attribute_not_exists(pk) OR (#first_seen >= :first_seen AND #last_seen <= :last_seen)"


class Group:
    """Settled traces, all different, to be added to one shard of the totals."""

    _sets_names = True

    def __init__(self, traces: Iterable[Trace], shard: int) -> None:
        self.traces = tuple(traces)
        self._marks = tuple(map(_trace_update, self.traces))
        self._rows = by_row(added for trace in self.traces for added in additions(trace, shard))

    def updates(self, known: Mapping[Key, Span]) -> list[Update]:
        """The transaction: the traces, then their rows of totals. `known`: the stored spans of rows that have one."""
        return [
            *self._marks,
            *(row_update(added, known.get(added.key), sets_names=self._sets_names) for added in self._rows.values()),
        ]

    def row(self, place: int) -> Key:
        """The row of totals whose update has that index in the transaction."""
        return list(self._rows)[place - len(self.traces)]

    def spans(self) -> dict[Key, Span]:
        """The first and last start of the group's calls, by row that has a span."""
        return {key: added.span for key, added in self._rows.items() if added.span is not None}


class RevisedGroup(Group):
    """Calls that are settled anew, all different: the difference is added to one shard of the totals."""

    _sets_names = (
        False  # later calls may have been added to the rows since, which are named by them and expire with them
    )

    def __init__(self, revisions: Iterable[Revision], shard: int) -> None:
        revisions = tuple(revisions)
        self.traces = tuple(revision.after for revision in revisions)
        self._marks = tuple(map(_revision_update, revisions))
        rows = by_row(added for each in revisions for added in differences(each.before, each.after, shard))
        self._rows = {key: added for key, added in rows.items() if added.counters}  # differences may cancel each other


def pack(traces: Iterable[Trace]) -> Iterator[tuple[Trace, ...]]:
    """The traces in groups that fit a transaction. A task's calls of one hour are adjacent, since they share rows."""
    group: list[Trace] = []
    rows: set[Key] = set()
    for trace in sorted(traces, key=lambda trace: (trace.project, trace.task_id, trace.started_at)):
        own = {added.key for added in additions(trace, 0)}
        if len(group) == MAX_TRACES or len(group) + 1 + len(rows | own) > MAX_ROWS:
            yield tuple(group)
            group, rows = [], set()
        group.append(trace)
        rows |= own
    if group:
        yield tuple(group)


def row_update(added: Addition, known: Span | None, *, sets_names: bool = True) -> Update:
    """Adds to a row of totals and widens its span, in whatever order calls are settled.

    If the row's span is unknown, the update assumes that these calls are its latest, as is usual. If they are not, the
    condition fails, and the failure returns the row with its span. `sets_names`: also on a row that has them,
    with when it expires.
    """
    values: dict[str, Value] = {"kind": total_items.KIND, **added.names}
    if added.expires_at is not None:
        values["expires_at"] = added.expires_at
    stored = [f"#{name} = {f':{name}' if sets_names else f'if_not_exists(#{name}, :{name})'}" for name in values]
    condition = None
    if added.span is not None:
        widened = added.span if known is None else known | added.span
        values["first_seen"] = total_items.moment_text(widened.first)
        values["last_seen"] = total_items.moment_text(widened.last)
        first = "if_not_exists(#first_seen, :first_seen)" if known is None else ":first_seen"
        stored += [f"#first_seen = {first}", "#last_seen = :last_seen"]
        condition = _EXTENDS_LAST_SEEN if known is None else _WIDENS_SPAN
    expression = f"SET {', '.join(stored)} ADD {', '.join(f'#{name} :{name}' for name in added.counters)}"
    return Update(added.key, expression, {**values, **added.counters}, condition)


def _trace_update(trace: Trace) -> Update:
    values = {name: value for name, value in _settlement_item(trace).items() if value is not None}
    return Update(_key(trace), _set(values), {**values, "status": trace.status.value}, _UNSETTLED)


def _revision_update(revision: Revision) -> Update:
    """Replaces the settlement on condition that it is the one that was read."""
    trace, was = revision.after, _settlement_item(revision.before).get(settlement_items.REVISION)
    item = _settlement_item(trace)
    values = {name: value for name, value in item.items() if value is not None}
    gone = [name for name in (*item, *settlement_items.EARLIER_NAMES) if name not in values]
    conditions: dict[str, Value] = {"status": trace.status.value} | ({} if was is None else {"was": was})
    return Update(
        _key(trace),
        f"{_set(values)} REMOVE {', '.join(f'#{name}' for name in gone)}",
        {**values, **conditions},
        _AS_READ + (_FIRST_REVISION if was is None else f"#{settlement_items.REVISION} = :was"),
    )


def _set(values: Mapping[str, Value]) -> str:
    return "SET " + ", ".join(f"#{name} = :{name}" for name in values)


def _key(trace: Trace) -> Key:
    return keyspace.trace(trace.project, trace.trace_id)


def _settlement_item(trace: Trace) -> Item:
    if trace.settlement is None:
        raise ValueError(f"{trace.trace_id} has no settlement")
    return settlement_items.to_item(trace.settlement)
