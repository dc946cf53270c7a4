import json
import time
from collections import Counter

import pytest

from gateway.domain.own_patterns import own_kinds, parse_patterns
from gateway.domain.redaction import Redactor


def test_what_a_pattern_matches_is_redacted_by_its_name() -> None:
    redactor, counts = Redactor(own_kinds({"account": "ACC-[0-9]{8}", "name": "(?i)müller"})), Counter[str]()
    assert redactor.text("ACC-12345678 of MÜLLER", counts) == "[redacted: account] of [redacted: name]"
    assert counts == {"account": 1, "name": 1}
    assert redactor.text(r"ACC-1234\u00356\u0037\u0038 of m\u00fcller", counts) == (
        "[redacted: account] of [redacted: name]"
    )


def test_a_match_of_no_characters_marks_nothing() -> None:
    assert Redactor(own_kinds({"x": r"a*\b"})).marks(b"b aa b") != []
    assert all(mark.start < mark.end for mark in Redactor(own_kinds({"x": r"a*\b"})).marks(b"b aa b"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ACC-[0-9]{8}", "must be a JSON object"),
        ('["a"]', "must be a JSON object"),
        ('{"a": 1}', "must be a JSON object"),
        ('{"A b": "x"}', "has the name 'A b'"),
        ('{"a": "("}', "has a pattern 'a' that is no regular expression"),
        ('{"a": "(?<=x)y"}', "look-around"),
        ('{"a": "x*"}', "matches a text of no characters"),
        (json.dumps({"a": "x" * 501}), "more than 500 characters"),
        (json.dumps({f"a{n}": "x" for n in range(17)}), "has 17 patterns; 16 are the most"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        parse_patterns(text)
    assert problem in str(refused.value)


def test_a_pattern_that_would_backtrack_for_ever_takes_linear_time() -> None:
    redactor = Redactor(own_kinds(parse_patterns('{"a": "(x+x+)+y"}')))
    began = time.process_time()
    assert redactor.marks(b"x" * 100_000) == []
    assert time.process_time() - began < 1
