"""What the functions ask of a store. Every store passes the same contract tests.

All methods block; an asynchronous caller runs them in a thread. All raise `StoreUnavailable` when the store cannot be
reached or refuses (throttling, missing table, missing rights), and nothing else of the store's own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from switchboard.domain.keys import GatewayKey
from switchboard.domain.policy import Policy, ProjectPolicies
from switchboard.domain.totals import Granularity, PeriodTotals, TaskTotals
from switchboard.domain.trace import Bodies, SettledTraces, Trace, TracePage
from switchboard.domain.turns import Arrival, TurnCall, TurnRow

MAX_TASK_POLICIES = 500
"""Of one project: all of them are read with a key."""


class StoreUnavailable(Exception):
    """The store did not answer, or said no."""


class StoreBusy(StoreUnavailable):
    """The store was too busy, or its answer was lost: the same write may succeed a moment later, or is done already."""


class WriteRefused(Exception):
    """The store will never take what it was given."""


class PoliciesFull(Exception):
    """As many tasks of the project have a policy as may have one."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} tasks of this project have a policy, and no more may. Remove one, or say it in the project's own."
        )


@dataclass(frozen=True, slots=True)
class ProjectSweep:
    """A project, and the moment before which none of its calls is open; None before the first look."""

    project: str
    until: datetime | None


class KeyStore(Protocol):
    """Where gateway keys are kept."""

    def find_key(self, digest: str) -> GatewayKey | None:
        """The key with that SHA-256, revoked or not, or None."""

    def put_key(self, key: GatewayKey) -> None:
        """Keep the key, in place of an older one with the same digest."""

    def list_keys(self, project: str) -> tuple[GatewayKey, ...]:
        """Every key of the project, oldest first."""


class PolicyStore(Protocol):
    """Where policies are kept: one of each project, one of each of its tasks (`task_id` None means the project's)."""

    def policies(self, project: str) -> ProjectPolicies:
        """Every policy of the project, as the last writes left them; those that nobody wrote say nothing."""

    def put_policy(self, project: str, task_id: str | None, policy: Policy) -> None:
        """Keep the policy, in place of an older one. Raises PoliciesFull for one task too many (`MAX_TASK_POLICIES`).

        Two tasks that come at once may both be the last.
        """

    def delete_policy(self, project: str, task_id: str | None) -> bool:
        """Forget the policy; says whether there was one."""


class TraceStore(Protocol):
    """Where calls are kept."""

    def open_trace(self, trace: Trace) -> None:
        """Keep the row of a call that has begun to wait for its provider."""

    def complete_trace(self, trace: Trace, bodies: Bodies) -> None:
        """Keep the bodies, then the finished trace in place of its open row, if there is one. Repeating it is safe."""

    def find_trace(self, project: str, trace_id: str) -> Trace | None:
        """The project's trace with that id, or None (also for an id that is none)."""

    def find_bodies(self, project: str, trace_id: str) -> Bodies:
        """The trace's bodies, byte for byte as they were given."""

    def list_traces(
        self,
        project: str,
        *,
        limit: int,
        task_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: str | None = None,
    ) -> TracePage:
        """Traces that began in [since, until), newest first. Raises ValueError for a cursor that is none of ours."""


class TurnStore(Protocol):
    """Where turns are kept: one row for each thread of a conversation, by the rules of `switchboard.turns`."""

    def record_arrival(self, call: TurnCall) -> Arrival:
        """Count the call. Of calls that come at once each gets a number of its own.

        Repeating it is safe as long as no other call came in between: then it is counted, and numbered, once more.
        """

    def mark_answered(self, call: TurnCall, spoken_ms: int) -> None:
        """Mark the call's turn as answered by it, unless another call of it did so first."""

    def read_turn(self, call: TurnCall) -> TurnRow | None:
        """The row of the call's thread, a moment old at most; None where there is none."""


class Ledger(Protocol):
    """Where calls are settled: each once, whatever is asked how often and in which order."""

    def settle(self, traces: Sequence[Trace]) -> SettledTraces:
        """Keep the settlement of each trace and add it to the totals, all of it or nothing.

        The traces carry their settlements, are all different and fit one transaction. Those that are settled already or
        gone are left out. Raises StoreBusy when another try may help, WriteRefused when one of them can never be kept.
        """


class OpenCalls(Protocol):
    """Where calls are found whose end was never written. Also raises StoreBusy and WriteRefused."""

    def projects(self) -> tuple[ProjectSweep, ...]:
        """Every project that ever had a key, and until when its calls have been looked through."""

    def open_traces(self, project: str, since: datetime | None, until: datetime) -> Iterator[Trace]:
        """The calls that began in [since, until) and are open, oldest first."""

    def mark_lost(self, trace: Trace) -> bool:
        """Keep a lost call's status and failure if the row is still open; says whether it was."""

    def mark_swept(self, project: str, until: datetime) -> None:
        """The project's calls that began before `until` have been looked through. It never goes back."""


class TotalsReader(Protocol):
    """Where totals are read. A call is in them from the moment it is settled."""

    def task_totals(self, project: str) -> tuple[TaskTotals, ...]:
        """Every task of the project that has a settled call, by name."""

    def period_totals(
        self, project: str, task_id: str, *, since: datetime | None, until: datetime | None, granularity: Granularity
    ) -> PeriodTotals:
        """The task's totals from `since` to before `until`, by period; None is no limit.

        Whole hours are counted for hours, whole UTC days for days and months: those that lie in the range or reach into
        it. A task that nobody has called has no periods and totals of 0.
        """
