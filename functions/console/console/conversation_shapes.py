"""The shapes of conversations in the API's JSON. The field names are a public contract."""

from typing import TypedDict

from pydantic import with_config

from console.cost_shapes import SumsJson
from console.shape_config import DESCRIBED
from console.trace_shapes import TraceEntryJson


@with_config(DESCRIBED)
class ConversationJson(SumsJson):
    """What the settled calls of a conversation add up to."""

    conversation_id: str
    is_thread: bool
    """Whether its calls had no conversation id, and the thread of their turns stands in for it."""
    first_call_at: str
    last_call_at: str
    """When its last call began."""
    ended_at: str
    """When the last of its calls ended."""
    duration_ms: int
    """As `call-duration-secs` tells it, else from the first call's start to the last end."""
    call_duration_s: float | None
    """The metadata entry `call-duration-secs` of the latest call that had it."""
    cost_per_minute_usd: str | None
    """The cost by its duration, rounded to 10⁻¹² dollars; null without a duration."""
    turns: int
    retries: int
    """Calls that repeated an earlier one of their turn."""
    models: list[str]
    """`provider/model` of its calls."""
    worst_ttft_ms: float | None
    stalls: int
    """Calls whose answer paused for a second or more."""
    longest_stall_ms: float | None


@with_config(DESCRIBED)
class ConversationPageJson(TypedDict):
    """Conversations, the newest first call first."""

    conversations: list[ConversationJson]
    next_cursor: str | None
    """The `cursor` of the next page; null at the end."""


@with_config(DESCRIBED)
class ConversationCallsJson(ConversationJson):
    """A conversation with its calls."""

    traces: list[TraceEntryJson]
    """Its calls, oldest first."""
    next_cursor: str | None
    """The `cursor` of the next calls; null at the end."""
