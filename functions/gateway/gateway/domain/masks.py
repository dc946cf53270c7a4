"""Places in a text that are replaced, and what stands there instead."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

type Span = tuple[int, int]


class Mark(NamedTuple):
    """The bytes from `start` to before `end`, and the mask that replaces them. `name`: of what was found there."""

    start: int
    end: int
    mask: bytes
    name: str = ""


class Finder(Protocol):
    """Finds what must not be kept."""

    def marks(self, content: bytes) -> list[Mark]:
        """What is found: in order, without overlaps."""


def masked(content: bytes, marks: Iterable[Mark]) -> bytes:
    """The bytes with the masks in place of what they mark."""
    pieces, done = [], 0
    for start, end, mask, _ in marks:
        pieces += [content[done:start], mask]
        done = end
    return b"".join([*pieces, content[done:]]) if pieces else content


def merged(marks: Iterable[Mark]) -> list[Mark]:
    """The marks in order; those that overlap become one, with the mask of the first, of equal ones the longest."""
    result: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark.start, -mark.end)):
        if result and mark.start < result[-1].end:
            result[-1] = result[-1]._replace(end=max(result[-1].end, mark.end))
        else:
            result.append(mark)
    return result
