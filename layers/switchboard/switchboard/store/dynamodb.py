"""The store, on one DynamoDB table."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from switchboard.domain.keys import GatewayKey
from switchboard.domain.limits import MAX_TASK_POLICIES
from switchboard.domain.policy import Policy, ProjectPolicies
from switchboard.domain.trace import Bodies, Status, Trace, TracePage
from switchboard.domain.turns import Arrival, TurnCall, TurnRow
from switchboard.store import key_items, keyspace, policy_items
from switchboard.store.dynamodb_client import connect, connect_both
from switchboard.store.dynamodb_table import Table
from switchboard.store.ports import BodiesUnwritten, FoundLost, PoliciesFull, StoreUnavailable
from switchboard.store.traces import body_items, trace_items
from switchboard.store.traces.bodies import split_request
from switchboard.store.traces.shared_content import SharedContent
from switchboard.store.turn_table import TurnTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["DynamoStore", "connect", "connect_both"]

_NOT_STORED = "attribute_not_exists(pk)"
_EXISTS = "attribute_exists(pk)"
_NOT_FINISHED = "attribute_not_exists(pk) OR #status = :status"


class DynamoStore:
    """All stores of the gateway on one table. Traces, bodies and shared content expire after `retention`.

    `records`: the client that writes traces and bodies, where it is not the one that does everything else.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        *,
        retention: timedelta,
        clock: Callable[[], datetime],
        records: "DynamoDBClient | None" = None,
    ) -> None:
        self._table = Table(client, table_name)
        self._records = self._table if records is None else Table(records, table_name)
        self._shared = SharedContent(self._records)
        self._turns = TurnTable(self._table)
        self._retention = retention
        self._clock = clock

    def find_key(self, digest: str) -> GatewayKey | None:
        """The key with that SHA-256, revoked or not, or None."""
        item = self._table.get(keyspace.gateway_key(digest))
        return None if item is None else key_items.from_item(item)

    def put_key(self, key: GatewayKey) -> None:
        """Store the key, replacing one with the same digest, and register its project."""
        self._table.put_if(key_items.project_item(key.project), _NOT_STORED)
        self._table.put(key_items.to_item(key))

    def list_keys(self, project: str) -> tuple[GatewayKey, ...]:
        """Every key of the project, oldest first."""
        listed = list(self._table.index_partition(keyspace.keys_of_project(project)))
        return tuple(map(key_items.from_item, self._in_order(listed)))

    def policies(self, project: str) -> ProjectPolicies:
        """Every policy of the project, as last written; a policy that was never written has no field set."""
        return policy_items.from_items(self._table.partition(keyspace.policies_of_project(project)))

    def put_policy(self, project: str, task_id: str | None, policy: Policy) -> None:
        """Store the policy, replacing an older one. Raises PoliciesFull beyond `MAX_TASK_POLICIES` tasks."""
        item = policy_items.to_item(project, task_id, policy)
        if task_id is None:
            self._table.put(item)
        elif not self._table.put_if(item, _EXISTS):
            if len(self.policies(project).tasks) >= MAX_TASK_POLICIES:
                raise PoliciesFull(MAX_TASK_POLICIES)
            self._table.put(item)

    def delete_policy(self, project: str, task_id: str | None) -> bool:
        """Delete the policy; returns whether there was one."""
        return self._table.delete(keyspace.policy(project, task_id))

    def record_arrival(self, call: TurnCall) -> Arrival:
        """Count the call (see the port)."""
        return self._turns.record_arrival(call)

    def mark_answered(self, call: TurnCall, spoken_ms: int) -> None:
        """Mark the call's turn as answered by this call, unless another call of the turn did so first."""
        self._turns.mark_answered(call, spoken_ms)

    def read_turn(self, call: TurnCall) -> TurnRow | None:
        """The row of the call's thread, or None; an eventually consistent read."""
        return self._turns.read_turn(call)

    def open_trace(self, trace: Trace) -> None:
        """Store the row of a call under way, in place of an earlier one; the row of a finished call stays."""
        self._put_unfinished(trace, self._expires_at())

    def complete_trace(self, trace: Trace, bodies: Bodies) -> None:
        """Store the finished trace in place of its open row, then the bodies. A finished trace is not replaced.

        In this order, so that a body that is not written costs no trace. Raises BodiesUnwritten or FoundLost.
        """
        expires_at = self._expires_at()
        finished = self._put_unfinished(trace, expires_at)
        if bodies != Bodies():
            try:
                self._keep_bodies(trace, bodies, expires_at)
            except StoreUnavailable as error:
                raise BodiesUnwritten(str(error)) from error
        if finished is not None and finished["status"] == Status.LOST != trace.status:
            raise FoundLost

    def find_trace(self, project: str, trace_id: str) -> Trace | None:
        """The project's trace with that id, or None (also for an invalid id)."""
        if not keyspace.is_trace_id(trace_id):
            return None
        item = self._table.get(keyspace.trace(project, trace_id))
        return None if item is None else trace_items.from_item(item)

    def find_bodies(self, project: str, trace_id: str) -> Bodies:
        """The trace's bodies, byte for byte as they were stored."""
        items = self._table.partition(keyspace.body(project, trace_id).pk)
        return body_items.from_items(items, lambda digest: self._shared.find(project, digest))

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
        ids = keyspace.trace_range(since, until, cursor)
        if ids.is_empty:
            return TracePage((), None)
        found = self._newest(project, ids, limit) if task_id is None else self._newest_of(project, task_id, ids, limit)
        rows = list(islice(found, limit + 1))
        more = len(rows) > limit
        page = rows[:limit] if task_id is None else list(self._in_order(rows[:limit]))
        return TracePage(
            tuple(map(trace_items.from_item, page)), keyspace.write_cursor(rows[limit - 1]["sk"]) if more else None
        )

    def _newest(self, project: str, ids: keyspace.TraceRange, limit: int) -> Iterator[dict[str, Any]]:
        shards = (keyspace.traces_of_project(project, shard) for shard in keyspace.SHARDS)
        pages = [self._table.newest(pk, ids.first, ids.last, _page_size(limit)) for pk in shards]
        return merge(*pages, key=itemgetter("sk"), reverse=True)

    def _newest_of(self, project: str, task_id: str, ids: keyspace.TraceRange, limit: int) -> Iterator[dict[str, Any]]:
        shards = (keyspace.traces_of_task(project, task_id, shard) for shard in keyspace.SHARDS)
        pages = [self._table.newest_in_index(pk, ids.first, ids.last, _page_size(limit)) for pk in shards]
        return merge(*pages, key=itemgetter("sk"), reverse=True)

    def _in_order(self, listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The full items of the listed index entries, in order; items deleted since are skipped."""
        keys = [keyspace.Key(item["pk"], item["sk"]) for item in listed]
        found = {keyspace.Key(item["pk"], item["sk"]): item for item in self._table.get_all(keys)}
        return (found[key] for key in keys if key in found)

    def _put_unfinished(self, trace: Trace, expires_at: int) -> dict[str, Any] | None:
        """Store the row, unless the call has a finished one, which is returned."""
        item = trace_items.to_item(trace, expires_at)
        return self._records.put_or_get(item, _NOT_FINISHED, {"status": Status.OPEN.value})

    def _keep_bodies(self, trace: Trace, bodies: Bodies, expires_at: int) -> None:
        outline: body_items.Outline | None = None
        inline = []
        if bodies.request is not None:
            outline = []
            for piece in split_request(bodies.request):
                if piece.is_shared:
                    outline.append(self._shared.keep(trace.project, piece.content, expires_at))
                else:
                    outline.append(len(piece.content))
                    inline.append(piece.content)
        items = body_items.to_items(
            trace.project,
            trace.trace_id,
            outline=outline,
            inline=b"".join(inline),
            response=bodies.response,
            expires_at=expires_at,
        )
        for item in items:
            self._records.put_if(item, _NOT_STORED)

    def _expires_at(self) -> int:
        return int((self._clock() + self._retention).timestamp())


def _page_size(limit: int) -> int:
    """Rows to read at once from one shard: its share of the page, plus a margin, since shards are not quite even."""
    return limit // len(keyspace.SHARDS) + 4
