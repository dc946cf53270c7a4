"""When a request arrived, and how long it may take."""

from datetime import UTC, datetime

from starlette.requests import Request

from gateway.api.responses import entry_of
from gateway.domain.call import Arrival


def arrival_of(request: Request) -> Arrival:
    """The arrival of a request at the gateway."""
    entry = entry_of(request)
    return Arrival(
        at=entry.at, moment=entry.moment, queue_ms=_queue_ms(request, entry.at), remaining_ms=_remaining_ms(request)
    )


def _remaining_ms(request: Request) -> int | None:
    """How long Lambda lets the function run; None elsewhere."""
    context = request.scope.get("aws.context")
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return int(remaining()) if remaining is not None else None


def _queue_ms(request: Request, now: datetime) -> float | None:
    """The time since API Gateway received the request; None where it does not tell."""
    event = request.scope.get("aws.event")
    context = event.get("requestContext") if isinstance(event, dict) else None
    epoch_ms = context.get("requestTimeEpoch") if isinstance(context, dict) else None
    if not isinstance(epoch_ms, int | float):
        return None
    received = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return max(0.0, round((now - received).total_seconds() * 1000, 3))
