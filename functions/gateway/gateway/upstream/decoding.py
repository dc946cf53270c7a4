"""Decodes compressed answers in small steps: a few compressed bytes can stand for very many."""

import zlib
from collections.abc import Callable, Iterator

from switchboard.domain.limits import MAX_DECODED_BYTES, clipped

_GZIP_FORMAT = 16 + zlib.MAX_WBITS
_GZIP_BEGINS = b"\x1f"
_ZLIB_METHOD = 8
_ZLIB_HEADER_BYTES = 2
_ZLIB_CHECK = 31


class EncodingUnreadable(Exception):
    """The answer has a content encoding that is not decoded, or its data is not in that encoding."""


class Inflate:
    """Decodes gzip (also several members), and deflate, which servers send with zlib's header or without it."""

    __slots__ = ("_beginning", "_decoder", "_format_of")

    def __init__(self, format_of: Callable[[bytes], int | None]) -> None:
        self._format_of = format_of
        self._decoder: zlib._Decompress | None = None
        self._beginning = b""

    def steps(self, data: bytes) -> Iterator[bytes]:
        """What the data stands for, in steps of MAX_DECODED_BYTES at most. Raises EncodingUnreadable."""
        data, is_full = self._beginning + data, False
        self._beginning = b""
        while (data or is_full) and not self._is_padding(data):
            decoder = self._decoder_for(data)
            if decoder is None:
                self._beginning = data
                return
            try:
                step = decoder.decompress(data, MAX_DECODED_BYTES)
            except zlib.error as broken:
                raise EncodingUnreadable(f"its compressed data is broken ({broken})") from None
            if step:
                yield step
            is_full = len(step) == MAX_DECODED_BYTES and not decoder.eof  # more may come of the same data
            data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail

    def _is_padding(self, data: bytes) -> bool:
        """Whether the data is over, and what follows is no further member of it."""
        return self._decoder is not None and self._decoder.eof and not data.startswith(_GZIP_BEGINS)

    def _decoder_for(self, data: bytes) -> "zlib._Decompress | None":
        if self._decoder is None or self._decoder.eof:
            found = self._format_of(data)
            self._decoder = None if found is None else zlib.decompressobj(found)
        return self._decoder


def _gzip(_data: bytes) -> int:
    return _GZIP_FORMAT


def _deflate(data: bytes) -> int | None:
    """Whether zlib's header begins the data; None where that is too short to tell."""
    if len(data) < _ZLIB_HEADER_BYTES:
        return None
    has_header = data[0] & 0xF == _ZLIB_METHOD and int.from_bytes(data[:_ZLIB_HEADER_BYTES]) % _ZLIB_CHECK == 0
    return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS


_FORMATS: dict[str, Callable[[bytes], int | None]] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}


def decoder_of(content_encoding: str) -> Inflate | None:
    """What decodes that `content-encoding`; None where there is nothing to decode. Raises EncodingUnreadable."""
    names = [name for entry in content_encoding.lower().split(",") if (name := entry.strip()) not in ("", "identity")]
    if not names:
        return None
    if len(names) > 1 or names[0] not in _FORMATS:
        raise EncodingUnreadable(f"it is encoded as {clipped(content_encoding)!r}, and identity was asked for")
    return Inflate(_FORMATS[names[0]])
