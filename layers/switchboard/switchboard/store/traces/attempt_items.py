"""AttemptRecord ⇄ an attribute of its trace's row: `from_item(to_item(record)) == record`. Defaults are left out."""

from collections.abc import Mapping
from typing import Any

from switchboard.domain.trace import AttemptRecord
from switchboard.store.attributes import Item, Value
from switchboard.store.traces import usage_items


def to_item(attempt: AttemptRecord) -> Item:
    """The attribute of an attempt."""
    values: dict[str, Value] = {
        "provider": attempt.provider,
        "host": attempt.host,
        "model": attempt.model,
        "outcome": attempt.outcome,
        "started_ms": attempt.started_ms,
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "ttft_ms": attempt.ttft_ms,
        "error": attempt.error,
        "is_hedge": attempt.is_hedge or None,
        "usage": usage_items.to_item(attempt.usage),
    }
    return {name: value for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> AttemptRecord:
    """The attempt of an attribute. Raises KeyError or ValueError if it is not an attempt."""
    ttft_ms = item.get("ttft_ms")
    return AttemptRecord(
        provider=item["provider"],
        host=item["host"],
        model=item["model"],
        outcome=item["outcome"],
        started_ms=float(item["started_ms"]),
        duration_ms=float(item["duration_ms"]),
        status=item.get("status"),
        ttft_ms=None if ttft_ms is None else float(ttft_ms),
        error=item.get("error"),
        is_hedge=item.get("is_hedge", False),
        usage=usage_items.from_item(item.get("usage")),
    )
