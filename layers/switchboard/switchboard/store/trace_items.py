"""Trace ⇄ item: `from_item(to_item(trace, …)) == trace`, unless the item would not fit the table (`row_fit`).

Every later update is billed by the size of the whole item, so items are kept small. Values that are None, empty
or zero are left out; unknown attributes, which other functions add later, are ignored.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from switchboard.domain.trace import NO_REQUEST_IDS, Failure, RequestIds, Status, Trace, Turn
from switchboard.store import attempt_items, keyspace, row_fit, settlement_items, usage_items
from switchboard.store.attributes import Item

KIND = "trace"


def to_item(trace: Trace, expires_at: int) -> Item:
    """The row of a trace, to be deleted after `expires_at` (epoch seconds); it fits the table."""
    row = _row(trace, expires_at)
    row_fit.fit(row)
    return row


def _row(trace: Trace, expires_at: int) -> dict[str, Any]:
    key = keyspace.trace(trace.project, trace.trace_id)
    in_task = keyspace.trace_in_task(trace.project, trace.task_id, trace.trace_id)
    return {
        "pk": key.pk,
        "sk": key.sk,
        "gsi1pk": in_task.pk,
        "gsi1sk": in_task.sk,
        "kind": KIND,
        "expires_at": expires_at,
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
        "duration_ms": trace.duration_ms,
        "gateway_ms": trace.gateway_ms,
        "queue_ms": trace.queue_ms,
        "usage": usage_items.to_item(trace.usage),
        "finish_reason": trace.finish_reason,
        "attempts": [attempt_items.to_item(attempt) for attempt in trace.attempts] or None,
        "notes": trace.notes or None,
        "failure": failure_item(trace.failure),
        "turn": _turn_item(trace.turn),
        "buffered_ms": trace.buffered_ms,
        "is_zero_retention": trace.is_zero_retention or None,
        "has_bodies": trace.has_bodies or None,
        "first_sentence_ms": trace.first_sentence_ms,
        "longest_stall_ms": trace.longest_stall_ms,
        "prompt_version": trace.prompt_version,
        "prompt_characters": trace.prompt_characters,
        "excerpt": trace.excerpt,
        "request_ids": _request_ids_item(trace.request_ids),
        **(settlement_items.to_item(trace.settlement) if trace.settlement else {}),
    }


def from_item(item: Mapping[str, Any]) -> Trace:
    """The trace of a row. Raises KeyError or ValueError if it is not a trace."""
    return Trace(
        trace_id=item["sk"],
        project=item["project"],
        task_id=item["task_id"],
        environment=item["environment"],
        started_at=datetime.fromisoformat(item["started_at"]),
        status=Status(item["status"]),
        streamed=item["streamed"],
        key_id=item["key_id"],
        model=item.get("model"),
        provider=item.get("provider"),
        metadata=item.get("metadata") or {},
        ttft_ms=_milliseconds(item.get("ttft_ms")),
        duration_ms=_milliseconds(item.get("duration_ms")),
        gateway_ms=_milliseconds(item.get("gateway_ms")),
        queue_ms=_milliseconds(item.get("queue_ms")),
        usage=usage_items.from_item(item.get("usage")),
        finish_reason=item.get("finish_reason"),
        attempts=tuple(attempt_items.from_item(attempt) for attempt in item.get("attempts") or ()),
        notes=tuple(item.get("notes") or ()),
        failure=_failure(item.get("failure")),
        turn=_turn(item.get("turn")),
        buffered_ms=_milliseconds(item.get("buffered_ms")),
        is_zero_retention=bool(item.get("is_zero_retention")),
        has_bodies=bool(item.get("has_bodies")),
        first_sentence_ms=_milliseconds(item.get("first_sentence_ms")),
        longest_stall_ms=_milliseconds(item.get("longest_stall_ms")),
        prompt_version=item.get("prompt_version"),
        prompt_characters=item.get("prompt_characters"),
        excerpt=item.get("excerpt"),
        request_ids=_request_ids(item.get("request_ids")),
        settlement=settlement_items.from_item(item),
        expires_at=item.get("expires_at"),
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
