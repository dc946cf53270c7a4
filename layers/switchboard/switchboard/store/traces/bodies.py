"""Splits a request body into pieces, so that system messages and tools, which repeat between calls, are stored once.

The body is only split, never re-encoded: the pieces joined are the body, byte for byte.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

SHARED_FROM_BYTES = 1024
"""Shorter content costs less inside the trace's own item than the lookup of its marker."""
MAX_SHARED_PIECES = 16
"""Each new piece costs three requests to the store; the first pieces are those that repeat between turns."""

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of a body; `is_shared` if other calls are likely to contain the same."""

    content: bytes
    is_shared: bool = False


def split_request(body: bytes) -> tuple[Piece, ...]:
    """The body in pieces: long system messages and tools to be shared, everything else inline.

    A body that is not a JSON object in UTF-8 stays one inline piece. No piece is empty, unless the body is.
    """
    try:
        text = body.decode()
        spans = list(_shareable_spans(text))
    except (ValueError, RecursionError):
        return (Piece(body),)
    return tuple(_pieces(text, spans)) or (Piece(body),)


def _pieces(text: str, spans: list[tuple[int, int]]) -> Iterator[Piece]:
    done, shared = 0, 0
    for start, end in spans:
        content = text[start:end].encode()
        if len(content) < SHARED_FROM_BYTES or shared == MAX_SHARED_PIECES:
            continue
        if start > done:
            yield Piece(text[done:start].encode())
        yield Piece(content, is_shared=True)
        done, shared = end, shared + 1
    if done < len(text):
        yield Piece(text[done:].encode())


def _shareable_spans(text: str) -> Iterator[tuple[int, int]]:
    """The positions of system messages and tools in the text. Raises ValueError if it is not a JSON object."""
    scanner = _Scanner(text)
    for name in scanner.members():
        start = scanner.at
        if name == "messages" and scanner.is_next("["):
            yield from _system_messages(scanner)
        else:
            scanner.value()
            if name == "tools":
                yield start, scanner.at
    scanner.end()


def _system_messages(scanner: "_Scanner") -> Iterator[tuple[int, int]]:
    for start in scanner.elements():
        message = scanner.value()
        if isinstance(message, dict) and message.get("role") in ("system", "developer"):
            yield start, scanner.at


class _Scanner:
    """Scans a JSON text and tracks positions, which json.loads does not report; values are parsed by the C decoder."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0
        self._skip_space()

    def members(self) -> Iterator[str]:
        """The names of the object that begins here; the caller reads each value before requesting the next name."""
        self._expect("{")
        if self._accept("}"):
            return
        while True:
            yield self._name()
            if self._accept("}"):
                return
            self._expect(",")

    def elements(self) -> Iterator[int]:
        """The start of each element of the array that begins here; the caller reads it before requesting the next."""
        self._expect("[")
        if self._accept("]"):
            return
        while True:
            yield self.at
            if self._accept("]"):
                return
            self._expect(",")

    def value(self) -> object:
        """The value that begins here; moves to its end, before any whitespace."""
        value, self.at = _DECODER.raw_decode(self._text, self.at)
        return value

    def end(self) -> None:
        """Raises ValueError if any text is left."""
        self._skip_space()
        if self.at != len(self._text):
            raise ValueError(f"more text after the object, at {self.at}")

    def is_next(self, character: str) -> bool:
        """Whether that character is next."""
        return self._text.startswith(character, self.at)

    def _name(self) -> str:
        if not self.is_next('"'):
            raise ValueError(f"no member's name at {self.at}")
        name = str(self.value())
        self._expect(":")
        return name

    def _accept(self, character: str) -> bool:
        self._skip_space()
        if not self.is_next(character):
            return False
        self.at += 1
        self._skip_space()
        return True

    def _expect(self, character: str) -> None:
        if not self._accept(character):
            raise ValueError(f"no {character} at {self.at}")

    def _skip_space(self) -> None:
        if (space := _SPACE.match(self._text, self.at)) is not None:
            self.at = space.end()
