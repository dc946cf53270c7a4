"""The trace: everything that is stored about one call, except its bodies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from switchboard.domain.settlement import Settlement
from switchboard.domain.usage import ABSENT, Usage


class Status(StrEnum):
    """The state of a call, or how it ended."""

    OPEN = "open"
    OK = "ok"
    CLIENT_CLOSED = "client_closed"
    UPSTREAM_ERROR = "upstream_error"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    LOST = "lost"
    SUPERSEDED = "superseded"
    """Another call of the same turn answered first."""
    EMPTY = "empty"
    """The answer reached its length limit or a content filter before its first word; the caller got it as it was."""
    INTERRUPTED = "interrupted"
    """A later turn of the conversation began, so the answer is no longer needed."""


ABANDONED = frozenset({Status.CLIENT_CLOSED, Status.SUPERSEDED, Status.INTERRUPTED})
"""Calls whose caller no longer waited for the end. They have a failure with the reason, and do not count as errors."""


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt at one target.

    Times are milliseconds from the call's arrival (`started_ms`) or from the attempt's own start (the others).
    `status` is the upstream's HTTP status, None if none was received. `outcome` is `ok`, a failure's class name,
    `outpaced` (another attempt sent content first), `redirected` (the call turned out to be a retry, which goes to
    another target), or the code of what ended the call. `usage` is set for attempts whose answer was not used; the
    tokens of the attempt that answered are in the trace's own usage.
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
    """Which turn of a conversation a call is for: calls of one turn share `turn_id`; `retry` counts them from 0.

    `thread_id`: what all turns share whose conversation and first message are the same; None in older rows.
    """

    turn_id: str
    retry: int = 0
    thread_id: str | None = None


@dataclass(frozen=True, slots=True)
class RequestIds:
    """What others call the same request, to be looked up in their logs; None where none was told.

    `provider`: as the provider told it in the headers of its answer. `lambda_`: of the function's invocation.
    """

    provider: str | None = None
    lambda_: str | None = None
    api_gateway: str | None = None


NO_REQUEST_IDS = RequestIds()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call failed or was stopped: the error that the caller received, without secrets."""

    code: str
    message: str
    http_status: int


@dataclass(frozen=True, slots=True)
class Trace:
    """One call. Times in milliseconds with three decimals at most; `started_at` in UTC, to the millisecond.

    `ttft_ms`: arrival to the first content or tool delta, None if not streamed or never reached.
    `first_sentence_ms`: arrival to the end of the answer's first sentence, None if not streamed or never reached.
    `longest_stall_ms`: the longest wait between two parts of the answer, None if there was none.
    `gateway_ms`: the gateway's own time, arrival to the upstream request. `queue_ms`: API Gateway's receipt to arrival.
    `buffered_ms`: arrival to the buffer words, None if none were sent. `is_zero_retention`: no content may be stored.
    `has_bodies`: its bodies are stored too, right after the row; where they are not found, they could not be written.
    `prompt_version`: hash of the system prompt without its variables, 12 hexadecimal digits; `prompt_characters`: the
    system prompt's length. `excerpt`: how the user's last message begins; None where no content may be stored.
    `redacted`: what was taken out of bodies and errors, by kind, and at how many places.
    `settlement`: the cost, None until a finished call is settled. `expires_at`: when the row is deleted, in seconds
    since 1970; only traces that were read from the table have it, so they are compared without it.
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
    has_bodies: bool = False
    first_sentence_ms: float | None = None
    longest_stall_ms: float | None = None
    prompt_version: str | None = None
    prompt_characters: int | None = None
    excerpt: str | None = None
    request_ids: RequestIds = NO_REQUEST_IDS
    redacted: Mapping[str, int] = field(default_factory=dict)
    settlement: Settlement | None = None
    expires_at: int | None = field(default=None, compare=False)

    @property
    def is_error(self) -> bool:
        """Whether the call failed while its caller was still waiting."""
        return self.failure is not None and self.status not in ABANDONED

    @property
    def decisive_attempt(self) -> AttemptRecord | None:
        """The attempt that ended the call: the one that succeeded, else the last that sent content, else the last."""
        return max(reversed(self.attempts), key=_decisiveness, default=None)

    @property
    def usages(self) -> tuple[Usage, ...]:
        """Everything that is billed: the call's own usage, and that of each attempt that has one."""
        return self.usage, *(attempt.usage for attempt in self.attempts if attempt.usage.tokens is not None)


def _decisiveness(attempt: AttemptRecord) -> tuple[bool, bool, bool]:
    is_candidate = attempt.outcome != "outpaced"
    return attempt.outcome == "ok", is_candidate and attempt.ttft_ms is not None, is_candidate


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bytes of a call's request and response as they passed through the gateway; None if not stored."""

    request: bytes | None = None
    response: bytes | None = None


@dataclass(frozen=True, slots=True)
class TracePage:
    """Traces, newest first, and the cursor that continues after them (None at the end)."""

    traces: tuple[Trace, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class SettledTraces:
    """The result of settling a group: `fresh` were settled now; `earlier` had been settled before, returned as stored.

    A trace that is in neither was deleted in the meantime, or its status changed.
    """

    fresh: tuple[Trace, ...]
    earlier: tuple[Trace, ...]
