"""What the functions ask of a store. Every store passes the same contract tests.

All methods block; an asynchronous caller runs them in a thread. All raise `StoreUnavailable` when the store cannot be
reached or refuses (throttling, missing table, missing rights), and nothing else of the store's own.
"""

from datetime import datetime
from typing import Protocol

from switchboard.keys import GatewayKey
from switchboard.trace import Bodies, Trace, TracePage


class StoreUnavailable(Exception):
    """The store did not answer, or said no."""


class KeyStore(Protocol):
    """Where gateway keys are kept."""

    def find_key(self, digest: str) -> GatewayKey | None:
        """The key with that SHA-256, revoked or not, or None."""

    def put_key(self, key: GatewayKey) -> None:
        """Keep the key, in place of an older one with the same digest."""

    def list_keys(self, project: str) -> tuple[GatewayKey, ...]:
        """Every key of the project, oldest first."""


class TraceStore(Protocol):
    """Where calls are kept."""

    def open_trace(self, trace: Trace) -> None:
        """Keep the row of a call that has begun to wait for its provider."""

    def complete_trace(self, trace: Trace, bodies: Bodies) -> None:
        """Keep the bodies, then the finished trace in place of its open row (there may be none). Repeating it is safe."""

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
