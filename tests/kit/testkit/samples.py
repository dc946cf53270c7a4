"""Plausible domain values, for tests that depend on one field only."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from switchboard.domain.keys import GatewayKey, Scope, digest
from switchboard.domain.pricing import CardOf
from switchboard.domain.rates import RateCard
from switchboard.domain.trace import AttemptRecord, RequestIds, Status, Trace, Turn
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


def a_usual_call(**fields: Any) -> Trace:
    """A finished turn of an agent of ElevenLabs, with everything that a gateway on Lambda knows of it.

    Its metadata headers are those of the agent's set-up, with values of the length that they have there.
    """
    metadata = {
        "agent-id": "agent_01jzq8x3k5e7r9t2v4w6y8z0ab",
        "conversation-id": "conv_01jzq9b2m4n6p8r0s1t3v5w7xy",
        "caller-id": "+4915112345678",
        "called-number": "+4930123456789",
        "call-sid": "CA0123456789abcdef0123456789abcdef",
        "call-duration-secs": "127",
    }
    known: dict[str, Any] = {
        "status": Status.OK,
        "metadata": metadata,
        "ttft_ms": 412.251,
        "first_sentence_ms": 733.518,
        "longest_stall_ms": 88.123,
        "duration_ms": 1840.501,
        "gateway_ms": 3.117,
        "queue_ms": 11.5,
        "usage": a_usual_usage(),
        "finish_reason": "stop",
        "attempts": (replace(a_usual_attempt(), duration_ms=1836.118, ttft_ms=409.134),),
        "turn": Turn("0123456789abcdef01234567", 0, "abcdef0123456789abcdef01"),
        "has_bodies": True,
        "prompt_version": "0123456789ab",
        "prompt_characters": 12_214,
        "excerpt": "Hello, I would like to move my appointment from Tuesday to any other day, please",
        "request_ids": RequestIds(
            "req_0123456789abcdef0123456789abcdef",
            "8f5e2c1a-71c3-4abc-9def-0123456789ab",
            "1f5e2c1a-52d4-4abc-9def-0123456789ab",
        ),
    }
    return replace(an_open_trace(started_at=NOON + timedelta(milliseconds=123)), **(known | fields))


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
