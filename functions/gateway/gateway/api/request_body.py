"""Reads a request's body as it comes, decompressed where it is compressed."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from gateway.domain.errors import BodyMalformed, BodyTooLarge, EncodingUnsupported
from switchboard.domain.limits import MAX_BODY_BYTES, MAX_GZIP_MEMBERS, clipped
from switchboard.stream.sse import BYTE_ORDER_MARK

ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


async def read_body(request: Request) -> bytes:
    """The body, without a byte order mark.

    Raises BodyTooLarge (compressed or not), BodyMalformed, EncodingUnsupported, or ClientDisconnect.
    """
    decode = _decoder(request.headers.get("content-encoding", ""))
    body, received = bytearray(), 0
    async for chunk in request.stream():
        received += len(chunk)
        body += decode(chunk, MAX_BODY_BYTES - len(body))
        if max(received, len(body)) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"The body may have {MAX_BODY_BYTES:,} bytes at most.")
    decode(b"", 0)
    return bytes(body.removeprefix(BYTE_ORDER_MARK))


def _decoder(encoding: str) -> Callable[[bytes, int], bytes]:
    """What decodes a chunk to at most one byte more than the room that is left, and at the end an empty one."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return lambda chunk, _room: chunk
    if name not in ENCODINGS:
        raise EncodingUnsupported(
            f"The body's content-encoding is {clipped(encoding.strip())!r}: send the body as it is, or as gzip or "
            "deflate.",
            param="content-encoding",
        )
    return _Inflater(name)


@dataclass(slots=True)
class _Inflater:
    """Decompresses gzip and zlib, never more than there is room for."""

    encoding: str
    _members: int = field(default=0, init=False)
    _member: "zlib._Decompress | None" = field(default=None, init=False)

    def __call__(self, chunk: bytes, room: int) -> bytes:
        """The next bytes. Raises BodyMalformed."""
        if not chunk:
            self._check_end()
            return b""
        inflated = b""
        while chunk and len(inflated) <= room:
            member = self._member or self._next_member()
            try:
                inflated += member.decompress(chunk, room + 1 - len(inflated))
            except zlib.error:
                raise self._malformed() from None
            chunk = member.unused_data
            self._member = None if member.eof else member
        return inflated

    def _next_member(self) -> "zlib._Decompress":
        self._members += 1
        if self._members > MAX_GZIP_MEMBERS:
            raise self._malformed()
        return zlib.decompressobj(_GZIP_OR_ZLIB)

    def _check_end(self) -> None:
        if self._member is not None or not self._members:
            raise self._malformed()

    def _malformed(self) -> BodyMalformed:
        return BodyMalformed(f"The body is not {self.encoding}, which is its content-encoding.")
