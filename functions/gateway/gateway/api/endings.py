"""Why an answer ends before its provider has finished it, and what the trace and the caller are told."""

from dataclasses import dataclass

from gateway.api.error_answers import INTERNAL
from switchboard.domain.trace import Failure, Status
from switchboard.domain.turns import Stop


@dataclass(frozen=True, slots=True)
class Ending:
    """A reason to end an answer early. `is_told`: whether the caller may still be connected and gets an error."""

    status: Status
    failure: Failure
    is_told: bool = True


CLIENT_CLOSED = Ending(
    Status.CLIENT_CLOSED,
    Failure("client_closed", "The caller left before the answer was complete.", 499),
    is_told=False,
)
LEFT_EARLY = Ending(
    Status.CLIENT_CLOSED,
    Failure("client_closed", "The caller left before its request was complete.", 499),
    is_told=False,
)
GATEWAY_STOPPED = Ending(
    Status.TRUNCATED, Failure("gateway_stopped", "The gateway was stopped before the answer was complete.", 503)
)
SEND_FAILED = Ending(Status.UPSTREAM_ERROR, INTERNAL, is_told=False)
UNREAD = Ending(
    Status.TIMEOUT,
    Failure("answer_late", "The caller did not take the whole answer within the call's time.", 504),
    is_told=False,
)
UNREAD_S = 1.0
"""How long a caller that does not read may take after the call's deadline, at which the provider is cut off."""

_STOPPED = {
    Stop.SUPERSEDED: Ending(
        Status.SUPERSEDED, Failure("turn_answered", "Another request for this turn was answered first.", 409)
    ),
    Stop.INTERRUPTED: Ending(
        Status.INTERRUPTED, Failure("barge_in", "The conversation has gone on to a later turn.", 409)
    ),
}


def ending_of(*, has_left: bool, stop: Stop | None, is_overdue: bool) -> Ending:
    """The ending of an answer that is broken off: by the caller, by its conversation, by its deadline, or by us."""
    if has_left:
        return CLIENT_CLOSED
    if stop is not None:
        return _STOPPED[stop]
    return UNREAD if is_overdue else GATEWAY_STOPPED
