"""Plausible domain values, for tests that depend on one field only."""

from datetime import UTC, datetime
from random import Random

from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.domain.pricing import CardOf
from switchboard.domain.rates import RateCard
from switchboard.domain.trace import AttemptRecord, Status, Trace
from switchboard.domain.trace_id import new_trace_id
from switchboard.domain.usage import Tokens, Usage, UsageSource

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_RANDOM = Random(20)


def an_open_trace(project: str = "acme", task_id: str = "booking", started_at: datetime = NOON) -> Trace:
    """The row of a call that has just begun; its id is new every time."""
    return Trace(
        trace_id=new_trace_id(started_at, _RANDOM),
        project=project,
        task_id=task_id,
        environment="production",
        started_at=started_at,
        status=Status.OPEN,
        streamed=True,
        key_id="key_0123456789ab",
        model="claude-sonnet-4-5",
        provider="anthropic",
        metadata={"agent-id": "agent_01jz", "conversation-id": "conv_01jzq8", "caller-id": "+4930123456"},
    )


def a_usual_attempt() -> AttemptRecord:
    """An attempt that succeeded."""
    return AttemptRecord(
        "anthropic", "api.anthropic.com", "claude-sonnet-4-5", "ok", 3.117, 1840.5, status=200, ttft_ms=412.25
    )


def a_usual_usage() -> Usage:
    """The tokens of a turn whose prompt was cached."""
    return Usage(UsageSource.PROVIDER, Tokens(fresh_input=212, output=87, cache_read=20480))


def a_lost_hedge() -> AttemptRecord:
    """A hedge at a second provider that was outpaced; its tokens are an estimate."""
    usage = Usage(UsageSource.ESTIMATED, Tokens(fresh_input=5173, output=0))
    return AttemptRecord(
        "groq", "api.groq.com", "llama-3.3-70b-versatile", "outpaced", 303.5, 109.2, is_hedge=True, usage=usage
    )


def one_price(card: RateCard | None) -> CardOf:
    """Every model costs what this card has; None: no model has a price."""
    return lambda _provider, _model, _at: card


def a_key(text: str = "sb-one", project: str = "acme", created_at: datetime = NOON) -> GatewayKey:
    """A key with every scope."""
    return GatewayKey(digest(text), project, frozenset(Scope), created_at, name="agents")
