from collections import Counter

import pytest

from gateway.domain.cut_text import beginning
from gateway.domain.redaction_kinds import DEFAULT, redactor


@pytest.mark.parametrize("text", ["", "No.", "4111 1111 1111 1111", "é" * 20])
def test_a_text_that_fits_stays(text: str) -> None:
    assert beginning(text, 20) == text


def test_a_longer_text_is_cut() -> None:
    assert beginning("x" * 21, 20) == "x" * 20
    assert beginning("x" * 5000 + "4", 1000) == "x" * 1000


@pytest.mark.parametrize("number", ["4111111111111111", "4111 1111 1111 1111", "3782-822463-10005", "+49 (30) 123-456"])
@pytest.mark.parametrize("before", range(80, 101))
def test_no_part_of_a_number_is_left_where_it_was_cut(number: str, before: int) -> None:
    text = f"{'x' * before}: {number} {number}, refused"
    kept = redactor((*DEFAULT, "phone"), {}).text(beginning(text, 100), Counter())
    assert not any(digit in kept for digit in "0123456789")
