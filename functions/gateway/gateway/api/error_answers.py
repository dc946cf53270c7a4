"""Error responses in OpenAI's format, with the status from one table."""

import json
from dataclasses import dataclass, replace

from gateway.domain import errors
from gateway.domain.errors import AllTargetsFailed, GatewayError, UpstreamFailure, UpstreamRejected
from switchboard.domain.trace import Failure, Status


@dataclass(frozen=True, slots=True)
class Kind:
    """The response to a type of error, and the status of its trace."""

    http_status: int
    type: str
    code: str
    status: Status = Status.REFUSED


_REQUEST = "invalid_request_error"
_AUTH = "authentication_error"
_UPSTREAM = "upstream_error"

REFUSALS: dict[type[GatewayError], Kind] = {
    errors.BodyMalformed: Kind(400, _REQUEST, "body_malformed"),
    errors.HeaderMalformed: Kind(400, _REQUEST, "header_malformed"),
    errors.ProviderUnknown: Kind(400, _REQUEST, "provider_unknown"),
    errors.ProviderKeyMissing: Kind(400, _REQUEST, "provider_key_missing"),
    errors.KeyMissing: Kind(401, _AUTH, "key_missing"),
    errors.KeyUnknown: Kind(401, _AUTH, "key_unknown"),
    errors.KeyRevoked: Kind(401, _AUTH, "key_revoked"),
    errors.ScopeMissing: Kind(403, "permission_error", "scope_missing"),
    errors.ProviderUrlRefused: Kind(403, "permission_error", "provider_url_refused"),
    errors.NoTargetAllowed: Kind(403, "permission_error", "no_target_allowed"),
    errors.RouteUnknown: Kind(404, _REQUEST, "route_unknown"),
    errors.MethodRefused: Kind(405, _REQUEST, "method_refused"),
    errors.BodyTooLarge: Kind(413, _REQUEST, "body_too_large"),
    errors.KeysUnavailable: Kind(503, "server_error", "keys_unavailable"),
}

FAILURES: dict[type[UpstreamFailure], Kind] = {
    errors.ConnectFailed: Kind(502, _UPSTREAM, "connect_failed", Status.UPSTREAM_ERROR),
    errors.AddressRefused: Kind(403, "permission_error", "provider_url_refused", Status.REFUSED),
    errors.UpstreamRejected: Kind(502, _UPSTREAM, "upstream_rejected", Status.UPSTREAM_ERROR),
    errors.UpstreamReported: Kind(502, _UPSTREAM, "upstream_reported", Status.UPSTREAM_ERROR),
    errors.EmptyCompletion: Kind(502, _UPSTREAM, "empty_completion", Status.UPSTREAM_ERROR),
    errors.UpstreamCut: Kind(502, _UPSTREAM, "upstream_cut", Status.TRUNCATED),
    errors.FirstTokenLate: Kind(504, _UPSTREAM, "first_token_late", Status.TIMEOUT),
    errors.AnswerLate: Kind(504, _UPSTREAM, "answer_late", Status.TIMEOUT),
    errors.AttemptBroken: Kind(500, "server_error", "internal_error", Status.UPSTREAM_ERROR),
}

# A provider's errors about the request are passed on to the caller. Its errors about the key (401, 402, 403) are not:
# they concern the operator, and the caller would take them for errors about the gateway key.
PASSED_ON = frozenset({400, 404, 409, 413, 415, 422, 429})

_FORBIDDEN = 403
_UNAVAILABLE = 503

NO_RETRY = (("x-should-retry", "false"),)
"""OpenAI's clients retry after 408, 409, 429 and any 5xx, unless this header forbids it."""

INTERNAL = Failure("internal_error", "The gateway failed. The trace id tells the operator where to look.", 500)


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An error as it is sent to the caller, and as the trace stores it.

    `fact`: the message without the provider's text, for a trace under zero retention.
    """

    failure: Failure
    status: Status
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fact: str

    def kept(self, *, is_zero_retention: bool) -> Failure:
        """The failure as the trace and the log store it."""
        return replace(self.failure, message=self.fact) if is_zero_retention else self.failure


def answer_error(error: GatewayError) -> ErrorAnswer:
    """The answer for an error before the first byte."""
    if isinstance(error, AllTargetsFailed):
        return _all_failed(error)
    kind = REFUSALS[type(error)]
    return _answer(kind, kind.http_status, error.message, error.param)


def answer_failure(failed: UpstreamFailure) -> ErrorAnswer:
    """The answer for a failure after the first byte: its body is sent as the data of the last event."""
    kind = FAILURES[type(failed)]
    who = f"{failed.target.provider} ({failed.target.host})"
    return _answer(kind, kind.http_status, f"{who}: {failed.message}", None, fact=f"{who}: {failed.fact}")


def answer_internal() -> ErrorAnswer:
    """The answer for an error of the gateway itself; the reason is in the log."""
    kind = Kind(INTERNAL.http_status, "server_error", INTERNAL.code, Status.UPSTREAM_ERROR)
    return _answer(kind, kind.http_status, INTERNAL.message, None)


def answer_stopped(failure: Failure, status: Status) -> ErrorAnswer:
    """The answer for a call that was stopped, whose caller may still be connected."""
    kind = Kind(failure.http_status, "call_stopped", failure.code, status)
    # A retry would answer a turn twice; but if the gateway is shutting down, a retry reaches another instance.
    headers = () if failure.http_status == _UNAVAILABLE else NO_RETRY
    return _answer(kind, kind.http_status, failure.message, None, headers)


def _all_failed(error: AllTargetsFailed) -> ErrorAnswer:
    """The answer for the last failure; a provider's own status is passed on if all targets answered with it."""
    last = error.failures[-1]
    kind = FAILURES[type(last)]
    status, headers = kind.http_status, ()  # type: int, tuple[tuple[str, str], ...]
    if isinstance(last, UpstreamRejected) and _is_unanimous(error, last.status):
        status = last.status if last.status in PASSED_ON else status
        headers = (("retry-after", last.retry_after),) if last.retry_after else ()
    elif status == _FORBIDDEN and len({type(failed) for failed in error.failures}) > 1:
        kind = FAILURES[errors.ConnectFailed]
        status = kind.http_status
    if not headers and not any(failed.may_repeat for failed in error.failures):
        headers = NO_RETRY
    # Before the first byte no answer was truncated: the target failed.
    trace_status = Status.UPSTREAM_ERROR if kind.status is Status.TRUNCATED else kind.status
    return _answer(
        Kind(status, kind.type, kind.code, trace_status), status, error.message, None, headers, fact=error.fact
    )


def _is_unanimous(error: AllTargetsFailed, status: int) -> bool:
    return all(isinstance(failed, UpstreamRejected) and failed.status == status for failed in error.failures)


def _answer(
    kind: Kind,
    http_status: int,
    message: str,
    param: str | None,
    headers: tuple[tuple[str, str], ...] = (),
    fact: str | None = None,
) -> ErrorAnswer:
    body = {"error": {"message": message, "type": kind.type, "param": param, "code": kind.code}}
    failure = Failure(kind.code, message, http_status)
    return ErrorAnswer(failure, kind.status, headers, json.dumps(body).encode(), fact or message)
