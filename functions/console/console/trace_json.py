"""A trace in the API's JSON format. The field names are a public contract."""

from console.body_json import request_value, response_value
from console.costs_json import attempt_cost_json, settlement_json
from console.moments import iso_utc
from console.trace_shapes import (
    AttemptJson,
    FailureJson,
    RequestIdsJson,
    TraceEntryJson,
    TraceJson,
    TracePageJson,
    TurnJson,
    UsageJson,
)
from switchboard.domain.rates import usd
from switchboard.domain.settlement import Settlement
from switchboard.domain.trace import AttemptRecord, Bodies, Failure, RequestIds, Trace, TracePage, Turn
from switchboard.domain.trace_search import FoundTraces
from switchboard.domain.usage import Usage

BODIES_MISSING = "request and response are missing: not written yet, or the table did not take them"


def page_json(page: TracePage) -> TracePageJson:
    """One page of a list."""
    return {"traces": list(map(entry_json, page.traces)), "next_cursor": page.next_cursor, "searched_since": None}


def found_json(found: FoundTraces) -> TracePageJson:
    """What a search found."""
    since = found.searched_since
    return {
        "traces": list(map(entry_json, found.traces)),
        "next_cursor": found.next_cursor,
        "searched_since": None if since is None else iso_utc(since),
    }


def trace_json(trace: Trace, bodies: Bodies) -> TraceJson:
    """One trace with its bodies."""
    missing = [BODIES_MISSING] if trace.has_bodies and bodies == Bodies() else []
    return {
        **entry_json(trace),
        "notes": [*trace.notes, *missing],
        "request": request_value(bodies.request),
        "response": response_value(bodies.response, streamed=trace.streamed),
    }


def entry_json(trace: Trace) -> TraceEntryJson:
    """One trace as in lists: everything but the bodies."""
    return {
        "trace_id": trace.trace_id,
        "task_id": trace.task_id,
        "environment": trace.environment,
        "metadata": dict(trace.metadata),
        "provider": trace.provider,
        "model": trace.model,
        "status": trace.status,
        "streamed": trace.streamed,
        "started_at": iso_utc(trace.started_at),
        "ttft_ms": trace.ttft_ms,
        "first_sentence_ms": trace.first_sentence_ms,
        "longest_stall_ms": trace.longest_stall_ms,
        "duration_ms": trace.duration_ms,
        "gateway_ms": trace.gateway_ms,
        "queue_ms": trace.queue_ms,
        "usage": _usage(trace.usage),
        **settlement_json(trace.settlement),
        "finish_reason": trace.finish_reason,
        "attempts": [_attempt(attempt, place, trace.settlement) for place, attempt in enumerate(trace.attempts)],
        "turn": _turn(trace.turn),
        "buffered_ms": trace.buffered_ms,
        "zero_retention": trace.is_zero_retention,
        "prompt_version": trace.prompt_version,
        "prompt_characters": trace.prompt_characters,
        "excerpt": trace.excerpt,
        "request_ids": _request_ids(trace.request_ids),
        "redacted": dict(trace.redacted),
        "notes": list(trace.notes),
        "error": _failure(trace.failure),
        "project": trace.project,
        "key_id": trace.key_id,
    }


def _attempt(attempt: AttemptRecord, place: int, settlement: Settlement | None) -> AttemptJson:
    return {
        "provider": attempt.provider,
        "host": attempt.host,
        "model": attempt.model,
        "outcome": attempt.outcome,
        "status": attempt.status,
        "error": attempt.error,
        "is_hedge": attempt.is_hedge,
        "started_ms": attempt.started_ms,
        "ttft_ms": attempt.ttft_ms,
        "duration_ms": attempt.duration_ms,
        "usage": None if attempt.usage.tokens is None else _usage(attempt.usage),
        **attempt_cost_json(settlement, place),
    }


def _request_ids(ids: RequestIds) -> RequestIdsJson:
    return {"provider": ids.provider, "lambda": ids.lambda_, "api_gateway": ids.api_gateway}


def _turn(turn: Turn | None) -> TurnJson | None:
    if turn is None:
        return None
    return {"turn_id": turn.turn_id, "retry": turn.retry, "thread_id": turn.thread_id}


def _failure(failure: Failure | None) -> FailureJson | None:
    if failure is None:
        return None
    return {"code": failure.code, "message": failure.message, "http_status": failure.http_status}


def _usage(usage: Usage) -> UsageJson:
    tokens, billed = usage.tokens, usage.billed_pico_usd
    return {
        "fresh_input": None if tokens is None else tokens.fresh_input,
        "cache_read": None if tokens is None else tokens.cache_read,
        "cache_write_5m": None if tokens is None else tokens.cache_write_5m,
        "cache_write_1h": None if tokens is None else tokens.cache_write_1h,
        "output": None if tokens is None else tokens.output,
        "reasoning": None if tokens is None else tokens.reasoning,
        "audio_input": None if tokens is None else tokens.audio_input,
        "audio_cache_read": None if tokens is None else tokens.audio_cache_read,
        "audio_output": None if tokens is None else tokens.audio_output,
        "image_input": None if tokens is None else tokens.image_input,
        "image_cache_read": None if tokens is None else tokens.image_cache_read,
        "image_output": None if tokens is None else tokens.image_output,
        "searches": None if tokens is None else tokens.searches,
        "source": usage.source,
        "billed_usd": None if billed is None else usd(billed),
        "service_tier": usage.service_tier,
        "region": usage.region,
        "speed": usage.speed,
        "answer_model": usage.answer_model,
    }
