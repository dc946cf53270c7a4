"""Cuts a request body where turns of one agent are alike: system messages and tools can be stored once for all of them.

Nothing is written anew, only cut: the pieces put together are the body, byte for byte.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

SHARED_FROM_BYTES = 1024
"""What is shorter costs less inside the trace's own item than the look-up of its mark."""
MAX_SHARED_PIECES = 16
"""Each new one costs three requests to the store; the first ones are the ones that stay from turn to turn."""

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Piece:
    """Some consecutive bytes of a body; `is_shared` when other calls are likely to carry the same."""

    content: bytes
    is_shared: bool = False


def split_request(body: bytes) -> tuple[Piece, ...]:
    """The body in pieces: long system messages and tools to be shared, everything else inline.

    What is no JSON object in UTF-8 stays one inline piece. No piece is empty, except that of an empty body.
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
    """Where system messages and tools stand in the text. Raises ValueError for what is no JSON object."""
    scanner = _Scanner(text)
    for name in scanner.members():
        start = scanner.at
        if name == "messages" and scanner.sees("["):
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
    """Walks one JSON text and knows where it stands (json.loads does not tell); values are read at C's speed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0
        self._skip_space()

    def members(self) -> Iterator[str]:
        """The names of the object that begins here; the caller reads each value before it asks for the next name."""
        self._expect("{")
        if self._took("}"):
            return
        while True:
            yield self._name()
            if self._took("}"):
                return
            self._expect(",")

    def elements(self) -> Iterator[int]:
        """Where each element of the array that begins here starts; the caller reads it before it asks for the next."""
        self._expect("[")
        if self._took("]"):
            return
        while True:
            yield self.at
            if self._took("]"):
                return
            self._expect(",")

    def value(self) -> object:
        """The value that begins here; we stand right behind it then, before any space."""
        value, self.at = _DECODER.raw_decode(self._text, self.at)
        return value

    def end(self) -> None:
        """Raises ValueError when anything is left."""
        self._skip_space()
        if self.at != len(self._text):
            raise ValueError(f"more text after the object, at {self.at}")

    def sees(self, character: str) -> bool:
        """Whether that character comes next."""
        return self._text.startswith(character, self.at)

    def _name(self) -> str:
        if not self.sees('"'):
            raise ValueError(f"no member's name at {self.at}")
        name = str(self.value())
        self._expect(":")
        return name

    def _took(self, character: str) -> bool:
        self._skip_space()
        if not self.sees(character):
            return False
        self.at += 1
        self._skip_space()
        return True

    def _expect(self, character: str) -> None:
        if not self._took(character):
            raise ValueError(f"no {character} at {self.at}")

    def _skip_space(self) -> None:
        if (space := _SPACE.match(self._text, self.at)) is not None:
            self.at = space.end()
