"""Reads the traces and costs of a caller's project."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from console.body_json import is_event_stream
from console.cost_shapes import TaskCostsJson, TasksJson
from console.costs_json import costs_json, tasks_json
from console.costs_query import CostsQuery
from console.errors import BodyNotKept, ParameterInvalid, TraceUnknown
from console.query import ListQuery
from console.trace_json import page_json, trace_json
from console.trace_shapes import TraceJson, TracePageJson
from switchboard.domain.trace import Trace
from switchboard.store.ports import KeyStore, PolicyStore, TotalsReader, TraceStore


class Store(KeyStore, PolicyStore, TraceStore, Protocol):
    """Keys, policies and traces in one."""


def utc_now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Raw:
    """A recorded body, byte for byte. `redacted`: what was taken out of the call's content, by kind."""

    content: bytes
    content_type: str
    redacted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reads:
    """Reads traces and costs. All methods block, and raise StoreUnavailable."""

    store: Store
    totals: TotalsReader
    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic

    def page(self, project: str, query: ListQuery) -> TracePageJson:
        """One page of the project's traces, newest first. Raises ParameterInvalid."""
        try:
            page = self.store.list_traces(
                project,
                limit=query.limit,
                task_id=query.task_id,
                since=query.since,
                until=query.until,
                cursor=query.cursor,
            )
        except ValueError as invalid:
            raise ParameterInvalid(str(invalid), param="cursor") from invalid
        return page_json(page)

    def trace(self, project: str, trace_id: str) -> TraceJson:
        """One trace with its bodies. Raises TraceUnknown."""
        trace = self._find(project, trace_id)
        return trace_json(trace, self.store.find_bodies(project, trace_id))

    def request(self, project: str, trace_id: str) -> Raw:
        """The request as received. Raises TraceUnknown or BodyNotKept."""
        trace = self._find(project, trace_id)
        content = _stored(self.store.find_bodies(project, trace_id).request, "request")
        return Raw(content, "application/json", trace.redacted)

    def response(self, project: str, trace_id: str) -> Raw:
        """The response as sent. Raises TraceUnknown or BodyNotKept."""
        trace = self._find(project, trace_id)
        content = _stored(self.store.find_bodies(project, trace_id).response, "response")
        streamed = is_event_stream(content, streamed=trace.streamed)
        return Raw(content, "text/event-stream" if streamed else "application/json", trace.redacted)

    def tasks(self, project: str) -> TasksJson:
        """Every task of the project that has a settled call, the most expensive first."""
        return tasks_json(self.totals.task_totals(project))

    def costs(self, project: str, task_id: str, query: CostsQuery) -> TaskCostsJson:
        """A task's costs, in total and by period.

        A task without calls costs 0, and is not an error: it may be called later.
        """
        found = self.totals.period_totals(
            project, task_id, since=query.since, until=query.until, granularity=query.granularity
        )
        return costs_json(task_id, query, found)

    def _find(self, project: str, trace_id: str) -> Trace:
        trace = self.store.find_trace(project, trace_id)
        if trace is None:
            raise TraceUnknown("There is no such trace in the key's project.")
        return trace


def _stored(body: bytes | None, name: str) -> bytes:
    if body is None:
        raise BodyNotKept(f"The {name} of this call was not stored.")
    return body
