"""Settles settled calls anew, in transactions; then tells lists and log, and forgets what waited for a price."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cost_aggregator.backoff import Backoff, RemainingMs
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.repricing import Revision, awaited_models
from switchboard.domain.trace import Trace
from switchboard.domain.unpriced import UnpricedModel
from switchboard.store.ledger.group import pack
from switchboard.store.ports import StoreBusy, WriteRefused
from switchboard.store.prices.price_ports import RevisingLedger, UnpricedCalls

type Revise = Callable[[Trace], Revision | None]
"""What becomes of a call; None if it stays as it is."""

_MAX_ROUNDS = 8


class MovedCalls(Protocol):
    """Lists of calls that are sorted by cost."""

    def move(self, traces: Iterable[Trace]) -> None:
        """Note that the cost of these calls may have changed. Raises StoreBusy and StoreUnavailable."""


@dataclass(slots=True)
class Revised:
    """What was revised; `is_complete`: nothing that should be is left over."""

    revisions: list[Revision] = field(default_factory=list)
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Revising:
    """Revises calls, each once. `lists`: those that are sorted by cost."""

    ledger: RevisingLedger
    unpriced: UnpricedCalls
    telemetry: Telemetry
    backoff: Backoff
    lists: MovedCalls

    def revise(self, traces: Iterable[Trace], revise: Revise, remaining_ms: RemainingMs) -> Revised:
        """Settle the calls anew. One that another process settles at the same time is looked at again.

        Raises StoreUnavailable.
        """
        done, left = Revised(), tuple(traces)
        for _ in range(_MAX_ROUNDS):
            wanted = {found.after.trace_id: found for trace in left if (found := revise(trace)) is not None}
            if not wanted:
                return done
            left = ()
            for group in pack(revision.after for revision in wanted.values()):
                left += self._write([wanted[trace.trace_id] for trace in group], done, remaining_ms)
        done.is_complete = False
        return done

    def repeat(self, traces: Sequence[Trace]) -> None:
        """Tell lists and log of calls that were revised, perhaps by a process that ended before it did."""
        if traces:
            self.lists.move(traces)
            self.telemetry.settled(traces)

    def _write(self, group: Sequence[Revision], done: Revised, remaining_ms: RemainingMs) -> tuple[Trace, ...]:
        """Write the group; returns the calls that others have settled anew since they were read, as stored."""
        tries = 0
        while self.backoff.has_time(remaining_ms):
            try:
                answer = self.ledger.revise(group)
            except WriteRefused as refused:
                return self._write_halves(group, refused, done, remaining_ms)
            except StoreBusy:
                tries += 1
                if not self.backoff.pause(tries, remaining_ms):
                    break
            else:
                self._finish([each for each in group if each.after in answer.fresh], done)
                return answer.earlier
        done.is_complete = False
        return ()

    def _write_halves(
        self, group: Sequence[Revision], refused: WriteRefused, done: Revised, remaining_ms: RemainingMs
    ) -> tuple[Trace, ...]:
        """Write the halves of a group that the store refuses, until the refused call is found: it stays as it is."""
        if len(group) == 1:
            self.telemetry.unrevised(group[0].before, str(refused))
            return ()
        middle = len(group) // 2
        return self._write(group[:middle], done, remaining_ms) + self._write(group[middle:], done, remaining_ms)

    def _finish(self, revisions: Sequence[Revision], done: Revised) -> None:
        done.revisions += revisions
        self.repeat([revision.after for revision in revisions])
        for revision in revisions:
            trace = revision.after
            for provider, model in set(awaited_models(revision.before)) - set(awaited_models(trace)):
                self.unpriced.forget(UnpricedModel(trace.project, provider, model), [trace.trace_id])
