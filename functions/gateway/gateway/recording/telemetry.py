"""Log lines and metrics for operators, in CloudWatch's embedded format (docs/logs.md lists them)."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Protocol

from gateway.recording.line_size import fitted
from gateway.recording.request_ids import request_ids
from switchboard.domain.trace import AttemptRecord, Failure, RequestIds, Trace
from switchboard.domain.usage import Tokens, Usage
from switchboard.store.traces.trace_lines import to_line

NAMESPACE = "Switchboard"
CONVERSATION = "conversation-id"
COMPLETED = "completed"
"""What is unwritten of a call: its row and its bodies."""
BODIES = "bodies"
"""What is unwritten of a call: its bodies alone."""
BY_PROVIDER = frozenset({"Calls", "Errors", "TTFT"})
"""The metrics that are told by provider too. All are told by service: CloudWatch bills every combination."""
_CLASSES = tuple(field.name for field in fields(Tokens))


class Log(Protocol):
    """A structured logger: a named event with fields."""

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write one line."""

    def warning(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write one line."""

    def error(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write one line."""

    def exception(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write one line, with the exception under way."""


type Emit = Callable[[dict[str, tuple[str, float]], dict[str, str]], None]
"""Emits metrics (name → unit, value) as one document; those of BY_PROVIDER under dimensions (name → value) too."""


class Telemetry:
    """Logs and counts calls. Nothing here holds a secret, a body or a metadata value but the conversation's id."""

    def __init__(self, log: Log, emit: Emit) -> None:
        self._log = log
        self._emit = emit
        self._is_cold = True

    def opened(self, trace: Trace) -> None:
        """Log that a request is out and its answer awaited."""
        self._log.info("call.opened", extra={**_identity(trace), **_platform_ids(trace.request_ids)})

    def completed(self, trace: Trace, http_status: int) -> None:
        """Log and count a call that is over."""
        is_cold, self._is_cold = self._is_cold, False
        decisive = trace.decisive_attempt
        fields: dict[str, object] = {
            **_identity(trace),
            **_reason(trace.failure),
            **_timings(trace),
            **_usage(trace),
            "status": trace.status.value,
            "http_status": http_status,
            "finish_reason": trace.finish_reason,
            "turn_id": trace.turn.turn_id if trace.turn else None,
            "retry": trace.turn.retry if trace.turn else None,
            "attempts": len(trace.attempts),
            "attempt_outcomes": [_outcome(attempt) for attempt in trace.attempts] or None,
            "failed_attempts": [f"{attempt.host} {attempt.outcome}" for attempt in _failed(trace)],
            "prompt_characters": trace.prompt_characters,
            "provider_request_id": trace.request_ids.provider,
            **_platform_ids(trace.request_ids),
            "is_hedged": any(attempt.is_hedge for attempt in trace.attempts),
            "upstream": decisive.host if decisive else None,
            "upstream_status": decisive.status if decisive else None,
            "notes": list(trace.notes),
            "is_cold_start": is_cold,
        }
        self._log.info("call.completed", extra=fitted(fields))
        self._count(trace, is_cold=is_cold)

    def refused(self, failure: Failure, key_id: str | None, trace_id: str, ids: RequestIds) -> None:
        """Log and count a request without a valid key: there is no project to keep a trace for."""
        fields = {"trace_id": trace_id, "key_id": key_id, **_reason(failure), **_platform_ids(ids)}
        self._log.warning("call.refused", extra=fields)
        self._emit({"Refused": ("Count", 1)}, {})

    def unwritten(self, trace: Trace, what: str, reason: str) -> None:
        """Log that the store did not take a finished call; without a row in the table, the line has it."""
        line = to_line(trace) if what == COMPLETED else None
        self._log.error(
            "trace.unwritten",
            extra={
                "trace_id": trace.trace_id,
                "project": trace.project,
                "what": what,
                "reason": reason,
                "row": line.row if line else None,
                "cut": list(line.cut) or None if line else None,
                **_platform_ids(trace.request_ids),
            },
        )

    def turn_untracked(self, trace_id: str, what: str, reason: str, ids: RequestIds) -> None:
        """Log that the table did not answer about a call's turn, once per call."""
        fields = {"trace_id": trace_id, "what": what, "reason": reason, **_platform_ids(ids)}
        self._log.warning("turn.untracked", extra=fields)

    def failed(self, trace_id: str, ids: RequestIds) -> None:
        """Log that the gateway itself failed, with the exception that is being handled."""
        self._log.exception("gateway.failed", extra={"trace_id": trace_id, **_platform_ids(ids)})

    def _count(self, trace: Trace, *, is_cold: bool) -> None:
        metrics = {"Calls": ("Count", 1.0), "Errors": ("Count", float(trace.is_error))}
        if trace.ttft_ms is not None:
            metrics["TTFT"] = ("Milliseconds", trace.ttft_ms)
        if trace.gateway_ms is not None:
            metrics["GatewayOverhead"] = ("Milliseconds", trace.gateway_ms)
        rare = {
            "ColdStarts": float(is_cold),
            "Hedges": float(any(attempt.is_hedge for attempt in trace.attempts)),
            "FailedAttempts": float(len(_failed(trace))),
        }
        # A metric is billed for the hours in which it is written: a count of none is not.
        metrics |= {name: ("Count", count) for name, count in rare.items() if count}
        self._emit(metrics, {"provider": trace.provider or "none"})


def _failed(trace: Trace) -> list[AttemptRecord]:
    """The attempts that failed at their target; not those that were cancelled because another one answered."""
    return [attempt for attempt in trace.attempts if attempt.error is not None]


def _outcome(attempt: AttemptRecord) -> dict[str, object]:
    """One attempt; `usage` only where it is beside the call's own."""
    fields = {
        "provider": attempt.provider,
        "host": attempt.host,
        "model": attempt.model,
        "outcome": attempt.outcome,
        "status": attempt.status,
        "usage": _classes(attempt.usage),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _classes(usage: Usage) -> dict[str, object] | None:
    """The tokens by class, without those of which there are none."""
    if usage.tokens is None:
        return None
    counts = {name: count for name in _CLASSES if (count := getattr(usage.tokens, name))}
    bill = {} if usage.billed_pico_usd is None else {"billed_pico_usd": usage.billed_pico_usd}
    return {"source": usage.source.value, "fresh_input": 0, "output": 0} | counts | bill


def _identity(trace: Trace) -> dict[str, object]:
    return {
        "trace_id": trace.trace_id,
        "project": trace.project,
        "task_id": trace.task_id,
        "environment": trace.environment,
        "conversation_id": trace.metadata.get(CONVERSATION),
        "key_id": trace.key_id,
        "provider": trace.provider,
        "model": trace.model,
        "streamed": trace.streamed,
    }


def _reason(failure: Failure | None) -> dict[str, object]:
    if failure is None:
        return {"error": None, "error_message": None}
    return {"error": failure.code, "error_message": failure.message}


def _platform_ids(ids: RequestIds) -> dict[str, object]:
    """By which a line is found from Lambda's lines and API Gateway's, and they from it."""
    bounded = request_ids(ids, None)
    return {"lambda_request_id": bounded.lambda_, "api_gateway_request_id": bounded.api_gateway}


def _timings(trace: Trace) -> dict[str, object]:
    return {
        "ttft_ms": trace.ttft_ms,
        "first_sentence_ms": trace.first_sentence_ms,
        "longest_stall_ms": trace.longest_stall_ms,
        "buffered_ms": trace.buffered_ms,
        "duration_ms": trace.duration_ms,
        "gateway_ms": trace.gateway_ms,
        "queue_ms": trace.queue_ms,
    }


def _usage(trace: Trace) -> dict[str, object]:
    tokens = trace.usage.tokens
    return {
        "prompt_tokens": tokens.prompt if tokens else None,
        "fresh_input_tokens": tokens.fresh_input if tokens else None,
        "cache_read_tokens": tokens.cache_read if tokens else None,
        "cache_write_5m_tokens": tokens.cache_write_5m if tokens else None,
        "cache_write_1h_tokens": tokens.cache_write_1h if tokens else None,
        "completion_tokens": tokens.completion if tokens else None,
        "reasoning_tokens": tokens.reasoning if tokens else None,
        "billed_pico_usd": trace.usage.billed_pico_usd,
        "usage_source": trace.usage.source.value,
    }
