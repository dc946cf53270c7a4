"""The use case: a batch of stream records becomes settled calls; what cannot be settled now is named."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cost_aggregator.backoff import Backoff, RemainingMs
from cost_aggregator.poison import Poison, PoisonQueue, QueueUnavailable
from cost_aggregator.records import Place, StreamRecord, Unreadable, due_trace, place_of
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.pricing import settled
from switchboard.domain.rates import RateCard
from switchboard.domain.trace import Trace
from switchboard.store.ledger_group import pack
from switchboard.store.ports import Ledger, StoreBusy, StoreUnavailable, WriteRefused


class Prices(Protocol):
    """Where the price of a call is found."""

    def card(self, provider: str, model: str, at: datetime) -> RateCard | None:
        """The card for a call that began at `at`; None where the price is not known."""


@dataclass(slots=True)
class _Batch:
    """One batch on its way. `traces` by project and id; `places`: the records that told of each."""

    remaining_ms: RemainingMs
    traces: dict[tuple[str, str], Trace] = field(default_factory=dict)
    places: dict[tuple[str, str], list[Place]] = field(default_factory=dict)
    fresh: list[Trace] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    poisoned: int = 0

    def take(self, place: Place, trace: Trace) -> None:
        call = trace.project, trace.trace_id
        self.traces[call] = trace
        self.places.setdefault(call, []).append(place)

    def places_of(self, traces: Iterable[Trace]) -> list[Place]:
        return [place for trace in traces for place in self.places[trace.project, trace.trace_id]]


@dataclass(frozen=True, slots=True)
class Settling:
    """Prices and settles. Any batch may come again, whole or in part, before or after others."""

    ledger: Ledger
    prices: Prices
    poison: PoisonQueue
    telemetry: Telemetry
    backoff: Backoff
    now: Callable[[], datetime]

    def settle(self, records: Iterable[StreamRecord], remaining_ms: RemainingMs) -> tuple[str, ...]:
        """Settle every finished call of the batch; the sequence numbers of the records that must be delivered again."""
        batch = _Batch(remaining_ms)
        for record in records:
            self._read(record, batch)
        priced = (self._price(trace, batch) for trace in batch.traces.values())
        for group in pack(trace for trace in priced if trace is not None):
            self._settle_group(group, batch)
        self.telemetry.counted(batch.fresh, batch.poisoned)
        return tuple(batch.failed)

    def _read(self, record: StreamRecord, batch: _Batch) -> None:
        place = place_of(record)
        try:
            trace = due_trace(record)
        except Unreadable as unreadable:
            self._isolate([place], str(unreadable), batch)
        else:
            if trace is not None:
                batch.take(place, trace)

    def _price(self, trace: Trace, batch: _Batch) -> Trace | None:
        try:
            return settled(trace, self.prices.card, self.now())
        except Exception as error:  # noqa: BLE001 - one call's odd name or number must not hold up all that follow
            self._isolate(batch.places_of([trace]), f"cannot be priced: {type(error).__name__}: {error}", batch)
            return None

    def _settle_group(self, group: Sequence[Trace], batch: _Batch) -> None:
        tries = 0
        while True:
            if not self.backoff.has_time(batch.remaining_ms):
                return self._defer(group, "there is no time left", batch)
            try:
                answer = self.ledger.settle(group)
            except WriteRefused as refused:
                return self._settle_apart(group, refused, batch)
            except StoreBusy as busy:
                tries += 1
                if not self.backoff.pause(tries, batch.remaining_ms):
                    return self._defer(group, str(busy), batch)
            except StoreUnavailable as unavailable:
                return self._defer(group, str(unavailable), batch)
            else:
                batch.fresh += answer.fresh
                return self.telemetry.settled([*answer.fresh, *answer.earlier])

    def _settle_apart(self, group: Sequence[Trace], refused: WriteRefused, batch: _Batch) -> None:
        """Halve a group that the store refuses until the one trace is found that it refuses."""
        if len(group) == 1:
            self._isolate(batch.places_of(group), str(refused), batch)
            return
        middle = len(group) // 2
        self._settle_group(group[:middle], batch)
        self._settle_group(group[middle:], batch)

    def _isolate(self, places: Sequence[Place], reason: str, batch: _Batch) -> None:
        for place in places:
            poison = Poison(place, reason)
            try:
                self.poison.put(poison)
            except QueueUnavailable as unavailable:
                batch.failed.append(place.sequence_number)
                self.telemetry.deferred(1, f"the poison queue did not take it: {unavailable}")
            else:
                batch.poisoned += 1
                self.telemetry.poisoned(poison)

    def _defer(self, group: Sequence[Trace], reason: str, batch: _Batch) -> None:
        places = batch.places_of(group)
        batch.failed += [place.sequence_number for place in places]
        self.telemetry.deferred(len(places), reason)
