"""What an audit reads and writes: a day's traces, rows of totals, its own checkpoint, and repairs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any

from switchboard.domain.audit import Difference, ProjectDays, Retention, start_of
from switchboard.domain.totals import Span
from switchboard.domain.trace_id import created_at
from switchboard.store import keyspace
from switchboard.store.attributes import Item, Value
from switchboard.store.audit import audit_rows
from switchboard.store.audit.audit_sums import DaySums, unpacked
from switchboard.store.conversations import conversation_items
from switchboard.store.dynamodb_update import Update
from switchboard.store.keyspace import Key
from switchboard.store.ledger import total_items
from switchboard.store.ledger.addition import Addition
from switchboard.store.ledger.conditions import LedgerTable
from switchboard.store.ledger.group import row_update
from switchboard.store.traces import trace_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAGE_ROWS = 400
"""Traces that are read at once."""

KIND = "audit"
RETENTION_KIND = "retention"
_ROWS_AT_ONCE = 25
_THREADS = 8
_PART_BYTES = 300 * 1024
_SAVED_FOR = timedelta(days=2)
_NOT_COUNTERS = frozenset({"expires_at"})
_MAX_HISTORY = 20
_LATER = "attribute_not_exists(#audited_until) OR #audited_until < :audited_until"


class StoredRow(Mapping[str, int]):
    """The counters of a row, summed over its shards. `shards`: those of each shard that has it; `seen`: its span."""

    def __init__(self, items: Sequence[Mapping[str, Any]]) -> None:
        self.shards = {Key(item["pk"], item["sk"]): _counters(item) for item in items}
        self._sums: dict[str, int] = {}
        for counters in self.shards.values():
            for name, count in counters.items():
                self._sums[name] = self._sums.get(name, 0) + count
        spans = [total_items.span(item) for item in items if "first_seen" in item]
        self.seen = Span(min(s.first for s in spans), max(s.last for s in spans)) if spans else None

    def __getitem__(self, name: str) -> int:
        return self._sums[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sums)

    def __len__(self) -> int:
        return len(self._sums)


class DynamoAudit:
    """Audits on one table. Raises StoreUnavailable, StoreBusy if a retry may help."""

    def __init__(self, client: "DynamoDBClient", table_name: str, clock: Callable[[], datetime]) -> None:
        self._table = LedgerTable(client, table_name)
        self._clock = clock

    def read_page(self, project: str, day: date, sums: DaySums) -> None:
        """Add the next page of the day's calls to its sums; one request, consistent."""
        ids = keyspace.trace_range(start_of(day), start_of(day + timedelta(days=1)), None)
        pk = keyspace.traces_of_project(project, keyspace.SHARDS[sums.shard])
        page = self._table.page(pk, ids, sums.after, PAGE_ROWS)
        try:
            traces = [trace_items.from_item(item) for item in page.items]
        except Exception:  # noqa: BLE001 - a row that cannot be read is not settled either
            sums.unsettled = page.items[0]["sk"]
        else:
            sums.add(traces, page.last)

    def rows(self, keys: Iterable[Key]) -> Iterator[tuple[Key, StoredRow]]:
        """The stored rows with these keys of shard 0, consistent; a row that does not exist is empty."""
        with ThreadPoolExecutor(_THREADS, "audit") as pool:
            for batches in batched(batched(keys, _ROWS_AT_ONCE, strict=False), _THREADS, strict=False):
                for found in pool.map(self._rows, batches):
                    yield from found.items()

    def _rows(self, keys: Sequence[Key]) -> dict[Key, StoredRow]:
        found: dict[Key, list[dict[str, Any]]] = {key: [] for key in keys}
        for item in self._table.get_all(
            keyspace.in_shard(key, shard) for key in keys for shard in keyspace.TOTALS_SHARDS
        ):
            found[keyspace.in_shard(Key(item["pk"], item["sk"]), 0)].append(item)
        return {key: StoredRow(items) for key, items in found.items()}

    def conversation_spans(self, project: str, conversation_ids: Iterable[str]) -> dict[str, Span]:
        """From the first to the last call of each conversation whose facts are stored."""
        keys = [keyspace.conversation_facts(project, each) for each in conversation_ids]
        found: dict[str, Span] = {}
        for item in self._table.get_all(keys):
            facts = conversation_items.facts_from_item(item)
            found[item["conversation_id"]] = Span(created_at(facts.first_id), created_at(facts.last_id))
        return found

    def days_of_task(self, project: str, task_id: str) -> dict[str, int]:
        """The sums over all the days of a task; consistent within each shard."""
        return dict(StoredRow(list(audit_rows.days_of_task(self._table, project, task_id))))

    def keys_of_day(self, project: str, day: date) -> Iterator[Key]:
        """The keys, in shard 0, of every row of the day that can be listed; there need not be such rows of tasks."""
        return audit_rows.keys_of_day(self._table, project, day)

    def repair(self, row: StoredRow, found: Difference, about: Addition | None) -> bool:
        """Add what is missing to one shard of the row, if its counter is as it was read; returns whether it was.

        `about`: what the row is about, for a row that is not there any more; None if no call is in it.
        """
        missing, counter = found.counted - found.stored, found.counter
        if about is not None and not row.shards:
            update = row_update(replace(about, counters={counter: missing}), about.span)
            return self._table.update_if(_if_stored(update, counter, None))
        key, counters = next(iter(row.shards.items()))
        update = Update(key, f"ADD #{counter} :{counter}", {counter: missing})
        return self._table.update_if(_if_stored(update, counter, counters.get(counter)))

    def load(self, project: str, day: date) -> DaySums | None:
        """The sums that an unfinished audit of the day has stored; None if there are none."""
        items = list(self._table.partition(keyspace.audit_part(project, day).pk))
        if not items or len(items) != items[0]["items"]:
            return None
        return unpacked(b"".join(item["data"] for item in items))

    def save(self, project: str, day: date, sums: DaySums) -> None:
        """Store the sums so far, for a day; the part with the number of parts is stored last."""
        self.forget(project, day)
        packed = sums.packed()
        parts = [packed[start : start + _PART_BYTES] for start in range(0, len(packed), _PART_BYTES)]
        for number in reversed(range(len(parts))):
            place = keyspace.audit_part(project, day, number)
            item: Item = {"pk": place.pk, "sk": place.sk, "kind": KIND, "items": len(parts), "data": parts[number]}
            self._table.put({**item, "expires_at": int((self._clock() + _SAVED_FOR).timestamp())})

    def forget(self, project: str, day: date) -> None:
        """Delete the sums of an unfinished audit."""
        for item in list(self._table.partition(keyspace.audit_part(project, day).pk)):
            self._table.delete(Key(item["pk"], item["sk"]))

    def projects(self) -> tuple[ProjectDays, ...]:
        """Every project, and the first of its days that has not been audited, by name."""
        return tuple(
            ProjectDays(item["project"], _unaudited(item)) for item in self._table.partition(keyspace.PROJECTS)
        )

    def mark_audited(self, project: str, until: date) -> None:
        """Record that the days before `until` have been audited, or never can be."""
        update = Update(
            keyspace.project(project),
            "SET #audited_until = :audited_until",
            {"audited_until": until.isoformat()},
            _LATER,
        )
        self._table.update_if(update)

    def retention_history(self) -> tuple[Retention, ...]:
        """The retention of traces at each time at which it changed, oldest first."""
        item = self._table.get(keyspace.RETENTION_HISTORY) or {}
        return tuple(
            Retention(datetime.fromisoformat(entry["since"]), timedelta(days=entry["days"]))
            for entry in item.get("entries", ())
        )

    def record_retention(self, kept_for: timedelta) -> tuple[Retention, ...]:
        """The history with the present retention, which is recorded if it is new."""
        history = self.retention_history()
        if history and history[-1].kept_for == kept_for:
            return history
        history = (*history, Retention(self._clock(), kept_for))[-_MAX_HISTORY:]
        entries: list[Value] = [
            {"since": entry.since.astimezone(UTC).isoformat(), "days": entry.kept_for.days} for entry in history
        ]
        place = keyspace.RETENTION_HISTORY
        self._table.put({"pk": place.pk, "sk": place.sk, "kind": RETENTION_KIND, "entries": entries})
        return history


def _if_stored(update: Update, counter: str, stored: int | None) -> Update:
    """The update, on condition that the counter has that value; None: that there is no such counter."""
    condition = f"attribute_not_exists(#{counter})" if stored is None else f"#{counter} = :stored"
    values = update.values if stored is None else {**update.values, "stored": stored}
    if update.condition is not None:
        condition = f"({update.condition}) AND {condition}"
    return replace(update, condition=condition, values=values)


def _unaudited(item: Mapping[str, Any]) -> date | None:
    """Days before the first whose rows have every call cannot be audited."""
    day = item.get("audited_until", item.get("dimensions_since"))
    return None if day is None else date.fromisoformat(day)


def _counters(item: Mapping[str, Any]) -> dict[str, int]:
    return {name: value for name, value in item.items() if type(value) is int and name not in _NOT_COUNTERS}
