"""Marks calls that stay open for too long as lost; they are then settled like any other call."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cost_aggregator.backoff import Backoff, RemainingMs
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.trace import Failure, Status, Trace
from switchboard.store.ports import OpenCalls, ProjectSweep

OPEN_FOR = timedelta(minutes=15)
"""Far longer than the gateway's function may run, so nothing can still end the call."""

LOST = Failure("lost", "The end of the call was never written: the gateway was stopped during the call.", 500)


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Checks each project's calls once, 15 minutes after they began."""

    calls: OpenCalls
    telemetry: Telemetry
    backoff: Backoff
    now: Callable[[], datetime]

    def sweep(self, remaining_ms: RemainingMs) -> None:
        """Mark lost calls. Raises StoreUnavailable; the next sweep continues where this one stopped."""
        until = self.now() - OPEN_FOR
        lost = 0
        for project in self.calls.projects():
            found, is_complete = self._sweep(project, until, remaining_ms)
            lost += found
            if not is_complete:
                return self.telemetry.swept(lost, is_complete=False)
        return self.telemetry.swept(lost, is_complete=True)

    def _sweep(self, project: ProjectSweep, until: datetime, remaining_ms: RemainingMs) -> tuple[int, bool]:
        """How many calls of the project were lost, and whether all were checked."""
        if project.until is not None and project.until >= until:
            return 0, True
        lost = 0
        for trace in self.calls.open_traces(project.project, project.until, until):
            if not self.backoff.has_time(remaining_ms):
                return lost, False
            lost += self._mark_lost(replace(trace, status=Status.LOST, failure=LOST))
        # Last, so that a sweep that is interrupted before this line is repeated by the next one.
        self.calls.mark_swept(project.project, until)
        return lost, True

    def _mark_lost(self, trace: Trace) -> bool:
        is_lost = self.calls.mark_lost(trace)
        if is_lost:
            self.telemetry.lost(trace)
        return is_lost
