import json
import os

import pytest

from console import errors
from console.answers import KINDS, MAX_ANSWER_BYTES, answer_bytes, answer_error
from console.errors import AnswerTooLong, ReadRefused


def test_every_error_has_a_status() -> None:
    facts = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ReadRefused)}
    assert set(KINDS) == facts - {ReadRefused}
    assert len({kind.code for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("error", KINDS, ids=lambda error: error.__name__)
def test_an_error_has_openais_shape(error: type[ReadRefused]) -> None:
    answer = answer_error(error("What to do.", param="limit"))
    kind = KINDS[error]
    assert answer.status_code == kind.http_status
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(bytes(answer.body)) == {
        "error": {"message": "What to do.", "type": kind.type, "param": "limit", "code": kind.code}
    }
    assert ("www-authenticate" in answer.headers) == (kind.http_status == 401)


def test_an_answer_may_be_as_long_as_lambdas_limit() -> None:
    fits = b"x" * (MAX_ANSWER_BYTES - 2)  # and its two quotation marks
    assert bytes(answer_bytes(fits, "application/json").body) == fits
    with pytest.raises(AnswerTooLong, match="6,200,001 bytes"):
        answer_bytes(fits + b"x", "application/json")


def test_the_length_includes_escapes_and_base64() -> None:
    escaped = b'"' * (MAX_ANSWER_BYTES // 2)
    binary = b"\xff" + os.urandom(MAX_ANSWER_BYTES * 3 // 4)
    for content in (escaped, binary):
        with pytest.raises(AnswerTooLong):
            answer_bytes(content, "application/json")
