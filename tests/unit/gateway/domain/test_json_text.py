"""JSON that the fast parser and writer refuse, and that providers send all the same."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.json_text import (
    NestedTooDeeply,
    count_field,
    object_field,
    quote_json,
    read_json,
    read_json_object,
    text_field,
    write_json,
)
from switchboard.domain.limits import MAX_LEVELS

HALF_A_PAIR = "\ud83d"
REPLACED = "\N{REPLACEMENT CHARACTER}"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@given(VALUES)
def test_a_value_is_read_as_the_standard_library_reads_it(value: object) -> None:
    text = json.dumps(value)
    assert read_json(text) == read_json(text.encode()) == json.loads(text)


@given(VALUES)
def test_what_is_written_can_be_read(value: object) -> None:
    assert read_json(write_json(value)) == value


@given(st.binary())
def test_bytes_are_json_where_the_standard_library_says_so(text: bytes) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011 - any: its text is for people
            read_json(text)
    else:
        assert repr(read_json(text)) == repr(expected)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'"\\ud83d"', REPLACED),
        (b'{"a\\ud83d": ["b", {"c": "d\\udc4d"}]}', {f"a{REPLACED}": ["b", {"c": f"d{REPLACED}"}]}),
        (b'["\\ud83d\\udc4d", "\\udc4d\\ud83d", -Infinity]', ["\U0001f44d", REPLACED * 2, -math.inf]),
        (b'"\xed\xa0\xbd"', REPLACED),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"-Infinity", -math.inf),
        (b"\xef\xbb\xbf{}", {}),
        ('{"a": "ü"}'.encode("utf-16"), {"a": "ü"}),
        (f'"{HALF_A_PAIR}"', REPLACED),
        (nested(1000), json.loads(nested(1000))),
    ],
)
def test_json_beyond_the_standard_is_read(text: bytes | str, value: object) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"{}{}", nested(1_000_000)])
def test_text_that_is_not_json_raises_value_error(text: bytes | str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_json(text)


@pytest.mark.parametrize("text", [b"[]", b"null", b'"{}"'])
def test_a_value_that_is_not_an_object_raises_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        read_json_object(text)


def test_it_is_written_in_utf_8_without_spaces() -> None:
    assert write_json({"a": "ü", "b": [math.nan, math.inf]}) == '{"a":"ü","b":[null,null]}'.encode()
    assert quote_json({"a": "ü"}) == '{"a": "\\u00fc"}'


def test_half_of_a_pair_is_written_as_the_replacement_character() -> None:
    value = {HALF_A_PAIR: [f"a{HALF_A_PAIR}", "ü", math.nan]}
    assert write_json(value) == f'{{"{REPLACED}":["a{REPLACED}","ü",null]}}'.encode()


def test_deep_nesting_is_written_in_ascii() -> None:
    value = json.loads(nested(300))
    assert write_json(value) == json.dumps(value).encode()


def test_numbers_that_json_has_not_are_null_at_any_depth() -> None:
    value = {"deep": json.loads(nested(300)), "number": math.nan, "half": HALF_A_PAIR}
    written = json.dumps({"deep": json.loads(nested(300)), "number": None, "half": REPLACED})
    assert write_json(value) == written.encode()


def test_what_is_nested_deeper_than_can_be_written_is_not_read() -> None:
    assert write_json({"around": read_json(nested(MAX_LEVELS))})
    with pytest.raises(NestedTooDeeply):
        read_json(nested(MAX_LEVELS + 1))


@pytest.mark.parametrize("value", [None, 7, "text", {"a": 1}, -1, 1.5, []])
def test_a_field_of_another_type_counts_as_absent(value: object) -> None:
    fields = {"name": value}
    assert text_field(fields, "name") == (value if isinstance(value, str) else "")
    assert object_field(fields, "name") == (value if isinstance(value, dict) else {})
    assert count_field(fields, "name") == (7 if value == 7 else None)
    assert (text_field({}, "name"), object_field({}, "name"), count_field({}, "name")) == ("", {}, None)
