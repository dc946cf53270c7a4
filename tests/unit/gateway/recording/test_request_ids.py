import pytest

from gateway.domain.attempt import Attempt
from gateway.domain.call import Target
from gateway.recording.request_ids import PROVIDER_HEADERS, request_ids
from switchboard.domain.limits import MAX_REQUEST_ID_CHARACTERS
from switchboard.domain.trace import NO_REQUEST_IDS, RequestIds


def told(headers: dict[str, str]) -> str | None:
    attempt = Attempt(Target("groq", "https://x/y", "x", "llama", 1), lambda: 0.0)
    attempt.response_started(200, headers)
    return request_ids(NO_REQUEST_IDS, attempt).provider


@pytest.mark.parametrize("name", PROVIDER_HEADERS)
def test_the_provider_tells_its_id_in_a_header(name: str) -> None:
    assert told({name: " req_011CSHoEeqs5C35K2UUqR7Fy "}) == "req_011CSHoEeqs5C35K2UUqR7Fy"


def test_its_own_id_comes_before_that_of_its_network() -> None:
    assert told({"cf-ray": "8f2b-FRA", "request-id": "req_1"}) == "req_1"
    assert told({"cf-ray": "8f2b-FRA", "x-request-id": ""}) == "8f2b-FRA"


@pytest.mark.parametrize("text", ["", " ", "a\nb", "\u00e9", "a\x00"])
def test_what_is_no_id_is_left_out(text: str) -> None:
    assert told({"x-request-id": text}) is None


def test_a_long_id_is_clipped() -> None:
    found = told({"x-request-id": "x" * 10_000})
    assert found is not None
    assert len(found) == MAX_REQUEST_ID_CHARACTERS


def test_the_platforms_ids_are_bounded_too() -> None:
    platform = RequestIds(lambda_="a-1", api_gateway="x" * 10_000)
    found = request_ids(platform, None)
    assert (found.provider, found.lambda_) == (None, "a-1")
    assert len(found.api_gateway or "") == MAX_REQUEST_ID_CHARACTERS
