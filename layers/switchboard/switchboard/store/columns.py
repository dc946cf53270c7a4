"""Documents ⇄ rows: `table.lengthened(table.shortened(document)) == document`, by a table of columns.

A row is billed by its size, names included. A column has a short name, may pack its values, and is left out where its
value is the usual one. What has no column keeps its name and its value in both directions.
"""

from collections.abc import Callable, Collection, Mapping
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


class Table:
    """The columns of a kind of document."""

    def __init__(self, *columns: Column) -> None:
        self._by_name = {column.name: column for column in columns}
        self._by_short = {column.short: column for column in columns}
        self._with_usual = tuple(column for column in columns if column.usual is not None)

    @property
    def names(self) -> Collection[str]:
        """The fields' full names."""
        return self._by_name.keys()

    def shortened(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document as a row; None is stored where it is not the usual value."""
        row: dict[str, Any] = {}
        for name, value in document.items():
            column = self._by_name.get(name)
            if column is None:
                row[name] = value
            elif value is not None and value != column.usual:
                row[column.short] = column.codec.pack(value)
        return row | {column.short: None for column in self._with_usual if document.get(column.name) is None}

    def lengthened(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The document of a row. Fields that the row has under their full names stay as they are."""
        document = {column.name: column.usual for column in self._with_usual if column.short not in row}
        for short, value in row.items():
            column = self._by_short.get(short)
            if column is not None and value is not None and column.name not in row:
                document[column.name] = column.codec.unpack(value)
        return document | {name: value for name, value in row.items() if name not in self._by_short}


def inner(table: Table) -> Codec:
    """A document within a document."""
    return Codec(table.shortened, table.lengthened)


def each(table: Table) -> Codec:
    """A list of documents."""
    return Codec(lambda documents: [*map(table.shortened, documents)], lambda rows: [*map(table.lengthened, rows)])


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
