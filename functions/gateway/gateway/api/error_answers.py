"""Error responses in OpenAI's format, with the status from one table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

from gateway.domain import errors
from gateway.domain.call import Capture
from gateway.domain.error_names import NO_NAMES, ErrorNames
from gateway.domain.errors import AllTargetsFailed, GatewayError, UpstreamFailure
from gateway.domain.reports import UpstreamRejected, UpstreamReported
from gateway.domain.secret import Scrubber
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
    errors.EncodingUnsupported: Kind(415, _REQUEST, "encoding_unsupported"),
    errors.KeysUnavailable: Kind(503, "server_error", "keys_unavailable"),
}

FAILURES: dict[type[UpstreamFailure], Kind] = {
    errors.ConnectFailed: Kind(502, _UPSTREAM, "connect_failed", Status.UPSTREAM_ERROR),
    errors.AddressRefused: Kind(403, "permission_error", "provider_url_refused", Status.REFUSED),
    UpstreamRejected: Kind(502, _UPSTREAM, "upstream_rejected", Status.UPSTREAM_ERROR),
    UpstreamReported: Kind(502, _UPSTREAM, "upstream_reported", Status.UPSTREAM_ERROR),
    errors.EmptyCompletion: Kind(502, _UPSTREAM, "empty_completion", Status.UPSTREAM_ERROR),
    errors.UpstreamCut: Kind(502, _UPSTREAM, "upstream_cut", Status.TRUNCATED),
    errors.AnswerUnreadable: Kind(502, _UPSTREAM, "answer_unreadable", Status.UPSTREAM_ERROR),
    errors.AnswerTooLarge: Kind(502, _UPSTREAM, "answer_too_large", Status.UPSTREAM_ERROR),
    errors.FirstTokenLate: Kind(504, _UPSTREAM, "first_token_late", Status.TIMEOUT),
    errors.AnswerLate: Kind(504, _UPSTREAM, "answer_late", Status.TIMEOUT),
    errors.AttemptBroken: Kind(500, "server_error", "internal_error", Status.UPSTREAM_ERROR),
}

PASSED_ON = frozenset({400, 404, 409, 413, 415, 422, 429})
"""Statuses of a provider's errors about the request: the caller gets them, with the provider's own names for them."""

ABOUT_THE_KEY = frozenset({401, 402, 403})
"""Statuses of its errors about its own key. The caller would take them for errors about the gateway key."""

_FAILED_DEPENDENCY = 424
_FORBIDDEN = 403
_UNAVAILABLE = 503

type Header = tuple[str, str]

CODE_HEADER = "x-inference-error"
NO_RETRY: tuple[Header, ...] = (("x-should-retry", "false"),)
"""OpenAI's clients retry after 408, 409, 429 and any 5xx, unless this header forbids it."""

INTERNAL = Failure("internal_error", "The gateway failed. The trace id tells the operator where to look.", 500)


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An error as it is sent to the caller, and as the trace stores it.

    `error` is the object that the caller reads: its code may be the provider's. `failure` has the gateway's own code,
    which is in the headers too. `fact`: the message without the provider's text, for traces below `full`.
    """

    failure: Failure
    status: Status
    headers: tuple[Header, ...]
    error: Mapping[str, str | None]
    fact: str

    @property
    def body(self) -> bytes:
        """The body of a response of its own."""
        return json.dumps({"error": self.error}).encode()

    def event(self, request_id: str) -> bytes:
        """The last event of a stream that has begun: clients cannot read the id from the response's headers then."""
        return b"data: " + json.dumps({"error": {**self.error, "request_id": request_id}}).encode() + b"\n\n"

    def scrubbed(self, scrubber: Scrubber) -> "ErrorAnswer":
        """The answer without a call's secrets."""
        return replace(
            self,
            failure=replace(self.failure, message=scrubber.text(self.failure.message)),
            error={name: None if text is None else scrubber.text(text) for name, text in self.error.items()},
            fact=scrubber.text(self.fact),
        )

    def kept(self, capture: Capture) -> Failure:
        """The failure as the trace and the log store it: a provider's sentence may quote the prompt."""
        return self.failure if capture is Capture.FULL else replace(self.failure, message=self.fact)


