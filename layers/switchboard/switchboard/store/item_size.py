"""The size of an item as DynamoDB counts it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from collections.abc import Mapping

from switchboard.store.attributes import Item, Value

_CONTAINER_BYTES = 3
_ELEMENT_BYTES = 1
_MAX_NUMBER_BYTES = 21


def item_bytes(item: Item) -> int:
    """The bytes of an item; attributes that are None are not stored."""
    return sum(text_bytes(name) + value_bytes(value) for name, value in item.items() if value is not None)


def value_bytes(value: Value) -> int:
    """The bytes of one value."""
    match value:
        case str():
            return text_bytes(value)
        case bool() | None:
            return 1
        case int() | float():
            return _number_bytes(value)
        case bytes():
            return len(value)
        case Mapping():
            entries = sum(text_bytes(name) + value_bytes(inner) + _ELEMENT_BYTES for name, inner in value.items())
            return _CONTAINER_BYTES + entries
        case _:
            return _CONTAINER_BYTES + sum(value_bytes(inner) + _ELEMENT_BYTES for inner in value)


def text_bytes(text: str) -> int:
    """The bytes of a text, in which half of a surrogate pair is stored as one character."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _number_bytes(number: float) -> int:
    """Two digits a byte, one byte for the exponent and one for a minus."""
    digits = len(repr(number).replace(".", "").strip("-0")) or 1
    return min(_MAX_NUMBER_BYTES, (digits + 1) // 2 + 1 + (number < 0))
