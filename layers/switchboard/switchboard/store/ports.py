"""The interfaces of the stores. Every implementation passes the same contract tests.

Those that answer questions about many calls (costs by dimension, conversations, search) are in `query_ports`.
All methods block; asynchronous callers run them in a thread. All raise `StoreUnavailable` if the store cannot be
reached or rejects the request (throttling, missing table, missing rights), and no other error of the store's own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from switchboard.domain.keys import GatewayKey
from switchboard.domain.policy import Policy, ProjectPolicies
from switchboard.domain.totals import Granularity, PeriodTotals, TaskTotals
from switchboard.domain.trace import Bodies, SettledTraces, Trace, TracePage
from switchboard.domain.turns import Arrival, TurnCall, TurnRow


class StoreUnavailable(Exception):
    """The store did not respond, or rejected the request."""


class RowRefused(StoreUnavailable):
    """The store will never accept this row: a retry is of no use."""


class FoundLost(RowRefused):
    """The call had been found lost before its end was written: its estimate is counted, and its row is final."""

    def __init__(self) -> None:
        super().__init__("The call was found lost before its end was written, and its estimate is counted.")


class BodiesUnwritten(StoreUnavailable):
    """The row of a trace was written, its bodies were not. Raised from the reason."""


class StoreBusy(StoreUnavailable):
    """The store was busy, or its response was lost: a retry may succeed, or the write may already have been applied."""


class WriteRefused(Exception):
    """The store will never accept this write."""


class PoliciesFull(Exception):
    """The project's tasks already have as many policies as are allowed."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} tasks of this project have a policy, which is the most allowed. "
            "Remove one, or use the project's own policy."
        )


@dataclass(frozen=True, slots=True)
class ProjectSweep:
    """A project, and the time before which none of its calls is open; None if it was never swept.

    `dimensions_since`: the first day whose totals by dimension have every call; None if that was not found out yet.
    """

    project: str
    until: datetime | None
    dimensions_since: date | None = None


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """The key of a row that is no valid trace, and why."""

    pk: str
    sk: str
    reason: str


@dataclass(frozen=True, slots=True)
class SweepPart:
    """Some of a project's calls that are not settled.

    `until`: all that began before this time are in this part or an earlier one; None if that is not known yet.
    """

    traces: tuple[Trace, ...]
    unreadable: tuple[UnreadableRow, ...]
    until: datetime | None


class KeyStore(Protocol):
    """Stores gateway keys."""

    def find_key(self, digest: str) -> GatewayKey | None:
        """The key with that SHA-256, revoked or not, or None."""

    def put_key(self, key: GatewayKey) -> None:
        """Store the key, replacing one with the same digest."""

    def list_keys(self, project: str) -> tuple[GatewayKey, ...]:
        """Every key of the project, oldest first."""


class PolicyStore(Protocol):
    """Stores policies: one for each project and one for each of its tasks (`task_id` None means the project's own)."""

    def policies(self, project: str) -> ProjectPolicies:
        """Every policy of the project, as last written; a policy that was never written has no field set."""

    def put_policy(self, project: str, task_id: str | None, policy: Policy) -> None:
        """Store the policy, replacing an older one. Raises PoliciesFull beyond `MAX_TASK_POLICIES` tasks.

        Concurrent writes can exceed the limit by a few tasks.
        """

    def delete_policy(self, project: str, task_id: str | None) -> bool:
        """Delete the policy; returns whether there was one."""


class TraceStore(Protocol):
    """Stores traces and bodies of calls."""

    def open_trace(self, trace: Trace) -> None:
        """Store the row of a call under way, in place of an earlier one; the row of a finished call stays."""

    def complete_trace(self, trace: Trace, bodies: Bodies) -> None:
        """Store the finished trace, replacing its open row if there is one, then the bodies. Idempotent.

        Raises BodiesUnwritten where only the trace was stored, FoundLost where only the bodies were.
        """

    def find_trace(self, project: str, trace_id: str) -> Trace | None:
        """The project's trace with that id, or None (also for an invalid id)."""

    def find_bodies(self, project: str, trace_id: str) -> Bodies:
        """The trace's bodies, byte for byte as they were stored."""

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
        """Traces that began in [since, until), newest first. Raises ValueError for an invalid cursor."""


class TurnStore(Protocol):
    """Stores turns: one row for each thread of a conversation, by the rules of `switchboard.domain.turns`."""

    def record_arrival(self, call: TurnCall) -> Arrival:
        """Count the call. Concurrent calls get different numbers.

        Repeating it has no effect, unless another call was counted in between: then the call is counted again.
        """

    def mark_answered(self, call: TurnCall, spoken_ms: int) -> None:
        """Mark the call's turn as answered by this call, unless another call of the turn did so first."""

    def read_turn(self, call: TurnCall) -> TurnRow | None:
        """The row of the call's thread, or None; an eventually consistent read."""


class Ledger(Protocol):
    """Settles calls: each exactly once, however often and in whatever order it is requested."""

    def settle(self, traces: Sequence[Trace]) -> SettledTraces:
        """Store the settlement of each trace and add it to the totals, atomically.

        The traces have settlements, are all different and fit one transaction. Those that are settled already or were
        deleted are skipped. Raises StoreBusy if a retry may help, WriteRefused if one of them can never be stored.
        """


class SettledRows(Protocol):
    """Writes rows that follow from settled calls, beside the transaction: idempotent, in any order."""

    def write(self, traces: Sequence[Trace]) -> None:
        """Write the rows of calls that were settled now or before, or are about to be, and have their settlements.

        A call's record is acknowledged only after this. Also raises StoreBusy and WriteRefused.
        """


class OpenCalls(Protocol):
    """Finds calls that are not settled. Also raises StoreBusy and WriteRefused."""

    def projects(self) -> tuple[ProjectSweep, ...]:
        """Every project that ever had a key, and the time up to which its calls have been checked."""

    def unsettled(self, project: str, since: datetime | None, until: datetime) -> Iterator[SweepPart]:
        """The calls that began in [since, until) and are not settled, open or finished, in parts, oldest first.

        Each part is read when it is asked for, and takes a single request.
        """

    def mark_lost(self, trace: Trace) -> bool:
        """Store a lost call's status and failure if its row is still open; returns whether it was."""

    def begin_dimensions(self, project: str, now: datetime) -> None:
        """Record the first day whose totals by dimension have every call, unless it is recorded already.

        It is the next UTC day; or today, or an earlier day, for a project all of whose calls are in these totals.
        """

    def mark_swept(self, project: str, until: datetime, *, latest: datetime) -> None:
        """Record that the project's calls that began before `until` have been checked.

        The time never decreases, unless it is later than `latest`: a wrong clock has written such a time.
        """


class TaskReader(Protocol):
    """Reads the totals of tasks. A call is included as soon as it is settled."""

    def task_totals(self, project: str) -> tuple[TaskTotals, ...]:
        """Every task of the project that has a settled call, by name."""


class PeriodReader(Protocol):
    """Reads the totals of one task by period. A call is included as soon as it is settled."""

    def period_totals(
        self, project: str, task_id: str, *, since: datetime | None, until: datetime | None, granularity: Granularity
    ) -> PeriodTotals:
        """The task's totals in [since, until), by period; None is no limit.

        Hours are counted whole, and whole UTC days for days and months, if they overlap the range. A task without calls
        has no periods and totals of 0.
        """


class TotalsReader(TaskReader, PeriodReader, Protocol):
    """Reads totals of both kinds."""
