"""What is known of a conversation beside its sums: facts whose union is the same in any order, also when repeated."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite

from switchboard.domain.limits import MAX_CALL_DURATION_MS, MAX_CONVERSATION_MODELS
from switchboard.domain.trace import Trace

CALL_DURATION = "call-duration-secs"
"""The metadata entry that tells how long the phone call has been so far, in seconds."""


@dataclass(frozen=True, slots=True, order=True)
class ToldDuration:
    """How long the phone call had been, and the call that told it. The order is that of the calls."""

    trace_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ConversationFacts:
    """Facts of one or more calls of a conversation.

    `first_id` and `last_id`: the traces of its first and its last call. `ended_at`: the latest end of a call.
    `models`: `provider/model` of its calls, the first `MAX_CONVERSATION_MODELS` by name. `worst_ttft_ms` and
    `longest_stall_ms` are None if no call had one. `expires_at`: of the trace that is deleted last, in epoch seconds.
    """

    first_id: str
    last_id: str
    ended_at: datetime
    models: tuple[str, ...] = ()
    told: ToldDuration | None = None
    worst_ttft_ms: float | None = None
    longest_stall_ms: float | None = None
    expires_at: int | None = None

    def __or__(self, other: "ConversationFacts") -> "ConversationFacts":
        """The facts of both. Idempotent, commutative and associative."""
        return ConversationFacts(
            min(self.first_id, other.first_id),
            max(self.last_id, other.last_id),
            max(self.ended_at, other.ended_at),
            tuple(sorted({*self.models, *other.models})[:MAX_CONVERSATION_MODELS]),
            _largest(self.told, other.told),
            _largest(self.worst_ttft_ms, other.worst_ttft_ms),
            _largest(self.longest_stall_ms, other.longest_stall_ms),
            _largest(self.expires_at, other.expires_at),
        )


def facts_of(trace: Trace) -> ConversationFacts:
    """The facts of one call."""
    return ConversationFacts(
        first_id=trace.trace_id,
        last_id=trace.trace_id,
        ended_at=trace.started_at + timedelta(milliseconds=round(trace.duration_ms or 0)),
        models=(f"{trace.provider}/{trace.model}",) if trace.provider and trace.model else (),
        told=_told(trace),
        worst_ttft_ms=trace.ttft_ms,
        longest_stall_ms=trace.longest_stall_ms,
        expires_at=trace.expires_at,
    )


def _told(trace: Trace) -> ToldDuration | None:
    """The duration in the call's metadata, to the millisecond; None if it is none."""
    try:
        seconds = float(trace.metadata[CALL_DURATION])
    except (KeyError, ValueError):
        return None
    if not isfinite(seconds) or not 0 <= seconds * 1000 <= MAX_CALL_DURATION_MS:
        return None
    return ToldDuration(trace.trace_id, round(seconds, 3))


def _largest[T: (float, int, ToldDuration)](one: T | None, other: T | None) -> T | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