def answer_error(error: GatewayError) -> ErrorAnswer:
    """The answer for an error before the first byte."""
    if isinstance(error, AllTargetsFailed):
        return _all_failed(error)
    kind = REFUSALS[type(error)]
    return _answer(kind, error.message, param=error.param)


def answer_failure(failed: UpstreamFailure) -> ErrorAnswer:
    """The answer for a failure after the first byte: it is sent as the last event."""
    kind = FAILURES[type(failed)]
    who = f"{failed.target.provider} ({failed.target.host})"
    return _answer(kind, f"{who}: {failed.told}", fact=f"{who}: {failed.fact}")


def answer_internal() -> ErrorAnswer:
    """The answer for an error of the gateway itself; the reason is in the log."""
    kind = Kind(INTERNAL.http_status, "server_error", INTERNAL.code, Status.UPSTREAM_ERROR)
    return _answer(kind, INTERNAL.message)


def answer_stopped(failure: Failure, status: Status) -> ErrorAnswer:
    """The answer for a call that was stopped, whose caller may still be connected."""
    kind = Kind(failure.http_status, "call_stopped", failure.code, status)
    # A retry would answer a turn twice; but if the gateway is shutting down, a retry reaches another instance.
    return _answer(kind, failure.message, headers=() if failure.http_status == _UNAVAILABLE else NO_RETRY)


def _all_failed(error: AllTargetsFailed) -> ErrorAnswer:
    """The answer for the last failure; a provider's own status is passed on if all targets answered with it."""
    last = error.failures[-1]
    kind = FAILURES[type(last)]
    statuses = {failed.status for failed in error.failures}
    names, headers = NO_NAMES, ()  # type: ErrorNames, tuple[Header, ...]
    if isinstance(last, UpstreamRejected) and len(statuses) == 1:
        headers = _pause(last.retry_after_ms)
        if last.status in PASSED_ON:
            kind, names = replace(kind, http_status=last.status), last.names
    if statuses <= ABOUT_THE_KEY:
        kind = replace(kind, http_status=_FAILED_DEPENDENCY)
    elif kind.http_status == _FORBIDDEN and len({type(failed) for failed in error.failures}) > 1:
        kind = FAILURES[errors.ConnectFailed]
    if not headers and not any(failed.may_repeat for failed in error.failures):
        headers = NO_RETRY
    # Before the first byte no answer was truncated: the target failed.
    status = Status.UPSTREAM_ERROR if kind.status is Status.TRUNCATED else kind.status
    return _answer(replace(kind, status=status), error.message, headers=headers, fact=error.fact, names=names)


def _pause(milliseconds: float | None) -> tuple[Header, ...]:
    """The headers that ask a client to wait: whole seconds as HTTP has them, and OpenAI's milliseconds."""
    if milliseconds is None:
        return ()
    return ("retry-after", str(ceil(milliseconds / 1000))), ("retry-after-ms", str(ceil(milliseconds)))


def _answer(
    kind: Kind,
    message: str,
    *,
    param: str | None = None,
    headers: tuple[Header, ...] = (),
    fact: str | None = None,
    names: ErrorNames = NO_NAMES,
) -> ErrorAnswer:
    """The answer; `names` are a provider's, which take the place of the gateway's own."""
    if names.code is None and names.type is None:
        names = replace(names, code=kind.code, type=kind.type)
    error = {"message": message, "type": names.type, "param": param or names.param, "code": names.code}
    failure = Failure(kind.code, message, kind.http_status)
    return ErrorAnswer(failure, kind.status, ((CODE_HEADER, kind.code), *headers), error, fact or message)
