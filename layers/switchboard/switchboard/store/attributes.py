"""Plain values ⇄ DynamoDB's typed attributes, without boto3's serializer, whose import is slow."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

type Value = str | bytes | bool | int | float | Sequence[Value] | Mapping[str, Value] | None
type Item = Mapping[str, Value]


def encode_item(item: Item) -> "dict[str, AttributeValueTypeDef]":
    """An item in DynamoDB's format; attributes that are None are left out."""
    return {_text(name): encode(value) for name, value in item.items() if value is not None}


def encode(value: Value) -> "AttributeValueTypeDef":  # noqa: PLR0911 - one line for each type
    """One attribute. A lone surrogate, which UTF-8 cannot encode, becomes a question mark."""
    match value:
        case str():
            return {"S": _text(value)}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": repr(value)}
        case bytes():
            return {"B": value}
        case None:
            return {"NULL": True}
        case Mapping():
            return {"M": {_text(name): encode(inner) for name, inner in value.items()}}
        case _:
            return {"L": [encode(inner) for inner in value]}


def decode_item(item: "Mapping[str, AttributeValueTypeDef]") -> dict[str, Any]:
    """The plain values of an item in DynamoDB's format."""
    return {name: decode(value) for name, value in item.items()}


def decode(attribute: "AttributeValueTypeDef") -> Any:  # noqa: ANN401 - the type is only known at run time
    """One plain value: whole numbers as int, others as Decimal, sets unchanged."""
    [(kind, value)] = cast("Mapping[str, Any]", attribute).items()
    match kind:
        case "M":
            return decode_item(value)
        case "L":
            return [decode(inner) for inner in value]
        case "N":
            number = Decimal(value)
            return int(number) if number == number.to_integral_value() else number
        case "NULL":
            return None
        case "B" if isinstance(value, str):  # in an event of Lambda
            return b64decode(value)
        case _:
            return value


def _text(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
