"""Formats rows as text in columns."""

from collections.abc import Sequence


def table_text(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Header and rows in columns as wide as their widest cell. Unprintable characters are shown as `?`."""
    cells = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def printable(text: str) -> str:
    """The text with `?` in place of unprintable characters."""
    return "".join(character if character.isprintable() else "?" for character in text)
