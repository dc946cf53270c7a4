"""The store's ports in memory. It passes the same contract tests as DynamoDB."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock

from switchboard.domain.keys import GatewayKey
from switchboard.domain.limits import MAX_TASK_POLICIES
from switchboard.domain.policy import NO_POLICIES, Policy, ProjectPolicies
from switchboard.domain.trace import Bodies, Status, Trace, TracePage
from switchboard.domain.turns import Arrival, TurnCall, TurnRow, mark_answered, record_arrival
from switchboard.store import keyspace
from switchboard.store.ports import FoundLost, PoliciesFull


class MemoryStore:
    """Every store of the gateway. `traces` and `bodies` go by (project, trace_id), `keys` by digest.

    `policies_by_task` goes by project, then task id (None: the project's own); `turns` by (project, thread_id).

    `events` lists the writes in order: ("open_trace" or "complete_trace", trace_id),
    ("put_key", digest).
    """

    def __init__(self, *keys: GatewayKey) -> None:
        self.keys: dict[str, GatewayKey] = {key.digest: key for key in keys}
        self.policies_by_task: dict[str, dict[str | None, Policy]] = {}
        self.turns: dict[tuple[str, str], TurnRow] = {}
        self.traces: dict[tuple[str, str], Trace] = {}
        self.bodies: dict[tuple[str, str], Bodies] = {}
        self.events: list[tuple[str, str]] = []
        self._error: Exception | None = None
        self._lock = Lock()

    def fail_with(self, error: Exception | None) -> None:
        """Every call from now on raises the error; None ends that."""
        self._error = error

    def find_key(self, digest: str) -> GatewayKey | None:
        """The key with that SHA-256, revoked or not, or None."""
        with self._reachable():
            return self.keys.get(digest)

    def put_key(self, key: GatewayKey) -> None:
        """Keep the key, in place of an older one with the same digest."""
        with self._reachable():
            self.keys[key.digest] = key
            self.events.append(("put_key", key.digest))

    def list_keys(self, project: str) -> tuple[GatewayKey, ...]:
        """Every key of the project, oldest first."""
        with self._reachable():
            own = (key for key in self.keys.values() if key.project == project)
            return tuple(sorted(own, key=lambda key: (key.created_at, key.key_id)))

    def policies(self, project: str) -> ProjectPolicies:
        """Every policy of the project; those that were never put are empty."""
        with self._reachable():
            kept = self.policies_by_task.get(project, {})
            tasks = {task_id: policy for task_id, policy in kept.items() if task_id is not None}
            return ProjectPolicies(kept.get(None, NO_POLICIES.project), tasks)

    def put_policy(self, project: str, task_id: str | None, policy: Policy) -> None:
        """Keep the policy, in place of an older one. Raises PoliciesFull for one task too many."""
        with self._reachable():
            kept = self.policies_by_task.setdefault(project, {})
            if task_id not in (None, *kept) and len(kept.keys() - {None}) >= MAX_TASK_POLICIES:
                raise PoliciesFull(MAX_TASK_POLICIES)
            kept[task_id] = policy

    def delete_policy(self, project: str, task_id: str | None) -> bool:
        """Forget the policy; says whether there was one."""
        with self._reachable():
            return self.policies_by_task.get(project, {}).pop(task_id, None) is not None

    def record_arrival(self, call: TurnCall) -> Arrival:
        """Count the call among those of its turn. Repeating it is safe."""
        place = call.project, call.ids.thread_id
        with self._reachable():
            arrived = record_arrival(self.turns.get(place), call)
            self.turns[place] = arrived.row
            return arrived

    def mark_answered(self, call: TurnCall, spoken_ms: int) -> None:
        """Mark the call's turn as answered by it, unless another call of it did so first."""
        place = call.project, call.ids.thread_id
        with self._reachable():
            if (spoken := mark_answered(self.turns.get(place), call, spoken_ms)) is not None:
                self.turns[place] = spoken

    def read_turn(self, call: TurnCall) -> TurnRow | None:
        """The row of the call's thread; None where there is none."""
        with self._reachable():
            return self.turns.get((call.project, call.ids.thread_id))

    def open_trace(self, trace: Trace) -> None:
        """Keep the row of a call under way, in place of an earlier one; the row of a finished call stays."""
        with self._reachable():
            self._put_unfinished(trace)
            self.events.append(("open_trace", trace.trace_id))

    def complete_trace(self, trace: Trace, bodies: Bodies) -> None:
        """Keep the finished trace in place of its open row, then the bodies. A trace that is finished already stays."""
        place = trace.project, trace.trace_id
        with self._reachable():
            self._put_unfinished(trace)
            if bodies != Bodies():
                self.bodies.setdefault(place, bodies)
            if self.traces[place].status is Status.LOST is not trace.status:
                raise FoundLost
            self.events.append(("complete_trace", trace.trace_id))

    def find_trace(self, project: str, trace_id: str) -> Trace | None:
        """The project's trace with that id, or None (also for an id that is none)."""
        with self._reachable():
            return self.traces.get((project, trace_id))

    def find_bodies(self, project: str, trace_id: str) -> Bodies:
        """The trace's bodies, byte for byte as they were given."""
        with self._reachable():
            return self.bodies.get((project, trace_id), Bodies())

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
        ids = keyspace.trace_range(since, until, cursor)
        with self._reachable():
            found = [
                trace
                for (owner, trace_id), trace in self.traces.items()
                if owner == project and task_id in (None, trace.task_id) and ids.first <= trace_id <= ids.last
            ]
        found.sort(key=lambda trace: trace.trace_id, reverse=True)
        page = found[:limit]
        return TracePage(tuple(page), keyspace.write_cursor(page[-1].trace_id) if len(found) > limit else None)

    def _put_unfinished(self, trace: Trace) -> None:
        place = trace.project, trace.trace_id
        if place not in self.traces or self.traces[place].status is Status.OPEN:
            self.traces[place] = trace

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        if self._error is not None:
            raise self._error
        with self._lock:
            yield
