from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.store.attributes import decode, encode
from switchboard.store.columns import UUIDS, Column, hexadecimal, lengthened, shortened, table, tables

INNER = (Column("first", "f"), Column("second", "s", usual=200))
COLUMNS = (
    Column("name", "n"),
    Column("is_on", "o", usual=True),
    Column("key", "k", hexadecimal("key_")),
    Column("inner", "i", table(INNER)),
    Column("each", "e", tables(INNER)),
)


def test_names_are_short_and_usual_values_left_out() -> None:
    document = {"name": "x", "is_on": True, "key": "key_00ff", "inner": {"first": 1, "second": 200}, "more": 5}
    row = {"n": "x", "k": b"\x00\xff", "i": {"f": 1}, "more": 5}
    assert shortened(document, COLUMNS) == row
    assert lengthened(row, COLUMNS) == document


def test_none_is_stored_in_place_of_a_usual_value() -> None:
    assert shortened({"first": 1}, INNER) == {"f": 1, "s": None}
    assert lengthened({"f": 1, "s": None}, INNER) == {"first": 1}


def test_full_names_in_a_row_stay_as_they_are() -> None:
    row = {"name": "x", "is_on": False, "each": [{"first": 1}], "n": "ignored"}
    assert lengthened(row, COLUMNS) == {"name": "x", "is_on": False, "each": [{"first": 1}]}


@pytest.mark.parametrize("names", [{column.short for column in COLUMNS}, {column.name for column in COLUMNS}])
def test_no_name_stands_for_two_fields(names: set[str]) -> None:
    assert len(names) == len(COLUMNS)


VALUES = st.none() | st.integers() | st.booleans() | st.text(max_size=9)
inner = st.fixed_dictionaries({}, optional={"first": st.integers(), "second": st.sampled_from([0, 200, 503])})
documents = st.fixed_dictionaries(
    {"is_on": st.booleans()},
    optional={
        "name": VALUES.filter(lambda value: value is not None),
        "key": st.text(max_size=9) | st.from_regex(r"key_[0-9a-f]{0,8}", fullmatch=True),
        "inner": inner,
        "each": st.lists(inner, max_size=3),
        "more": VALUES,
    },
)


@given(documents)
def test_a_document_round_trips(document: dict[str, Any]) -> None:
    row = shortened(document, COLUMNS)
    assert lengthened(row, COLUMNS) == document
    assert lengthened(decode(encode(row)), COLUMNS) == document


@given(st.text(max_size=40) | st.uuids().map(str) | st.from_regex(r"[0-9a-fA-F -]{0,36}", fullmatch=True))
def test_any_text_is_packed_and_unpacked(text: str) -> None:
    for codec in (UUIDS, hexadecimal(), hexadecimal("key_")):
        assert codec.unpack(codec.pack(text)) == text
