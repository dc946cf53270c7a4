from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.stream.first_sentence import FirstSentence

FOUND = {
    "a full stop and a space": ("Hello. ", "Hello. "),
    "a question": ("Really? Yes", "Really? "),
    "an exclamation": ("Sure! ", "Sure! "),
    "an ellipsis": ("Well\u2026 ", "Well\u2026 "),
    "a quotation": ('He said "yes." Then', 'He said "yes." '),
    "a line's end": ("Two things:\nfirst", "Two things:\n"),
    "a decimal number is none": ("It costs 3.50 today. Or", "It costs 3.50 today. "),
    "Chinese, without a space": ("\u4f60\u597d\u3002\u6211", "\u4f60\u597d\u3002"),
    "Japanese, a question": ("\u306f\u3044\uff1f", "\u306f\u3044\uff1f"),
    "Hindi": ("\u0928\u092e\u0938\u094d\u0924\u0947\u0964 ", "\u0928\u092e\u0938\u094d\u0924\u0947\u0964 "),
    "Arabic, a question": ("\u0643\u064a\u0641\u061f ", "\u0643\u064a\u0641\u061f "),
    "lines before the text do not count": ("\n\n Hi. ", "\n\n Hi. "),
}
NOT_FOUND = ["", " ", "\n\n", "Hello", "Hello.", "Version 3.", 'He said "yes."', "www.example.com", "3.14", "a,b;c:"]


def heard(parts: list[str]) -> str | None:
    """What was said when the sentence ended; None where it did not."""
    sentence = FirstSentence()
    for count, part in enumerate(parts, 1):
        if sentence.ends_in(part):
            return "".join(parts[:count])
    return None


@pytest.mark.parametrize(("text", "begin"), FOUND.values(), ids=FOUND.keys())
def test_a_sentence_ends_with_the_character_that_shows_it(text: str, begin: str) -> None:
    assert heard(list(text)) == begin
    assert heard([text]) == text


@pytest.mark.parametrize("text", NOT_FOUND)
def test_no_sentence_has_ended(text: str) -> None:
    assert heard(list(text)) is None
    assert heard([text]) is None


@given(st.text("aZ .!?\n\u3002\"')1", max_size=30), st.lists(st.integers(0, 30), max_size=6))
def test_the_parts_do_not_matter(text: str, cuts: list[int]) -> None:
    parts = [text[begin:end] for begin, end in pairwise(sorted({0, *cuts, len(text)})) if begin < len(text)]
    whole, split = heard(list(text)), heard(parts)
    lengths = list(accumulate(map(len, parts)))
    expected = None if whole is None else text[: next(length for length in lengths if length >= len(whole))]
    assert split == expected


def test_only_text_begins_a_sentence() -> None:
    sentence = FirstSentence()
    assert not sentence.ends_in(" \n")
    assert not sentence.has_begun
    assert not sentence.ends_in("Yes")
    assert sentence.has_begun


def test_long_runs_of_marks_take_linear_time() -> None:
    sentence = FirstSentence()
    assert not sentence.ends_in("." * 300_000 + "x")
    assert not sentence.ends_in(".)" * 300_000 + "x")
    assert not any(sentence.ends_in(")") for _ in range(300_000))
