"""The use case: calls that stay open for too long are lost, and are settled like any other from then on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cost_aggregator.backoff import Backoff, RemainingMs
from cost_aggregator.telemetry import Telemetry
from switchboard.domain.trace import Failure, Status, Trace
from switchboard.store.ports import OpenCalls, ProjectSweep

OPEN_FOR = timedelta(minutes=15)
"""Far beyond what a function may run for: whoever would have ended the call is gone."""

LOST = Failure("lost", "The call was begun and its end was never written: the gateway was stopped in its midst.", 500)


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Looks through each project's calls once, 15 minutes after they began."""

    calls: OpenCalls
    telemetry: Telemetry
    backoff: Backoff
    now: Callable[[], datetime]

    def sweep(self, remaining_ms: RemainingMs) -> None:
        """Mark what is lost. Raises StoreUnavailable; done again, it goes on where it stopped."""
        until = self.now() - OPEN_FOR
        lost = 0
        for project in self.calls.projects():
            found, is_complete = self._sweep(project, until, remaining_ms)
            lost += found
            if not is_complete:
                return self.telemetry.swept(lost, is_complete=False)
        return self.telemetry.swept(lost, is_complete=True)

    def _sweep(self, project: ProjectSweep, until: datetime, remaining_ms: RemainingMs) -> tuple[int, bool]:
        """How many calls of the project were lost, and whether all were looked at."""
        if project.until is not None and project.until >= until:
            return 0, True
        lost = 0
        for trace in self.calls.open_traces(project.project, project.until, until):
            if not self.backoff.has_time(remaining_ms):
                return lost, False
            lost += self._lose(replace(trace, status=Status.LOST, failure=LOST))
        # Only now: whoever dies before it leaves the same work to the next sweep, less what is done.
        self.calls.mark_swept(project.project, until)
        return lost, True

    def _lose(self, trace: Trace) -> bool:
        is_lost = self.calls.mark_lost(trace)
        if is_lost:
            self.telemetry.lost(trace)
        return is_lost
