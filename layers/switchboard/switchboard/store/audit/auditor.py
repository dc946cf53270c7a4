"""Audits closed days: sums a day's calls anew, and compares the sums with the stored rows of totals.

Rows that differ are confirmed: read, the calls summed once more, and read again. If they moved meanwhile (a price was
corrected, a trace restored), that is repeated.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import batched

from switchboard.domain.audit import DayAudit, Difference, Outcome, start_of
from switchboard.store.audit.audit_store import DynamoAudit, StoredRow
from switchboard.store.audit.audit_sums import DaySums, RowSum
from switchboard.store.keyspace import Key
from switchboard.store.ledger.addition import Scope

MAX_TRIES = 3
MAX_STOPS = 3
"""Runs that may end while a day's rows are read. A day that takes longer is too large."""
_THREADS = 8
MAX_SCHEDULED_ROWS = 20_000
"""Of one day that an audit in 512 MB and a part of a minute compares."""

type HasTime = Callable[[], bool]
type _Rows = Mapping[Key, StoredRow]


class Auditor:
    """Audits one day at a time. What it could not finish in time, the next call continues."""

    def __init__(self, store: DynamoAudit, max_rows: int | None = None) -> None:
        self._store = store
        self._max_rows = max_rows

    def audit(self, project: str, day: date, has_time: HasTime, *, repair: bool = False) -> DayAudit | None:
        """Audit a closed day whose traces all exist; None if the time did not suffice. Raises StoreUnavailable."""
        sums = self._store.load(project, day) or DaySums()
        try:
            return self._audit(project, day, sums, has_time, repair=repair)
        except _TimeEnded as ended:
            ended.sums.stops += 1
            self._store.save(project, day, ended.sums)
            return None

    def _audit(self, project: str, day: date, sums: DaySums, has_time: HasTime, *, repair: bool) -> DayAudit | None:
        while self._read(project, day, sums, has_time):
            if (outcome := self._uncomparable(sums)) is not None:
                return self._end(project, day, DayAudit(project, day, outcome, sums.calls))
            timely = _Timely(has_time, sums)
            stored = self._stored(project, day, timely)
            whole = DayAudit(project, day, Outcome.CLEAN, sums.calls, len(stored))
            differing, found = self._compare(whole, timely, stored)
            if not differing:
                return self._end(project, day, found)
            if sums.before == (now := _counters(stored, differing)):
                return self._end(project, day, self._differ(found, sums, stored, repair=repair))
            if sums.tries == MAX_TRIES:
                return self._end(project, day, replace(found, outcome=Outcome.MOVING, differences=()))
            sums = DaySums(before=now, tries=sums.tries + 1)
        return None

    def _read(self, project: str, day: date, sums: DaySums, has_time: HasTime) -> bool:
        """Read the calls that are left; False, with the sums stored, if the time did not suffice."""
        while not sums.is_complete and sums.unsettled is None and not self._is_too_large(sums):
            if not has_time():
                self._store.save(project, day, sums)
                return False
            self._store.read_page(project, day, sums)
        return True

    def _uncomparable(self, sums: DaySums) -> Outcome | None:
        if sums.unsettled is not None:
            return Outcome.UNSETTLED
        return Outcome.TOO_LARGE if self._is_too_large(sums) else None

    def _is_too_large(self, sums: DaySums) -> bool:
        return sums.stops > MAX_STOPS or (self._max_rows is not None and len(sums.rows) > self._max_rows)

    def _stored(self, project: str, day: date, timely: "_Timely") -> dict[Key, StoredRow]:
        """The rows that the day's calls are in, and all others of the day that are stored."""
        counted = timely.sums.rows
        keys = dict.fromkeys([*counted, *timely.each(self._store.keys_of_day(project, day))])
        found = timely.each(self._store.rows(keys))
        return {key: row for key, row in found if row.shards or key in counted}

    def _compare(self, found: DayAudit, timely: "_Timely", stored: _Rows) -> tuple[list[Key], DayAudit]:
        """The rows that differ, and the audit with their differences and the number of rows that cannot be compared."""
        rows = timely.sums.rows
        counted = {key: rows[key].counters if key in rows else {} for key in stored}
        differing = {key: own for key in stored if (own := list(_differences(key, stored[key], counted[key])))}
        others = self._of_other_days(found, {key: rows[key] for key in differing if key in rows}, stored)
        differing |= self._tasks_differences(found.project, {key: rows[key].task_id for key in others}, timely)
        differences = tuple(each for own in differing.values() for each in own)
        unaudited = sum(rows[key].task_id is None for key in others)
        return [key for key, own in differing.items() if own], replace(
            found, differences=differences, unaudited=unaudited
        )

    def _tasks_differences(
        self, project: str, tasks: Mapping[Key, str | None], timely: "_Timely"
    ) -> dict[Key, list[Difference]]:
        """How the rows of tasks differ from the sums of their days, several at once; nothing of other rows."""
        found: dict[Key, list[Difference]] = {}
        with ThreadPoolExecutor(_THREADS, "audit") as pool:
            for some in timely.each(batched(tasks.items(), _THREADS, strict=False)):
                found |= pool.map(lambda each: (each[0], self._task_differences(project, *each)), some)
        return found

    def _task_differences(self, project: str, key: Key, task_id: str | None) -> list[Difference]:
        """How a task's row differs from the sum of its days: both are written at once, so that neither is ahead."""
        for _ in range(MAX_TRIES if task_id is not None else 0):
            days = self._store.days_of_task(project, task_id or "")
            [(_, row)] = self._store.rows([key])
            if self._store.days_of_task(project, task_id or "") == days:
                return list(_differences(key, row, days))
        return []

    def _of_other_days(self, found: DayAudit, rows: Mapping[Key, RowSum], stored: _Rows) -> set[Key]:
        """Those of the rows that also count calls of other days, or may."""
        ids = [row.conversation_id for row in rows.values() if row.conversation_id is not None]
        spans = self._store.conversation_spans(found.project, ids)
        begin, end = start_of(found.day), start_of(found.day + timedelta(days=1))
        others = set()
        for key, row in rows.items():
            seen = stored[key].seen if row.conversation_id is None else spans.get(row.conversation_id)
            if row.about.scope is not Scope.DAY and (seen is None or seen.first < begin or seen.last >= end):
                others.add(key)
        return others

    def _differ(self, found: DayAudit, sums: DaySums, stored: _Rows, *, repair: bool) -> DayAudit:
        differences = found.differences
        if repair:
            differences = tuple(
                replace(each, is_repaired=self._repair(each, sums, stored[Key(each.pk, each.sk)]))
                for each in differences
            )
        return replace(found, outcome=Outcome.DIFFERS, differences=differences)

    def _repair(self, found: Difference, sums: DaySums, row: StoredRow) -> bool:
        key = Key(found.pk, found.sk)
        return self._store.repair(row, found, sums.rows[key].about if key in sums.rows else None)

    def _end(self, project: str, day: date, found: DayAudit) -> DayAudit:
        self._store.forget(project, day)
        return found


class _TimeEnded(Exception):
    """The time ended while rows were read. `sums`: of the calls, which have all been read."""

    def __init__(self, sums: DaySums) -> None:
        super().__init__("the time ended")
        self.sums = sums


@dataclass(frozen=True, slots=True)
class _Timely:
    """Goes on while there is time. Raises _TimeEnded."""

    has_time: HasTime
    sums: DaySums

    def each[T](self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            if not self.has_time():
                raise _TimeEnded(self.sums)
            yield item


def _differences(key: Key, stored: StoredRow, counted: Mapping[str, int]) -> Iterator[Difference]:
    for name in sorted({*stored, *counted}):
        if stored.get(name, 0) != counted.get(name, 0):
            yield Difference(key.pk, key.sk, name, stored.get(name, 0), counted.get(name, 0))


def _counters(stored: _Rows, keys: Iterable[Key]) -> dict[Key, dict[str, int]]:
    return {key: dict(stored[key]) for key in keys}
