import pytest

from gateway.domain.error_names import NO_NAMES, ErrorNames, error_names
from switchboard.stream.provider_errors import InBandError


def _names(code: str | None = None, kind: str | None = None, param: str | None = None) -> ErrorNames:
    return error_names(InBandError("too long", code, kind, param), lambda text: text.replace("sk-secret", "***"))


def test_names_are_kept_as_they_are() -> None:
    names = _names("context_length_exceeded", "invalid_request_error", "messages[1].content")
    assert names == ErrorNames("context_length_exceeded", "invalid_request_error", "messages[1].content")
    assert str(names) == "code context_length_exceeded, type invalid_request_error, param messages[1].content"


@pytest.mark.parametrize("text", ["", "Incorrect API key provided", "a\nb", "né", "x:y", "sk-secret", "a\u0000"])
def test_what_is_no_mere_name_is_left_out(text: str) -> None:
    assert _names(text, text, text) == NO_NAMES


def test_a_long_name_is_cut() -> None:
    assert _names("x" * 65).code == "x" * 64


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (ErrorNames(code="insufficient_quota"), True),
        (ErrorNames(type="insufficient_quota"), True),
        (ErrorNames(code="INSUFFICIENT_BALANCE"), True),
        (ErrorNames(code="billing_hard_limit_reached"), True),
        (ErrorNames(type="exceeded_current_quota_error"), True),
        (ErrorNames(code="project_spend_limit_exceeded"), True),
        (ErrorNames(code="credit_balance_exhausted"), True),
        (ErrorNames(code="organization_usage_limit_exceeded"), True),
        (ErrorNames(code="Arrearage"), True),
        (ErrorNames(code="3036"), True),
        (ErrorNames(code="429"), False),
        (ErrorNames(code="3040"), False),
        (ErrorNames(code="rate_limit_exceeded", type="tokens"), False),
        (ErrorNames(code="token_quota_exceeded"), False),
        (ErrorNames(type="RESOURCE_EXHAUSTED"), False),
        (ErrorNames(param="insufficient_quota"), False),
        (NO_NAMES, False),
    ],
)
def test_a_used_up_quota_is_told_from_a_rate_limit(names: ErrorNames, expected: bool) -> None:
    assert names.is_out_of_quota is expected


@pytest.mark.parametrize("code", ["tool_use_failed", "json_validate_failed", "output_parse_failed"])
def test_what_the_model_has_written_wrongly_is_a_slip(code: str) -> None:
    assert ErrorNames(code=code, type="invalid_request_error").is_slip
    assert not ErrorNames(type="invalid_request_error").is_slip
