import json
from collections.abc import Iterator

import pytest

from gateway.api.error_answers import (
    FAILURES,
    INTERNAL,
    PASSED_ON,
    REFUSALS,
    ErrorAnswer,
    answer_error,
    answer_failure,
    answer_internal,
)
from gateway.domain import errors
from gateway.domain.call import Capture, Target
from gateway.domain.error_names import ErrorNames
from gateway.domain.reports import UpstreamRejected, UpstreamReported
from switchboard.domain.trace import Status

TARGET = Target("groq", "https://api.groq.com/openai/v1/chat/completions", "api.groq.com", "llama", 30_000)
REJECTED = (("x-inference-error", "upstream_rejected"),)
MILLISECONDS = ("retry-after-ms", "7000")
OTHER = Target("openai", "https://api.openai.com/v1/chat/completions", "api.openai.com", "gpt-4o", 30_000)

STATUS_OF_REFUSALS = {
    errors.BodyMalformed: 400,
    errors.HeaderMalformed: 400,
    errors.ProviderUnknown: 400,
    errors.ProviderKeyMissing: 400,
    errors.KeyMissing: 401,
    errors.KeyUnknown: 401,
    errors.KeyRevoked: 401,
    errors.ScopeMissing: 403,
    errors.ProviderUrlRefused: 403,
    errors.NoTargetAllowed: 403,
    errors.RouteUnknown: 404,
    errors.MethodRefused: 405,
    errors.BodyTooLarge: 413,
    errors.KeysUnavailable: 503,
}
STATUS_OF_FAILURES = {
    errors.AddressRefused: 403,
    errors.ConnectFailed: 502,
    UpstreamRejected: 502,
    UpstreamReported: 502,
    errors.EmptyCompletion: 502,
    errors.UpstreamCut: 502,
    errors.FirstTokenLate: 504,
    errors.AnswerLate: 504,
    errors.AttemptBroken: 500,
}


def _leaves[E](parent: type[E]) -> Iterator[type[E]]:
    children = parent.__subclasses__()
    if not children:
        yield parent
    for child in children:
        yield from _leaves(child)


def _failure(kind: type[errors.UpstreamFailure]) -> errors.UpstreamFailure:
    if kind is errors.FirstTokenLate:
        return errors.FirstTokenLate(TARGET, 4000)
    if kind is UpstreamRejected:
        return UpstreamRejected(TARGET, 500, "oops")
    if kind is errors.AttemptBroken:
        return errors.AttemptBroken(TARGET)
    if kind is UpstreamReported:
        return UpstreamReported(TARGET, "oops")
    return kind(TARGET, "went wrong")


def _all_failed(*failures: errors.UpstreamFailure) -> errors.AllTargetsFailed:
    return errors.AllTargetsFailed(failures)


def _error(answer: ErrorAnswer) -> dict[str, object]:
    body = json.loads(answer.body)
    assert list(body) == ["error"]
    error: dict[str, object] = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert error["message"]
    return error


def test_every_error_has_a_row_in_the_tables() -> None:
    assert set(_leaves(errors.GatewayError)) == {*REFUSALS, errors.AllTargetsFailed}
    assert set(_leaves(errors.UpstreamFailure)) == set(FAILURES)


