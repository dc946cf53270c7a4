"""Finds the end of a JSON object or array that comes in pieces, in one pass over its text."""

import re

_MARKS = re.compile(r'["\\{}\[\]]')
_IN_STRING = re.compile(r'["\\]')


class JsonEnd:
    """Whether text has begun, and whether its object or array is complete."""

    __slots__ = ("_depth", "_is_escaped", "_is_in_string", "has_begun", "is_complete")

    def __init__(self) -> None:
        self.has_begun = False
        self.is_complete = False
        self._depth = 0
        self._is_in_string = False
        self._is_escaped = False

    def add(self, text: str) -> None:
        """Add the next piece."""
        self.has_begun = self.has_begun or bool(text.strip())
        position = 0
        if self._is_escaped and text:
            position, self._is_escaped = 1, False
        while (found := (_IN_STRING if self._is_in_string else _MARKS).search(text, position)) is not None:
            position = self._mark(found[0], found.end(), len(text))

    def _mark(self, mark: str, end: int, length: int) -> int:
        """Take one mark into account; where to go on."""
        if mark == "\\":
            if self._is_in_string:
                self._is_escaped = end == length
                return end + 1
        elif mark == '"':
            self._is_in_string = not self._is_in_string
        elif mark in "{[":
            self._depth += 1
        else:
            self._depth -= 1
            self.is_complete = self.is_complete or self._depth <= 0
        return end
