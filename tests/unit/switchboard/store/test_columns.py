from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from switchboard.store.attributes import decode, encode
from switchboard.store.columns import UUIDS, Column, Table, each, hexadecimal, inner

INNER = Table(Column("first", "f"), Column("second", "s", usual=200))
COLUMNS = Table(
    Column("name", "n"),
    Column("is_on", "o", usual=True),
    Column("key", "k", hexadecimal("key_")),
    Column("inner", "i", inner(INNER)),
    Column("each", "e", each(INNER)),
)


def test_names_are_short_and_usual_values_left_out() -> None:
    document = {"name": "x", "is_on": True, "key": "key_00ff", "inner": {"first": 1, "second": 200}, "more": 5}
    row = {"n": "x", "k": b"\x00\xff", "i": {"f": 1}, "more": 5}
    assert COLUMNS.shortened(document) == row
    assert COLUMNS.lengthened(row) == document


def test_none_is_stored_in_place_of_a_usual_value() -> None:
    assert INNER.shortened({"first": 1}) == {"f": 1, "s": None}
    assert INNER.lengthened({"f": 1, "s": None}) == {"first": 1}


def test_full_names_in_a_row_stay_as_they_are() -> None:
    row = {"name": "x", "is_on": False, "each": [{"first": 1}], "n": "ignored"}
    assert COLUMNS.lengthened(row) == {"name": "x", "is_on": False, "each": [{"first": 1}]}


VALUES = st.none() | st.integers() | st.booleans() | st.text(max_size=9)
inner_documents = st.fixed_dictionaries({}, optional={"first": st.integers(), "second": st.sampled_from([0, 200, 503])})
documents = st.fixed_dictionaries(
    {"is_on": st.booleans()},
    optional={
        "name": VALUES.filter(lambda value: value is not None),
        "key": st.text(max_size=9) | st.from_regex(r"key_[0-9a-f]{0,8}", fullmatch=True),
        "inner": inner_documents,
        "each": st.lists(inner_documents, max_size=3),
        "more": VALUES,
    },
)


@given(documents)
def test_a_document_round_trips(document: dict[str, Any]) -> None:
    row = COLUMNS.shortened(document)
    assert COLUMNS.lengthened(row) == document
    assert COLUMNS.lengthened(decode(encode(row))) == document


@given(st.text(max_size=40) | st.uuids().map(str) | st.from_regex(r"[0-9a-fA-F -]{0,36}", fullmatch=True))
def test_any_text_is_packed_and_unpacked(text: str) -> None:
    for codec in (UUIDS, hexadecimal(), hexadecimal("key_")):
        assert codec.unpack(codec.pack(text)) == text
