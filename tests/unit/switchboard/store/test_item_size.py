from typing import TYPE_CHECKING

import pytest

from switchboard.store.attributes import Item, Value, encode_item
from switchboard.store.item_size import item_bytes, value_bytes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIMIT = 400 * 1024


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", 0),
        ("name", 4),
        ("Köln", 5),
        ("予約", 6),
        ("\ud800", 1),
        (b"\x00\xff", 2),
        (True, 1),
        (0, 2),
        (7, 2),
        (1000, 2),
        (123, 3),
        (-123, 4),
        (412.25, 4),
        (10**37 + 1, 20),
        ([], 3),
        (["a", 1], 3 + 1 + 1 + 2 + 1),
        ({"name": "text"}, 3 + 4 + 4 + 1),
    ],
)
def test_a_value_has_the_documented_size(value: Value, size: int) -> None:
    assert value_bytes(value) == size


def test_attributes_that_are_none_are_not_stored() -> None:
    assert item_bytes({"a": None, "bc": "d"}) == 3


def test_the_exact_limit_is_the_engines(dynamodb: "DynamoDBClient", table: str) -> None:
    row: Item = {"pk": "a", "sk": "b", "map": {"n": 1, "list": ["ä", 412.25]}, "text": ""}
    room = LIMIT - item_bytes(row)
    dynamodb.put_item(TableName=table, Item=encode_item({**row, "text": "x" * room}))
    with pytest.raises(dynamodb.exceptions.ClientError, match="size"):
        dynamodb.put_item(TableName=table, Item=encode_item({**row, "text": "x" * (room + 1)}))


def test_a_number_is_never_larger_than_documented() -> None:
    assert value_bytes(int("9" * 60)) == 21
