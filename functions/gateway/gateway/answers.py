"""Errors become answers: OpenAI's shape, and the status from one table."""

import json
from dataclasses import dataclass

from gateway import errors
from gateway.errors import AllTargetsFailed, GatewayError, UpstreamFailure, UpstreamRejected
from switchboard.trace import Failure, Status


@dataclass(frozen=True, slots=True)
class Kind:
    """How an error shows itself to the caller, and what the trace calls it."""

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
}

# What a provider says of the request itself is for the caller. What it says of its key (401, 402, 403) is for the
# operator: passed on, it would read as if the caller's gateway key were wrong.
PASSED_ON = frozenset({400, 404, 409, 413, 415, 422, 429})

INTERNAL = Failure("internal_error", "The gateway failed. The trace id tells the operator where to look.", 500)


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An error as the caller gets it, and as the trace keeps it."""

    failure: Failure
    status: Status
    headers: tuple[tuple[str, str], ...]
    body: bytes


def answer_error(error: GatewayError) -> ErrorAnswer:
    """The answer for an error before the first byte."""
    if isinstance(error, AllTargetsFailed):
        return _all_failed(error)
    kind = REFUSALS[type(error)]
    return _answer(kind, kind.http_status, error.message, error.param)


def answer_failure(failed: UpstreamFailure) -> ErrorAnswer:
    """What is said of a failure after the first byte: its body is the data of the last event."""
    kind = FAILURES[type(failed)]
    return _answer(kind, kind.http_status, f"{failed.target.provider} ({failed.target.host}): {failed.message}", None)


def answer_internal() -> ErrorAnswer:
    """The answer when the gateway itself is at fault; the reason is in its log."""
    kind = Kind(INTERNAL.http_status, "server_error", INTERNAL.code, Status.UPSTREAM_ERROR)
    return _answer(kind, kind.http_status, INTERNAL.message, None)


def _all_failed(error: AllTargetsFailed) -> ErrorAnswer:
    kind, last = FAILURES[type(error.last)], error.last
    status = kind.http_status
    if isinstance(last, UpstreamRejected) and last.status in PASSED_ON:
        status = last.status
    retry_after = last.retry_after if isinstance(last, UpstreamRejected) else None
    # Before the first byte nothing was truncated: the target simply failed.
    trace_status = Status.UPSTREAM_ERROR if kind.status is Status.TRUNCATED else kind.status
    return _answer(
        Kind(status, kind.type, kind.code, trace_status),
        status,
        error.message,
        None,
        (("retry-after", retry_after),) if retry_after else (),
    )


def _answer(
    kind: Kind, http_status: int, message: str, param: str | None, headers: tuple[tuple[str, str], ...] = ()
) -> ErrorAnswer:
    body = {"error": {"message": message, "type": kind.type, "param": param, "code": kind.code}}
    return ErrorAnswer(Failure(kind.code, message, http_status), kind.status, headers, json.dumps(body).encode())
