"""A conversation: what its calls add up to."""

from dataclasses import dataclass

from switchboard.domain.totals import Span, Totals
from switchboard.domain.trace import Trace

THREAD_PREFIX = "thread:"
"""Begins the id of a conversation whose calls had no conversation id: the thread of their turns stands in for it."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The sums and facts of a conversation's settled calls.

    `seen`: the starts of its first and its last call. `turns` and `retries` count its calls: each is one or the other.
    `call_duration_s`: the length of the phone call that the caller told last (metadata `call-duration-secs`).
    `models`: `provider/model` of its answers. `stalls`: calls whose answer paused noticeably; `longest_stall_ms` and
    `worst_ttft_ms` are None if no call had one.
    """

    conversation_id: str
    seen: Span
    totals: Totals
    turns: int = 0
    retries: int = 0
    models: tuple[str, ...] = ()
    call_duration_s: float | None = None
    worst_ttft_ms: float | None = None
    stalls: int = 0
    longest_stall_ms: float | None = None

    @property
    def is_thread(self) -> bool:
        """Whether a thread stands in for the conversation id that the calls did not have."""
        return self.conversation_id.startswith(THREAD_PREFIX)


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
