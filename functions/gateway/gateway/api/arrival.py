"""When a request arrived, how long it may take, and what the platform calls it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import Request

from gateway.api.responses import entry_of
from gateway.domain.call import Arrival


def arrival_of(request: Request) -> Arrival:
    """The arrival of a request at the gateway."""
    entry, context, asked = entry_of(request), request.scope.get("aws.context"), _request_context(request)
    return Arrival(
        at=entry.at,
        moment=entry.moment,
        queue_ms=_queue_ms(asked, entry.at),
        remaining_ms=_remaining_ms(context),
        lambda_id=_text(getattr(context, "aws_request_id", None)),
        api_gateway_id=_text(asked.get("requestId")),
    )


def _request_context(request: Request) -> Mapping[str, object]:
    """What API Gateway tells of the request; nothing elsewhere."""
    event = request.scope.get("aws.event")
    context = event.get("requestContext") if isinstance(event, dict) else None
    return context if isinstance(context, dict) else {}


def _remaining_ms(context: object) -> int | None:
    """How long Lambda lets the function run; None elsewhere."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return int(remaining()) if remaining is not None else None


def _queue_ms(context: Mapping[str, object], now: datetime) -> float | None:
    """The time since API Gateway received the request; None where it does not tell."""
    epoch_ms = context.get("requestTimeEpoch")
    if not isinstance(epoch_ms, int | float):
        return None
    received = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return max(0.0, round((now - received).total_seconds() * 1000, 3))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
