"""Settles the calls in a batch of stream records; returns the records that must be delivered again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from cost_aggregator.backoff import Backoff, RemainingMs
from cost_aggregator.poison import PoisonMessage, PoisonQueue, QueueUnavailable
from cost_aggregator.records import NO_RECORD, RecordId, RecordUnreadable, StreamRecord, record_id_of, unsettled_trace
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.pricing import settled
from switchboard.domain.rates import RateCard
from switchboard.domain.trace import Trace
from switchboard.store import keyspace
from switchboard.store.ledger.group import pack
from switchboard.store.ledger.rows import additions
from switchboard.store.ports import Ledger, SettledRows, StoreBusy, StoreUnavailable, WriteRefused


class Prices(Protocol):
    """Finds the price of a call."""

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The card for a call that began at `at`; None if the price is unknown."""


class Books(Protocol):
    """Finds the prices of a project."""

    def of(self, project: str) -> Prices:
        """The project's prices. Raises StoreUnavailable."""


@dataclass(slots=True)
class Found:
    """Calls that a sweep has found unsettled, and rows that can never be settled, each with the reason."""

    traces: list[Trace] = field(default_factory=list)
    unsettleable: list[tuple[RecordId, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SettledFound:
    """The calls that were settled just now, and whether none is left over."""

    fresh: tuple[Trace, ...]
    is_complete: bool


@dataclass(slots=True)
class _Batch:
    """The state of one batch. `traces` by project and id; `ids`: the records of each trace."""

    remaining_ms: RemainingMs
    traces: dict[tuple[str, str], Trace] = field(default_factory=dict)
    ids: dict[tuple[str, str], list[RecordId]] = field(default_factory=dict)
    fresh: list[Trace] = field(default_factory=list)
    earlier: list[Trace] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    poisoned: int = 0

    def take(self, record_id: RecordId, trace: Trace) -> None:
        call = trace.project, trace.trace_id
        self.traces[call] = trace
        self.ids.setdefault(call, []).append(record_id)

    def ids_of(self, traces: Iterable[Trace]) -> list[RecordId]:
        return [record_id for trace in traces for record_id in self.ids[trace.project, trace.trace_id]]


@dataclass(frozen=True, slots=True)
class Settling:
    """Prices and settles calls. Any batch may be delivered again, in whole or in part, in any order.

    `rows`: what is written beside the transaction, and before the records are acknowledged.
    """

    ledger: Ledger
    books: Books
    poison: PoisonQueue
    telemetry: Telemetry
    backoff: Backoff
    now: Callable[[], datetime]
    rows: Sequence[SettledRows] = ()

    def settle(self, records: Iterable[StreamRecord], remaining_ms: RemainingMs) -> tuple[str, ...]:
        """Settle every finished call of the batch; the sequence numbers of the records that must be delivered again."""
        batch = _Batch(remaining_ms)
        for record in records:
            self._read(record, batch)
        self._settle_priced(self._priced(batch), batch)
        self._write_rows((*batch.fresh, *batch.earlier), batch)
        self.telemetry.counted(batch.fresh, batch.poisoned)
        return tuple(batch.failed)

    def settle_found(self, found: Found, remaining_ms: RemainingMs) -> SettledFound:
        """Settle calls that a sweep has found, by the same rules; one that can never be settled is put in the queue.

        Rows that follow from them come first: no sweep finds a call again that is settled, and the stream may not have
        brought it.
        """
        batch = _Batch(remaining_ms)
        for trace in found.traces:
            batch.take(_row_id(trace), trace)
        for record_id, reason in found.unsettleable:
            self._isolate([record_id], reason, batch)
        priced = self._priced(batch)
        if self._write_rows(priced, batch):
            self._settle_priced(priced, batch)
        self.telemetry.counted(batch.fresh, batch.poisoned)
        return SettledFound(tuple(batch.fresh), is_complete=not batch.failed)

    def _priced(self, batch: _Batch) -> list[Trace]:
        priced = (self._price(trace, batch) for trace in batch.traces.values())
        return [trace for trace in priced if trace is not None]

    def _settle_priced(self, traces: Iterable[Trace], batch: _Batch) -> None:
        for group in self._groups(tuple(traces), batch):
            self._write(group, lambda part: self._settle_group(part, batch), batch)

    def _groups(self, traces: Sequence[Trace], batch: _Batch) -> list[tuple[Trace, ...]]:
        """The calls by transaction, without those that cannot be added to totals."""
        try:
            return list(pack(traces))
        except Exception:  # noqa: BLE001 - one invalid call must not block the others
            return list(pack(trace for trace in traces if self._is_countable(trace, batch)))

    def _is_countable(self, trace: Trace, batch: _Batch) -> bool:
        try:
            additions(trace, keyspace.TOTALS_SHARDS[0])
        except Exception as error:  # noqa: BLE001 - as above
            self._isolate(batch.ids_of([trace]), f"cannot be counted: {type(error).__name__}: {error}", batch)
            return False
        return True

    def _settle_group(self, group: Sequence[Trace], batch: _Batch) -> None:
        answer = self.ledger.settle(group)
        batch.fresh += answer.fresh
        batch.earlier += answer.earlier
        self.telemetry.settled([*answer.fresh, *answer.earlier])

    def _write_rows(self, traces: Sequence[Trace], batch: _Batch) -> bool:
        """Write what follows from the calls; returns whether none of them was deferred."""
        return not traces or all(self._write(traces, rows.write, batch) for rows in self.rows)

    def _read(self, record: StreamRecord, batch: _Batch) -> None:
        record_id = record_id_of(record)
        try:
            trace = unsettled_trace(record)
        except RecordUnreadable as unreadable:
            self._isolate([record_id], str(unreadable), batch)
        else:
            if trace is not None:
                batch.take(record_id, trace)

    def _price(self, trace: Trace, batch: _Batch) -> Trace | None:
        if not self.backoff.has_time(batch.remaining_ms):  # a store that is away takes seconds for each call
            self._defer([trace], "the invocation has no time left", batch)
            return None
        try:
            return settled(trace, self.books.of(trace.project).card, self.now())
        except StoreUnavailable as unavailable:
            self._defer([trace], str(unavailable), batch)
        except Exception as error:  # noqa: BLE001 - one invalid call must not block the others
            self._isolate(batch.ids_of([trace]), f"cannot be priced: {type(error).__name__}: {error}", batch)
        return None

    def _write(self, group: Sequence[Trace], write: Callable[[Sequence[Trace]], None], batch: _Batch) -> bool:
        """Write, with retries while there is time; returns whether no call was deferred."""
        tries = 0
        while True:
            if not self.backoff.has_time(batch.remaining_ms):
                return self._defer(group, "the invocation has no time left", batch)
            try:
                write(group)
            except WriteRefused as refused:
                return self._write_halves(group, write, str(refused), batch)
            except StoreBusy as busy:
                tries += 1
                if not self.backoff.pause(tries, batch.remaining_ms):
                    return self._defer(group, str(busy), batch)
            except StoreUnavailable as unavailable:
                return self._defer(group, str(unavailable), batch)
            except Exception as error:  # noqa: BLE001 - one invalid call must not block the others
                reason = f"cannot be written: {type(error).__name__}: {error}"
                return self._write_halves(group, write, reason, batch)
            else:
                return True

    def _write_halves(
        self, group: Sequence[Trace], write: Callable[[Sequence[Trace]], None], reason: str, batch: _Batch
    ) -> bool:
        """Split a group that cannot be written in halves, until the trace that is at fault is found."""
        if len(group) == 1:
            self._isolate(batch.ids_of(group), reason, batch)
            return True
        middle = len(group) // 2
        written = [self._write(half, write, batch) for half in (group[:middle], group[middle:])]
        return all(written)

    def _isolate(self, ids: Sequence[RecordId], reason: str, batch: _Batch) -> None:
        for record_id in ids:
            poison = PoisonMessage(record_id, reason)
            try:
                self.poison.put(poison)
            except QueueUnavailable as unavailable:
                batch.failed.append(record_id.sequence_number)
                self.telemetry.deferred(1, f"the poison queue is unavailable: {unavailable}")
            else:
                batch.poisoned += 1
                self.telemetry.poisoned(poison)

    def _defer(self, group: Sequence[Trace], reason: str, batch: _Batch) -> Literal[False]:
        ids = batch.ids_of(group)
        batch.failed += [record_id.sequence_number for record_id in ids]
        self.telemetry.deferred(len(ids), reason)
        return False


def _row_id(trace: Trace) -> RecordId:
    key = keyspace.trace(trace.project, trace.trace_id)
    return RecordId(NO_RECORD, key.pk, key.sk)
