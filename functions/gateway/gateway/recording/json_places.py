"""Where masks may stand in JSON, so that it stays JSON: within a text, or in place of a number, as a text."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from gateway.domain.masks import Mark, merged

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?[0-9][0-9.eE+-]*+', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_MEMBER = re.compile(rb'(\\*)"\s{0,4}:\s{0,4}\[?\s{0,4}\Z')
_AFTER_NUMBER = re.compile(rb"\s{0,4}(?:\\{1,8}[nrt])?\s{0,4}(?:[,}\]]|\Z)")
_WINDOW = 24


def in_json(content: bytes, marks: Sequence[Mark]) -> list[Mark]:
    """The marks as they may be replaced in the JSON text. What they mark of its brackets and commas stays."""
    return merged(chain.from_iterable(_placed(content, token, inner) for token, inner in _by_token(content, marks)))


def as_member(content: bytes, mark: Mark, begin: int = 0) -> Mark:
    """The mark, with quotes around its mask where it replaces a number of JSON within the text that begins there."""
    member = _MEMBER.search(content, max(begin, mark.start - _WINDOW), mark.start)
    after = content[mark.end : mark.end + _WINDOW]
    if member is None or _AFTER_NUMBER.match(after) is None:
        return mark
    quote = member[1] + b'"'
    return mark._replace(mask=quote + mark.mask + quote)


def _by_token(content: bytes, marks: Sequence[Mark]) -> Iterator[tuple[re.Match[bytes], list[Mark]]]:
    """Each text and number of the JSON in which something is marked."""
    at = 0
    for token in _TOKEN.finditer(content):
        inner = []
        while at < len(marks) and marks[at].start < token.end():
            if marks[at].end > token.start():
                inner.append(marks[at])
            if marks[at].end > token.end():
                break  # it goes on in the next one
            at += 1
        if inner:
            yield token, inner
        if at == len(marks):
            return


def _placed(content: bytes, token: re.Match[bytes], marks: list[Mark]) -> Iterator[Mark]:
    if token[0][:1] != b'"':
        yield marks[0]._replace(start=token.start(), end=token.end(), mask=b'"' + marks[0].mask + b'"')
        return
    codes = _ESCAPE.finditer(content, token.start() + 1, token.end() - 1)
    code = next(codes, None)
    for mark in marks:
        start, end = max(mark.start, token.start() + 1), min(mark.end, token.end() - 1)
        while code is not None and code.end() <= start:
            code = next(codes, None)
        if code is not None and code.start() < start:
            start = code.end()
        while code is not None and code.end() <= end:
            code = next(codes, None)
        if code is not None and code.start() < end:
            end = code.start()
        if start < end:
            yield as_member(content, mark._replace(start=start, end=end), token.start() + 1)