def test_each_refusal_has_its_own_code() -> None:
    codes = [kind.code for kind in REFUSALS.values()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(("kind", "status"), STATUS_OF_REFUSALS.items())
def test_a_refusal_has_its_documented_status_and_openais_format(kind: type[errors.GatewayError], status: int) -> None:
    answer = answer_error(kind("Do this instead.", param="model"))
    error = _error(answer)
    assert (answer.failure.http_status, answer.status) == (status, Status.REFUSED)
    assert (error["message"], error["param"]) == ("Do this instead.", "model")
    assert (answer.failure.code, answer.failure.message) == (error["code"], error["message"])
    assert answer.headers == (("x-inference-error", answer.failure.code),)


@pytest.mark.parametrize(("kind", "status"), STATUS_OF_FAILURES.items())
def test_when_every_target_failed_the_last_failure_is_answered(kind: type[errors.UpstreamFailure], status: int) -> None:
    first = errors.ConnectFailed(OTHER, "refused")
    answer = answer_error(_all_failed(first, _failure(kind)))
    message = str(_error(answer)["message"])
    # That a host leads nowhere permitted is the caller's affair alone while nothing else went wrong.
    assert answer.failure.http_status == (502 if kind is errors.AddressRefused else status)
    assert answer_error(_all_failed(_failure(kind))).failure.http_status == status
    assert "openai (api.openai.com, gpt-4o): ConnectFailed: refused" in message
    assert f"groq (api.groq.com, llama): {kind.__name__}: {_failure(kind).message}" in message


def test_a_refused_address_after_other_failures_is_a_bad_gateway() -> None:
    broken, refused = UpstreamRejected(TARGET, 500, "boom"), errors.AddressRefused(TARGET, "private")
    answer = answer_error(_all_failed(broken, refused))
    error = _error(answer)
    assert (answer.failure.http_status, error["type"], error["code"]) == (502, "upstream_error", "connect_failed")
    assert answer.status is Status.UPSTREAM_ERROR


@pytest.mark.parametrize("kind", FAILURES)
def test_before_the_first_byte_no_call_is_truncated(kind: type[errors.UpstreamFailure]) -> None:
    before, after = answer_error(_all_failed(_failure(kind))), answer_failure(_failure(kind))
    assert before.status is not Status.TRUNCATED
    assert (after.status is Status.TRUNCATED) == (kind is errors.UpstreamCut)
    assert before.failure.code == after.failure.code == FAILURES[kind].code


@pytest.mark.parametrize("kind", FAILURES)
def test_after_the_first_byte_the_error_event_names_target_and_failure(kind: type[errors.UpstreamFailure]) -> None:
    answer = answer_failure(_failure(kind))
    assert _error(answer)["message"] == f"groq (api.groq.com): {_failure(kind).message}"
    assert b"\n" not in answer.body


@pytest.mark.parametrize("status", sorted({400, 401, 402, 403, 404, 409, 413, 415, 422, 424, 429, 498, 500, 502, 503}))
def test_only_statuses_about_the_request_are_passed_on(status: int) -> None:
    answer = answer_error(_all_failed(UpstreamRejected(TARGET, status, "no")))
    about_the_request, about_the_key = {400, 404, 409, 413, 415, 422, 429}, {401, 402, 403}
    otherwise = 424 if status in about_the_key else 502
    assert answer.failure.http_status == (status if status in about_the_request else otherwise)
    assert answer.status is Status.UPSTREAM_ERROR
    assert f"answered {status}" in answer.failure.message
    assert about_the_request == PASSED_ON


def test_a_providers_429_keeps_its_retry_after() -> None:
    answer = answer_error(_all_failed(UpstreamRejected(TARGET, 429, "slow down", 7000.0)))
    assert (answer.failure.http_status, answer.headers) == (429, (*REJECTED, ("retry-after", "7"), MILLISECONDS))


@pytest.mark.parametrize(
    ("asked_ms", "seconds", "milliseconds"), [(1500.0, "2", "1500"), (0.2, "1", "1"), (0, "0", "0")]
)
def test_a_pause_is_told_in_seconds_and_in_milliseconds(asked_ms: float, seconds: str, milliseconds: str) -> None:
    headers = dict(answer_error(_all_failed(UpstreamRejected(TARGET, 429, "slow down", asked_ms))).headers)
    assert (headers["retry-after"], headers["retry-after-ms"]) == (seconds, milliseconds)


@pytest.mark.parametrize("status", [400, 429])
def test_a_status_is_passed_on_only_if_all_targets_answered_with_it(status: int) -> None:
    rejected = UpstreamRejected(TARGET, status, "no", 7000.0)
    again = answer_error(_all_failed(rejected, rejected))
    assert (again.failure.http_status, dict(again.headers)["retry-after"]) == (status, "7")
    for other in (UpstreamRejected(OTHER, 503, "no"), errors.FirstTokenLate(OTHER, 2500)):
        mixed = answer_error(_all_failed(other, rejected))
        assert mixed.failure.http_status == 502
        assert "retry-after" not in dict(mixed.headers)


@pytest.mark.parametrize(
    ("statuses", "status"),
    [((401,), 424), ((402, 402), 424), ((401, 403, 402), 424), ((401, 400), 502), ((503, 401), 502), ((401, 503), 502)],
)
def test_a_key_that_every_provider_refuses_is_a_failed_dependency(statuses: tuple[int, ...], status: int) -> None:
    answer = answer_error(_all_failed(*(UpstreamRejected(TARGET, refused, "no") for refused in statuses)))
    assert (answer.failure.http_status, answer.failure.code) == (status, "upstream_rejected")
    assert _error(answer)["code"] == "upstream_rejected"


def test_a_refused_key_beside_a_silent_target_is_a_bad_gateway() -> None:
    failures = [errors.FirstTokenLate(OTHER, 2500), UpstreamRejected(TARGET, 401, "no")]
    assert answer_error(_all_failed(*failures)).failure.http_status == 502


NAMES = ErrorNames("context_length_exceeded", "invalid_request_error", "messages[1].content")


@pytest.mark.parametrize("status", sorted(PASSED_ON))
def test_the_providers_names_for_an_error_of_the_request_are_told(status: int) -> None:
    rejected = UpstreamRejected(TARGET, status, "too long", names=NAMES)
    answer = answer_error(_all_failed(rejected, rejected))
    error = _error(answer)
    assert (error["code"], error["type"], error["param"]) == (NAMES.code, NAMES.type, NAMES.param)
    assert answer.failure.code == dict(answer.headers)["x-inference-error"] == "upstream_rejected"


@pytest.mark.parametrize(
    "failures",
    [
        [UpstreamRejected(TARGET, 503, "no", names=NAMES)],
        [UpstreamRejected(TARGET, 401, "no", names=NAMES)],
        [
            UpstreamRejected(OTHER, 422, "no", names=NAMES),
            UpstreamRejected(TARGET, 400, "no", names=NAMES),
        ],
        [errors.FirstTokenLate(OTHER, 2500), UpstreamRejected(TARGET, 400, "no", names=NAMES)],
        [UpstreamRejected(TARGET, 400, "no")],
    ],
)
def test_any_other_error_has_the_gateways_own_names(failures: list[errors.UpstreamFailure]) -> None:
    error = _error(answer_error(_all_failed(*failures)))
    assert (error["code"], error["type"], error["param"]) == ("upstream_rejected", "upstream_error", None)


def test_a_name_that_the_provider_did_not_give_is_null() -> None:
    names = ErrorNames(type="invalid_request_error")
    error = _error(answer_error(_all_failed(UpstreamRejected(TARGET, 400, "no", names=names))))
    assert (error["code"], error["type"], error["param"]) == (None, "invalid_request_error", None)


def test_what_is_stored_below_full_has_the_providers_names() -> None:
    answer = answer_error(_all_failed(UpstreamRejected(TARGET, 400, "quoted", names=NAMES)))
    assert answer.kept(Capture.NONE).message.endswith(
        "answered 400 (code context_length_exceeded, type invalid_request_error, param messages[1].content)"
    )


@pytest.mark.parametrize("code", ["insufficient_quota", "Insufficient_Balance", "exceeded_current_quota_error"])
def test_clients_do_not_retry_where_the_quota_is_used_up(code: str) -> None:
    for names in (ErrorNames(code=code), ErrorNames(type=code)):
        answer = answer_error(_all_failed(UpstreamRejected(TARGET, 429, "no", 7000.0, names=names)))
        assert (answer.failure.http_status, answer.headers) == (429, (*REJECTED, ("x-should-retry", "false")))


def test_the_event_of_a_broken_stream_has_the_trace_id() -> None:
    answer = answer_failure(_failure(errors.UpstreamCut))
    event = answer.event("0199-trace")
    assert event.startswith(b"data: {")
    assert event.endswith(b"}\n\n")
    assert json.loads(event[6:])["error"] == {**_error(answer), "request_id": "0199-trace"}


def test_below_full_the_providers_text_is_not_stored() -> None:
    for kind in FAILURES:
        failed = _failure(kind)
        for answer in (answer_error(_all_failed(failed)), answer_failure(failed)):
            assert failed.message in answer.failure.message
            kept = answer.kept(Capture.NONE)
            assert (kept.code, kept.http_status) == (answer.failure.code, answer.failure.http_status)
            assert "oops" not in kept.message
            assert answer.kept(Capture.FULL) == answer.failure


@pytest.mark.parametrize(
    ("failures", "is_final"),
    [
        ([UpstreamRejected(TARGET, 401, "no")], True),
        ([UpstreamRejected(TARGET, 409, "no")], True),
        ([errors.FirstTokenLate(TARGET, 15_000.0)], True),
        ([UpstreamRejected(TARGET, 401, "no"), UpstreamRejected(OTHER, 503, "busy")], False),
        ([UpstreamRejected(TARGET, 429, "no")], False),
        ([UpstreamRejected(TARGET, 400, "no", 7000.0)], False),
    ],
)
def test_clients_are_told_not_to_retry_permanent_failures(
    failures: list[errors.UpstreamFailure], is_final: bool
) -> None:
    answer = answer_error(_all_failed(*failures))
    assert (("x-should-retry", "false") in answer.headers) is is_final


def test_without_a_retry_after_none_is_sent() -> None:
    assert answer_error(_all_failed(UpstreamRejected(TARGET, 429, "slow down"))).headers == REJECTED


def test_an_internal_error_has_no_details() -> None:
    answer = answer_internal()
    assert (answer.failure.http_status, answer.status) == (500, Status.UPSTREAM_ERROR)
    assert _error(answer) == {
        "message": INTERNAL.message,
        "type": "server_error",
        "param": None,
        "code": "internal_error",
    }
