from decimal import Decimal

from switchboard.store.attributes import decode, decode_item, encode_item


def test_each_type_as_dynamodb_writes_it() -> None:
    assert encode_item({"a": "x", "b": b"x", "c": True, "d": 7, "e": 1.25, "f": [None], "g": {"h": ""}, "i": None}) == {
        "a": {"S": "x"},
        "b": {"B": b"x"},
        "c": {"BOOL": True},
        "d": {"N": "7"},
        "e": {"N": "1.25"},
        "f": {"L": [{"NULL": True}]},
        "g": {"M": {"h": {"S": ""}}},
    }


def test_numbers_come_back_exactly() -> None:
    assert decode({"N": "12345678901234567890"}) == 12345678901234567890
    assert decode({"N": "0.001"}) == Decimal("0.001")
    assert isinstance(decode({"N": "1E+2"}), int)


def test_bytes_are_read_from_the_client_and_from_an_event_of_lambda() -> None:
    assert decode({"B": b"\x00\xff"}) == b"\x00\xff"
    assert decode({"B": "AP8="}) == b"\x00\xff"  # type: ignore[typeddict-item]


def test_a_set_is_returned_unchanged() -> None:
    assert decode({"SS": ["a"]}) == ["a"]


def test_a_lone_surrogate_is_replaced() -> None:
    assert encode_item({"name": {"\udc80": "a\ud800b"}}) == {"name": {"M": {"?": {"S": "a?b"}}}}


def test_every_attribute_of_an_item_is_decoded() -> None:
    assert decode_item({"a": {"M": {"b": {"L": [{"N": "1"}, {"NULL": True}]}}}}) == {"a": {"b": [1, None]}}
