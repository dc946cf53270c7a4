"""The trace: everything that is remembered of one call, save its bodies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from switchboard.domain.settlement import Settlement
from switchboard.domain.usage import ABSENT, Usage


class Status(StrEnum):
    """How a call stands or ended."""

    OPEN = "open"
    OK = "ok"
    CLIENT_CLOSED = "client_closed"
    UPSTREAM_ERROR = "upstream_error"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    LOST = "lost"
    SUPERSEDED = "superseded"
    """Another call of the same turn spoke first."""
    INTERRUPTED = "interrupted"
    """A later turn of the conversation began: nobody listens any more."""


ABANDONED = frozenset({Status.CLIENT_CLOSED, Status.SUPERSEDED, Status.INTERRUPTED})
"""Nobody waited for the end of these calls: they have a failure that says so, and are no errors."""


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One try at one target.

    Times are milliseconds from the call's arrival (`started_ms`) or from the attempt's own start (the others).
    `status` is the upstream's HTTP status, None where none came. `outcome` is `ok`, a failure's class name, `outpaced`
    (another attempt spoke first), `redirected` (the call turned out to be a retry, whose target is another), or the
    code of what ended the call. `usage` is what an attempt used whose answer is not the call's: the tokens of the one
    that is are the trace's.
    """

    provider: str
    host: str
    model: str
    outcome: str
    started_ms: float
    duration_ms: float
    status: int | None = None
    ttft_ms: float | None = None
    error: str | None = None
    is_hedge: bool = False
    usage: Usage = ABSENT


@dataclass(frozen=True, slots=True)
class Turn:
    """Which turn of a conversation a call is for: calls of one turn share `turn_id`; `retry` counts them from 0."""

    turn_id: str
    retry: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call did not end well: the error that the caller got, without a secret in it."""

    code: str
    message: str
    http_status: int


@dataclass(frozen=True, slots=True)
class Trace:
    """One call. Times in milliseconds with three decimals at most; `started_at` in UTC, to the millisecond.

    `ttft_ms`: arrival to the first content or tool delta, None when not streamed or never reached.
    `gateway_ms`: the gateway's own time, arrival to the upstream request. `queue_ms`: API Gateway's receipt to arrival.
    `buffered_ms`: arrival to the buffer words, None when none were said. `is_zero_retention`: nothing of the content
    may be kept. `settlement`: the cost, None until a finished call is settled.
    """

    trace_id: str
    project: str
    task_id: str
    environment: str
    started_at: datetime
    status: Status
    streamed: bool
    key_id: str
    model: str | None = None
    provider: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    ttft_ms: float | None = None
    duration_ms: float | None = None
    gateway_ms: float | None = None
    queue_ms: float | None = None
    usage: Usage = ABSENT
    finish_reason: str | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    notes: tuple[str, ...] = ()
    failure: Failure | None = None
    turn: Turn | None = None
    buffered_ms: float | None = None
    is_zero_retention: bool = False
    settlement: Settlement | None = None

    @property
    def is_error(self) -> bool:
        """Whether it failed somebody who waited for it."""
        return self.failure is not None and self.status not in ABANDONED

    @property
    def decisive_attempt(self) -> AttemptRecord | None:
        """The attempt by which the call ended: the one that went well, else the one that spoke, else the last."""
        return max(reversed(self.attempts), key=_decisiveness, default=None)

    @property
    def usages(self) -> tuple[Usage, ...]:
        """What there is to pay for: the call's own usage, and that of each attempt which has one."""
        return self.usage, *(attempt.usage for attempt in self.attempts if attempt.usage.tokens is not None)


def _decisiveness(attempt: AttemptRecord) -> tuple[bool, bool, bool]:
    is_in_question = attempt.outcome != "outpaced"
    return attempt.outcome == "ok", is_in_question and attempt.ttft_ms is not None, is_in_question


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bytes of a call's request and response as they crossed the gateway; None where nothing was kept."""

    request: bytes | None = None
    response: bytes | None = None


@dataclass(frozen=True, slots=True)
class TracePage:
    """Traces, newest first, and the cursor that continues after them (None at the end)."""

    traces: tuple[Trace, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class SettledTraces:
    """What became of a group: `fresh` were settled now, `earlier` were before, and are as they were settled then.

    A trace that is in neither has been deleted meanwhile, or is not what it was.
    """

    fresh: tuple[Trace, ...]
    earlier: tuple[Trace, ...]
