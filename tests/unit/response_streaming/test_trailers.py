import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from response_streaming.trailers import MAX_BYTES, NAMES, error_trailers


def raised(error_type: str, message: str, depth: int) -> Exception:
    def fall(left: int) -> None:
        if left:
            stumble(left - 1)
        raise type(error_type, (Exception,), {})(message)

    def stumble(left: int) -> None:
        fall(left)

    try:
        fall(depth)
    except Exception as error:  # noqa: BLE001 - it is what the test is about
        return error
    raise AssertionError


def read(trailers: bytes) -> tuple[str, dict[str, Any]]:
    fields = dict(line.split(": ", 1) for line in trailers.decode("ascii").splitlines())
    assert tuple(fields) == NAMES
    return fields[NAMES[0]], json.loads(base64.b64decode(fields[NAMES[1]]))


def test_a_small_error_is_reported_in_full() -> None:
    error_type, report = read(error_trailers(raised("UpstreamLost", "gone", 2)))
    assert error_type == report["errorType"] == "UpstreamLost"
    assert report["errorMessage"] == "gone"
    assert "in raised" in report["stackTrace"][0]


def test_a_long_stack_is_cut_at_its_outermost_frames() -> None:
    _, report = read(error_trailers(raised("Deep", "down", 90)))
    assert "in raised" not in report["stackTrace"][0]
    assert "raise type" in report["stackTrace"][-1]


def test_an_error_that_was_never_raised_has_no_stack() -> None:
    assert read(error_trailers(ValueError("x")))[1]["stackTrace"] == []


@given(
    st.text(st.characters(categories=["Lu", "Ll", "Nd", "Lo"]), min_size=1, max_size=3_000),
    st.text(max_size=2_000),
    st.integers(0, 30),
)
def test_trailers_never_exceed_the_runtimes_limit(error_type: str, message: str, depth: int) -> None:
    trailers = error_trailers(raised(error_type, message, depth))
    assert len(trailers) <= MAX_BYTES
    assert trailers.count(b"\r\n") == 2
    assert message.startswith(read(trailers)[1]["errorMessage"])


def test_the_longest_type_and_message_fit() -> None:
    assert len(error_trailers(raised("Ü" * 3_000, "\U0001f600" * 3_000, 90))) <= MAX_BYTES
