"""A conversation: what its calls add up to."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from switchboard.domain.conversation_facts import ConversationFacts
from switchboard.domain.totals import Span, Totals
from switchboard.domain.trace import Trace
from switchboard.domain.trace_id import created_at

CONVERSATION = "conversation-id"
"""The metadata entry that names a call's conversation."""

THREAD_PREFIX = "thread:"
"""Begins the id of a conversation whose calls had no conversation id: the thread of their turns stands in for it."""

STALL_MS = 1000.0
"""A wait between two parts of an answer from which on the call counts as stalled: a caller hears the silence."""

_MINUTE_MS = 60_000
_MILLISECOND = timedelta(milliseconds=1)


def conversation_of(trace: Trace) -> str | None:
    """The id of the call's conversation; None if it has neither a conversation id nor a thread."""
    if named := trace.metadata.get(CONVERSATION):
        return named
    if trace.turn is None or not trace.turn.thread_id:
        return None
    return f"{THREAD_PREFIX}{trace.turn.thread_id}"


def is_retry(trace: Trace) -> bool:
    """Whether the call repeats an earlier one of its turn."""
    return trace.turn is not None and trace.turn.retry > 0


def is_stalled(trace: Trace) -> bool:
    """Whether the answer paused so long that a caller hears it."""
    return trace.longest_stall_ms is not None and trace.longest_stall_ms >= STALL_MS


@dataclass(frozen=True, slots=True)
class Conversation:
    """The sums and facts of a conversation's settled calls. `stalls`: how many of them stalled (`STALL_MS`)."""

    conversation_id: str
    totals: Totals
    facts: ConversationFacts
    retries: int = 0
    stalls: int = 0

    @property
    def is_thread(self) -> bool:
        """Whether a thread stands in for the conversation id that the calls did not have."""
        return self.conversation_id.startswith(THREAD_PREFIX)

    @property
    def turns(self) -> int:
        """How many calls were the first of their turn."""
        return self.totals.calls - self.retries

    @property
    def seen(self) -> Span:
        """The starts of the first and the last call."""
        return Span(created_at(self.facts.first_id), created_at(self.facts.last_id))

    @property
    def ended_at(self) -> datetime:
        """When the last of its calls ended."""
        return self.facts.ended_at

    @property
    def call_duration_s(self) -> float | None:
        """How long the phone call was that its callers told, by the latest call that told it."""
        return None if self.facts.told is None else self.facts.told.seconds

    @property
    def duration_ms(self) -> int:
        """How long it was: as told, or where no call told more than 0, from the first start to the last end."""
        if self.call_duration_s:
            return round(self.call_duration_s * 1000)
        return max(0, (self.ended_at - self.seen.first) // _MILLISECOND)

    @property
    def pico_usd_per_minute(self) -> int | None:
        """The cost of a minute, rounded to a whole pico-dollar; None without a duration."""
        duration_ms = self.duration_ms
        if not duration_ms:
            return None
        return (2 * self.totals.cost_pico_usd * _MINUTE_MS + duration_ms) // (2 * duration_ms)


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Conversations, newest first call first, and the cursor that continues after them (None at the end)."""

    conversations: tuple[Conversation, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ConversationCalls:
    """Calls of one conversation, oldest first, and the cursor that continues after them (None at the end)."""

    traces: tuple[Trace, ...]
    next_cursor: str | None
