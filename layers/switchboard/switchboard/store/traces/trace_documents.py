"""Trace ⇄ document: `from_document(to_document(trace)) == trace`, unless the row would not fit the table (`row_fit`).

A document has the fields' full names and values that JSON has, without those that are None, empty or zero. Rows of
earlier versions and log lines are documents; today's rows are made from them (`trace_items`). Unknown names, which
other functions add, are ignored.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from switchboard.domain.trace import NO_REQUEST_IDS, Failure, RequestIds, Status, Trace, Turn
from switchboard.store.attributes import Item
from switchboard.store.traces import attempt_items, row_fit, settlement_items, usage_items

type Document = dict[str, Any]


def to_document(trace: Trace) -> Document:
    """The document of a trace; its row fits the table."""
    values = {
        "trace_id": trace.trace_id,
        "project": trace.project,
        "task_id": trace.task_id,
        "environment": trace.environment,
        "started_at": trace.started_at.astimezone(UTC).isoformat(),
        "status": trace.status.value,
        "streamed": trace.streamed,
        "key_id": trace.key_id,
        "model": trace.model,
        "provider": trace.provider,
        # DynamoDB rejects empty attribute names; dropping such a value is better than losing the row.
        "metadata": {name: text for name, text in trace.metadata.items() if name} or None,
        "ttft_ms": trace.ttft_ms,
        "first_sentence_ms": trace.first_sentence_ms,
        "longest_stall_ms": trace.longest_stall_ms,
        "duration_ms": trace.duration_ms,
        "gateway_ms": trace.gateway_ms,
        "queue_ms": trace.queue_ms,
        "usage": usage_items.to_item(trace.usage),
        "finish_reason": trace.finish_reason,
        "attempts": [attempt_items.to_item(attempt) for attempt in trace.attempts] or None,
        "notes": list(trace.notes) or None,
        "failure": failure_item(trace.failure),
        "turn": _turn_item(trace.turn),
        "buffered_ms": trace.buffered_ms,
        "is_zero_retention": trace.is_zero_retention or None,
        "has_bodies": trace.has_bodies or None,
        "prompt_version": trace.prompt_version,
        "prompt_characters": trace.prompt_characters,
        "excerpt": trace.excerpt,
        "request_ids": _request_ids_item(trace.request_ids),
        "redacted": dict(trace.redacted) or None,
        **(settlement_items.to_item(trace.settlement) if trace.settlement else {}),
    }
    document = {name: value for name, value in values.items() if value is not None}
    row_fit.fit(document)
    return document


def from_document(document: Mapping[str, Any]) -> Trace:
    """The trace of a document. Raises KeyError or ValueError if it is not a trace."""
    return Trace(
        trace_id=document["trace_id"],
        project=document["project"],
        task_id=document["task_id"],
        environment=document["environment"],
        started_at=datetime.fromisoformat(document["started_at"]),
        status=Status(document["status"]),
        streamed=document["streamed"],
        key_id=document["key_id"],
        model=document.get("model"),
        provider=document.get("provider"),
        metadata=document.get("metadata") or {},
        ttft_ms=_milliseconds(document.get("ttft_ms")),
        duration_ms=_milliseconds(document.get("duration_ms")),
        gateway_ms=_milliseconds(document.get("gateway_ms")),
        queue_ms=_milliseconds(document.get("queue_ms")),
        usage=usage_items.from_item(document.get("usage")),
        finish_reason=document.get("finish_reason"),
        attempts=tuple(attempt_items.from_item(attempt) for attempt in document.get("attempts") or ()),
        notes=tuple(document.get("notes") or ()),
        failure=_failure(document.get("failure")),
        turn=_turn(document.get("turn")),
        buffered_ms=_milliseconds(document.get("buffered_ms")),
        is_zero_retention=bool(document.get("is_zero_retention")),
        has_bodies=bool(document.get("has_bodies")),
        first_sentence_ms=_milliseconds(document.get("first_sentence_ms")),
        longest_stall_ms=_milliseconds(document.get("longest_stall_ms")),
        prompt_version=document.get("prompt_version"),
        prompt_characters=document.get("prompt_characters"),
        excerpt=document.get("excerpt"),
        request_ids=_request_ids(document.get("request_ids")),
        redacted={name: int(count) for name, count in (document.get("redacted") or {}).items()},
        settlement=settlement_items.from_item(document),
        expires_at=document.get("expires_at"),
    )


def failure_item(failure: Failure | None) -> Item | None:
    """A failure as an attribute of its row."""
    if failure is None:
        return None
    return {"code": failure.code, "message": failure.message, "http_status": failure.http_status}


def _failure(item: Mapping[str, Any] | None) -> Failure | None:
    return None if item is None else Failure(item["code"], item["message"], item["http_status"])


def _turn_item(turn: Turn | None) -> Item | None:
    if turn is None:
        return None
    thread = {} if turn.thread_id is None else {"thread_id": turn.thread_id}
    return {"turn_id": turn.turn_id, **({"retry": turn.retry} if turn.retry else {}), **thread}


def _turn(item: Mapping[str, Any] | None) -> Turn | None:
    return None if item is None else Turn(item["turn_id"], item.get("retry", 0), item.get("thread_id"))


def _request_ids_item(ids: RequestIds) -> Item | None:
    told = {"provider": ids.provider, "lambda": ids.lambda_, "api_gateway": ids.api_gateway}
    return {name: text for name, text in told.items() if text is not None} or None


def _request_ids(item: Mapping[str, Any] | None) -> RequestIds:
    return NO_REQUEST_IDS if item is None else RequestIds(*map(item.get, ("provider", "lambda", "api_gateway")))


def _milliseconds(value: Any) -> float | None:  # noqa: ANN401 - Decimal, int or float, depending on the source
    return None if value is None else float(value)
