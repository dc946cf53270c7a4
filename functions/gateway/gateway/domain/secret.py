"""A secret that is not printed, and the removal of a call's secrets from everything that is kept or told of it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote, unquote_plus

from gateway.domain.encodings import ASCII, MAX_DECODINGS, Origin, decoded
from gateway.domain.masks import Mark, Span, masked, merged

MIN_CHARACTERS = 8
"""Shorter secrets are not removed: they are words or numbers that texts hold anyway (`EMPTY`, `user`, `1`)."""

MASK = b"***"
_CUT_CODE = re.compile(rb"(?:\\(?:u[0-9a-f]{0,3})?|%[0-9a-f]?|\xef\xbf\xbd)\Z", re.IGNORECASE)
"""The beginning of an encoded character at the end of a text, or what decoding makes of half a character."""
_LONGEST_CODE = 6
_ELLIPSIS = re.compile("…".encode())
_MAX_ELLIPSES = 100
"""Names in notes are clipped with one. A body may hold any number of them."""

_MAX_CANDIDATES = 100
"""Places at which the beginning of a secret is compared. No key repeats its first characters so often."""
_VERSION = "api-version"
"""Azure's: a date, which texts may well hold."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key's text. Printing, formatting or logging it shows `***`; only `reveal` gives it."""

    _text: str

    def reveal(self) -> str:
        """The text, for the code that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "***"


class Scrubber:
    """Replaces secrets in texts by `***`: plain, percent-encoded, escaped as in JSON or HTML, or in lower case.

    Also the beginning of a secret at the end of a text or before an ellipsis: MIN_CHARACTERS of it; at the end any
    number where the text is known to be cut off. The work grows with the text and with the number of secrets.
    """

    __slots__ = ("_begins", "_has_marks", "_texts")

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret.reveal())}
        self._texts = tuple(sorted(form for form in forms if len(form) >= MIN_CHARACTERS))
        self._begins = tuple({text[:MIN_CHARACTERS] for text in self._texts})
        self._has_marks = any(mark in text for text in self._texts for mark in b"\"'/\\&<>")

    def text(self, text: str, *, is_cut: bool = False) -> str:
        """The text without secrets; halves of surrogate pairs, which UTF-8 cannot hold, are replaced too."""
        if not is_cut and self.leaves((text,)):  # nearly every text
            return text
        return self.content(text.encode("utf-8", "replace"), is_cut=is_cut).decode("utf-8", "replace")

    def content(self, content: bytes, *, is_cut: bool = False) -> bytes:
        """The bytes without secrets."""
        return masked(content, self.marks(content, is_cut=is_cut))

    def leaves(self, texts: Iterable[str]) -> bool:
        """Whether `text` leaves each of the texts as it is, by one quick look at all of them."""
        try:
            content = "\n".join(texts).encode()
        except UnicodeEncodeError:  # a half of a surrogate pair
            return False
        return not self._may_hold(content)

    def exception(self, error: BaseException | None) -> None:
        """Take the secrets out of an exception, and of those that led to it, before it is logged."""
        seen: set[int] = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            error.args = tuple(map(self._argument, error.args))
            error = error.__cause__ or error.__context__

    def _argument(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        return self.content(value) if isinstance(value, bytes) else value

    def marks(self, content: bytes, *, is_cut: bool = False) -> list[Mark]:
        """Where secrets are: in order, without overlaps."""
        if not (is_cut or self._may_hold(content)):
            return []  # nearly every text
        found = self._find(content, 1 if is_cut else MIN_CHARACTERS, MAX_DECODINGS)
        return merged(Mark(start, end, MASK) for start, end in found)

    def _may_hold(self, content: bytes) -> bool:
        for begin in self._begins:  # not `any`: a generator takes longer than the search
            if begin in content:
                return True
        return self._may_be_encoded(content)

    def _may_be_encoded(self, content: bytes) -> bool:
        if b"%" in content or b"\\u00" in content:
            return True
        return self._has_marks and (b"\\" in content or b"&" in content)

    def _find(self, content: bytes, min_tail: int, decodings: int) -> Iterator[Span]:
        ends = tuple(_ends(content, min_tail))
        for text in self._texts:
            yield from _occurrences(content, text)
            for end in ends:
                yield from _tails(content, text, end)
        if decodings and self._may_be_encoded(content):
            inner = decoded(content, ASCII)
            if len(inner) < len(content) and (found := list(self._find(inner, min_tail, decodings - 1))):
                origin = Origin(content, ASCII)
                yield from ((origin.of(start), origin.of(end)) for start, end in found)


def secrets_in(url: str) -> Iterator[Secret]:
    """The values in a URL's query, as they stand there and decoded. The version of an API is no secret."""
    for field in url.partition("?")[2].split("&"):
        name, equals, value = field.partition("=")
        text = value if equals else name
        if text and name.lower() != _VERSION:
            yield from map(Secret, {text, unquote(text), unquote_plus(text)})


@dataclass(frozen=True, slots=True)
class _End:
    """A position at which a text may have been cut: `min_bytes` of a secret before it count, and go up to `until`."""

    at: int
    until: int
    min_bytes: int


def _forms(text: str) -> Iterator[bytes]:
    if len(text) < MIN_CHARACTERS:
        return
    for form in (text, text.lower()):  # host names and the names of headers arrive in lower case
        yield form.encode("utf-8", "surrogatepass")
    if not text.isascii():  # a header's text is read as Latin-1, whatever its bytes mean
        yield text.encode("latin-1", "ignore")


def _occurrences(content: bytes, text: bytes) -> Iterator[Span]:
    at = content.find(text)
    while at >= 0:
        yield at, at + len(text)
        at = content.find(text, at + len(text))


def _ends(content: bytes, min_tail: int) -> Iterator[_End]:
    """Where the content may have been cut: at its end, before the beginning of an encoded character, at an ellipsis."""
    yield _End(len(content), len(content), min_tail)
    if (cut_code := _CUT_CODE.search(content, max(0, len(content) - _LONGEST_CODE))) is not None:
        yield _End(cut_code.start(), len(content), min_tail)
    for ellipsis in islice(_ELLIPSIS.finditer(content), _MAX_ELLIPSES):
        yield _End(ellipsis.start(), ellipsis.start(), MIN_CHARACTERS)


def _tails(content: bytes, text: bytes, cut: _End) -> Iterator[Span]:
    """The content before that end as far as it begins the text, if it does."""
    begin, at = text[:MIN_CHARACTERS], max(0, cut.at - len(text) + 1) - 1
    for _ in range(_MAX_CANDIDATES):
        at = content.find(begin, at + 1, cut.at)
        if at < 0:
            break
        if text.startswith(content[at : cut.at]):
            yield at, cut.until
            return
    for size in range(MIN_CHARACTERS - 1, cut.min_bytes - 1, -1):
        if content.endswith(text[:size], 0, cut.at):
            yield cut.at - size, cut.until
            return
