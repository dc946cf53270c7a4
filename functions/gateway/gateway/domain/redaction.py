"""Takes personal data and keys out of what is kept of a call, and says what it took: `[redacted: card]`."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gateway.domain.encodings import ASCII, EVERY, MAX_DECODINGS, Origin, decoded
from gateway.domain.masks import Mark, Span, masked, merged

_ASCII_CODE = re.compile(rb"\\u00[2-7]|%[2-7]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is looked for. `may_hold`: a quick look, False only where there is none; `find`: where it is.

    `is_any_text`: it may have any character, not only those that no encoder of JSON writes in code.
    """

    name: str
    may_hold: Callable[[bytes], bool]
    find: Callable[[bytes], Iterable[Span]]
    is_any_text: bool = False

    @property
    def mask(self) -> bytes:
        """What stands in its place."""
        return f"[redacted: {self.name}]".encode()


class Redactor:
    """Finds what the kinds describe: plain, percent-encoded, or escaped as in JSON or HTML. The work is linear."""

    __slots__ = ("_codes", "_kinds", "_marks")

    def __init__(self, kinds: Iterable[Kind] = ()) -> None:
        self._kinds = tuple(kinds)
        self._marks = tuple(mark for kind in self._kinds if kind.is_any_text for mark in (b"\\", b"&"))
        self._codes = EVERY if self._marks else ASCII

    def text(self, text: str, counts: Counter[str]) -> str:
        """The text without what is found, which is added to the counts."""
        content = text.encode("utf-8", "replace")
        if not (marks := self.marks(content)):
            return text
        counts.update(mark.name for mark in marks)
        return masked(content, marks).decode("utf-8", "replace")

    def marks(self, content: bytes) -> list[Mark]:
        """What is found: in order, without overlaps."""
        return merged(self._find(content, MAX_DECODINGS)) if self.may_hold(content) else []

    def may_hold(self, content: bytes) -> bool:
        """Whether there may be something to find; a quick look at nearly every text."""
        for _ in range(MAX_DECODINGS + 1):
            for kind in self._kinds:  # not `any`: a generator takes as long as a kind's look at a short text
                if kind.may_hold(content):
                    return True
            if not self._may_be_encoded(content):
                return False
            content = decoded(content, self._codes)
        return False

    def _may_be_encoded(self, content: bytes) -> bool:
        for mark in self._marks:
            if mark in content:
                return True
        return (b"%" in content or b"\\u00" in content) and _ASCII_CODE.search(content) is not None

    def _find(self, content: bytes, decodings: int) -> Iterator[Mark]:
        for kind in self._kinds:
            if kind.may_hold(content):
                yield from (Mark(start, end, kind.mask, kind.name) for start, end in kind.find(content))
        if not decodings or not (b"\\" in content or b"%" in content or b"&" in content):
            return
        inner = decoded(content, EVERY)
        if len(inner) < len(content) and (found := list(self._find(inner, decodings - 1))):
            origin = Origin(content, EVERY)
            yield from (mark._replace(start=origin.of(mark.start), end=origin.of(mark.end)) for mark in found)
