"""Finds calls that nobody settles: open for too long, which are then lost, or finished and passed by in the stream."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cost_aggregator.backoff import Backoff, RemainingMs
from cost_aggregator.records import NO_RECORD, RecordId
from cost_aggregator.settling import Found, Settling
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.trace import Failure, Status, Trace
from switchboard.store import keyspace
from switchboard.store.ports import OpenCalls, ProjectSweep, SweepPart, WriteRefused

OPEN_FOR = timedelta(minutes=15)
"""Far longer than the gateway's function may run, so nothing can still end the call."""
SWEEP_EVERY = timedelta(minutes=5)
CLOCKS_DIFFER = timedelta(minutes=1)
"""A checkpoint so far ahead of this sweep's was written by a wrong clock: calls before it may not have been checked."""

LOST = Failure("lost", "The end of the call was never written: the gateway was stopped during the call.", 500)


@dataclass(slots=True)
class _Sweep:
    """The state of one sweep: it checks calls that began before `until`."""

    until: datetime
    remaining_ms: RemainingMs
    lost: int = 0
    settled: int = 0


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Checks each project's calls once, 15 minutes after they began."""

    calls: OpenCalls
    settling: Settling
    telemetry: Telemetry
    backoff: Backoff
    now: Callable[[], datetime]

    def sweep(self, remaining_ms: RemainingMs) -> None:
        """Mark lost calls, and settle what is not settled. Raises StoreUnavailable.

        The next sweep continues where this one stopped.
        """
        sweep = _Sweep(self.now() - OPEN_FOR, remaining_ms)
        is_complete = all(self._sweep(project, sweep) for project in self._in_turn())
        self.telemetry.swept(sweep.lost, sweep.settled, is_complete=is_complete)

    def projects(self) -> tuple[str, ...]:
        """Every project, in the order in which this sweep takes them."""
        return tuple(project.project for project in self._in_turn())

    def _in_turn(self) -> Sequence[ProjectSweep]:
        return _in_turn(self.calls.projects(), self.now())

    def _sweep(self, project: ProjectSweep, sweep: _Sweep) -> bool:
        """Whether all of the project's calls were checked."""
        if project.dimensions_since is None:
            self.calls.begin_dimensions(project.project, self.now())
        latest = sweep.until + CLOCKS_DIFFER
        since = None if project.until is not None and project.until > latest else project.until
        if since is not None and since >= sweep.until:
            return True
        checked = since
        parts = self.calls.unsettled(project.project, since, sweep.until)
        while self.backoff.has_time(sweep.remaining_ms):
            if (part := next(parts, None)) is None:
                return True
            if not self._settle(part, sweep):
                return False
            if part.until is not None and part.until != checked:
                self.calls.mark_swept(project.project, part.until, latest=latest)
                checked = part.until
        return False

    def _settle(self, part: SweepPart, sweep: _Sweep) -> bool:
        """Whether nothing of the part is left over."""
        found = Found(unsettleable=[(RecordId(NO_RECORD, row.pk, row.sk), row.reason) for row in part.unreadable])
        for trace in part.traces:
            if trace.status is not Status.OPEN:
                found.traces.append(trace)
            elif not self.backoff.has_time(sweep.remaining_ms):
                return False
            else:
                self._mark_lost(replace(trace, status=Status.LOST, failure=LOST), found, sweep)
        done = self.settling.settle_found(found, sweep.remaining_ms)
        sweep.settled += sum(trace.status is not Status.LOST for trace in done.fresh)
        return done.is_complete

    def _mark_lost(self, trace: Trace, found: Found, sweep: _Sweep) -> None:
        try:
            is_lost = self.calls.mark_lost(trace)
        except WriteRefused as refused:
            key = keyspace.trace(trace.project, trace.trace_id)
            found.unsettleable.append((RecordId(NO_RECORD, key.pk, key.sk), str(refused)))
            return
        if is_lost:  # settled here and now: the stream may not bring it either
            sweep.lost += 1
            self.telemetry.lost(trace)
            found.traces.append(trace)


def _in_turn(projects: Sequence[ProjectSweep], now: datetime) -> Sequence[ProjectSweep]:
    """Another project first each time, so that one with very many calls does not keep the others waiting for days."""
    first = int(now.timestamp() / SWEEP_EVERY.total_seconds()) % len(projects) if projects else 0
    return [*projects[first:], *projects[:first]]
