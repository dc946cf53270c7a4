"""Documents ⇄ rows: `lengthened(shortened(document, columns), columns) == document`, by a table of columns.

A row is billed by its size, names included. A column has a short name, may pack its values, and is left out where its
value is the usual one. What has no column keeps its name and its value in both directions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from switchboard.store.attributes import Value


def _same(value: Any) -> Any:  # noqa: ANN401 - any value of a row
    return value


@dataclass(frozen=True, slots=True)
class Codec:
    """`unpack(pack(value)) == value`. `unpack` may be given what `pack` could not make smaller, and returns it."""

    pack: Callable[[Any], Value] = _same
    unpack: Callable[[Any], Any] = _same


AS_IS = Codec()


@dataclass(frozen=True, slots=True)
class Column:
    """A field's name in documents and in rows. A row without it means `usual`, which is None for most."""

    name: str
    short: str
    codec: Codec = AS_IS
    usual: Value = None


type Columns = Sequence[Column]


def shortened(document: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """The document as a row; None is stored where it is not the usual value."""
    names = {column.name for column in columns}
    row = {name: value for name, value in document.items() if name not in names}
    for column in columns:
        value = document.get(column.name)
        if value != column.usual:
            row[column.short] = None if value is None else column.codec.pack(value)
    return row


def lengthened(row: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """The document of a row. Fields that the row has under their full names stay as they are."""
    shorts = {column.short for column in columns}
    document = {name: value for name, value in row.items() if name not in shorts}
    for column in columns:
        value = column.codec.unpack(row[column.short]) if row.get(column.short) is not None else None
        if column.short not in row:
            value = column.usual
        if value is not None:
            document.setdefault(column.name, value)
    return document


def table(columns: Columns) -> Codec:
    """A document within a document."""
    return Codec(lambda document: shortened(document, columns), lambda row: lengthened(row, columns))


def tables(columns: Columns) -> Codec:
    """A list of documents."""
    return Codec(
        lambda documents: [shortened(document, columns) for document in documents],
        lambda rows: [lengthened(row, columns) for row in rows],
    )


def hexadecimal(prefix: str = "") -> Codec:
    """Hexadecimal digits after a prefix, as bytes; any other text as it is."""

    def pack(text: str) -> Value:
        try:
            packed = bytes.fromhex(text.removeprefix(prefix))
        except ValueError:
            return text
        return packed if prefix + packed.hex() == text else text

    return Codec(pack, lambda value: prefix + value.hex() if isinstance(value, bytes) else value)


def _pack_uuid(text: str) -> Value:
    try:
        packed = UUID(text)
    except ValueError:
        return text
    return packed.bytes if str(packed) == text else text


UUIDS = Codec(_pack_uuid, lambda value: str(UUID(bytes=value)) if isinstance(value, bytes) else value)
"""An id that is a UUID in its usual form, as bytes; any other text as it is."""
