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
from gateway.domain.call import Target
from switchboard.domain.trace import Status

TARGET = Target("groq", "https://api.groq.com/openai/v1/chat/completions", "api.groq.com", "llama", 30_000)
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
    errors.UpstreamRejected: 502,
    errors.UpstreamReported: 502,
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
    if kind is errors.UpstreamRejected:
        return errors.UpstreamRejected(TARGET, 500, "oops")
    if kind is errors.AttemptBroken:
        return errors.AttemptBroken(TARGET)
    if kind is errors.UpstreamReported:
        return errors.UpstreamReported(TARGET, "oops")
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
    assert answer.headers == ()


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
    broken, refused = errors.UpstreamRejected(TARGET, 500, "boom"), errors.AddressRefused(TARGET, "private")
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
    answer = answer_error(_all_failed(errors.UpstreamRejected(TARGET, status, "no")))
    about_the_request = {400, 404, 409, 413, 415, 422, 429}
    assert answer.failure.http_status == (status if status in about_the_request else 502)
    assert answer.status is Status.UPSTREAM_ERROR
    assert f"answered {status}" in answer.failure.message
    assert about_the_request == PASSED_ON


def test_a_providers_429_keeps_its_retry_after() -> None:
    answer = answer_error(_all_failed(errors.UpstreamRejected(TARGET, 429, "slow down", "7")))
    assert (answer.failure.http_status, answer.headers) == (429, (("retry-after", "7"),))


@pytest.mark.parametrize("status", [400, 429])
def test_a_status_is_passed_on_only_if_all_targets_answered_with_it(status: int) -> None:
    rejected = errors.UpstreamRejected(TARGET, status, "no", "7")
    again = answer_error(_all_failed(rejected, rejected))
    assert (again.failure.http_status, again.headers) == (status, (("retry-after", "7"),))
    for other in (errors.UpstreamRejected(OTHER, 503, "no"), errors.FirstTokenLate(OTHER, 2500)):
        mixed = answer_error(_all_failed(other, rejected))
        assert mixed.failure.http_status == 502
        assert "retry-after" not in dict(mixed.headers)


def test_under_zero_retention_the_providers_text_is_not_stored() -> None:
    for kind in FAILURES:
        failed = _failure(kind)
        for answer in (answer_error(_all_failed(failed)), answer_failure(failed)):
            assert failed.message in answer.failure.message
            kept = answer.kept(is_zero_retention=True)
            assert (kept.code, kept.http_status) == (answer.failure.code, answer.failure.http_status)
            assert "oops" not in kept.message
            assert answer.kept(is_zero_retention=False) == answer.failure


@pytest.mark.parametrize(
    ("failures", "is_final"),
    [
        ([errors.UpstreamRejected(TARGET, 401, "no")], True),
        ([errors.UpstreamRejected(TARGET, 409, "no")], True),
        ([errors.FirstTokenLate(TARGET, 15_000.0)], True),
        ([errors.UpstreamRejected(TARGET, 401, "no"), errors.UpstreamRejected(OTHER, 503, "busy")], False),
        ([errors.UpstreamRejected(TARGET, 429, "no")], False),
        ([errors.UpstreamRejected(TARGET, 400, "no", "7")], False),
    ],
)
def test_clients_are_told_not_to_retry_permanent_failures(
    failures: list[errors.UpstreamFailure], is_final: bool
) -> None:
    answer = answer_error(_all_failed(*failures))
    assert (("x-should-retry", "false") in answer.headers) is is_final


def test_without_a_retry_after_none_is_sent() -> None:
    assert answer_error(_all_failed(errors.UpstreamRejected(TARGET, 429, "slow down"))).headers == ()


def test_an_internal_error_has_no_details() -> None:
    answer = answer_internal()
    assert (answer.failure.http_status, answer.status) == (500, Status.UPSTREAM_ERROR)
    assert _error(answer) == {
        "message": INTERNAL.message,
        "type": "server_error",
        "param": None,
        "code": "internal_error",
    }
