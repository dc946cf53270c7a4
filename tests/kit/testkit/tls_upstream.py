"""A provider behind real TLS on loopback, whose connections fail as a test says.

`loopback.pem` is a key and its own certificate for 127.0.0.1 and localhost, made for these tests.
"""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

PEM = Path(__file__).with_name("loopback.pem")


class Tls(Enum):
    """A step of a script at which the connection's TLS fails."""

    GARBAGE = "bytes that are no TLS record"
    TRUNCATED = "the connection is closed without TLS's own end"


type Step = bytes | Tls


@dataclass(slots=True)
class TlsUpstream:
    """A server that answers each request with the next script, the last one repeatedly."""

    scripts: list[Sequence[Step]]
    port: int = 0
    requests: int = 0
    connections: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def host(self) -> str:
        """As in PRIVATE_PROVIDER_HOSTS."""
        return f"127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """The provider URL."""
        return f"https://{self.host}/v1"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        self._open.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while await self._read_request(reader):
                self.requests += 1
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                for step in script:
                    await self._take(step, writer)
        await _close(writer)

    def close(self) -> None:
        """Drop every connection."""
        for writer in self._open:
            writer.transport.abort()

    async def _read_request(self, reader: asyncio.StreamReader) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        return True

    async def _take(self, step: Step, writer: asyncio.StreamWriter) -> None:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
        elif step is Tls.GARBAGE:
            os.write(writer.get_extra_info("socket").fileno(), b"this is no record of TLS at all")
        else:
            writer.transport.abort()


@asynccontextmanager
async def tls_upstream(
    *scripts: Sequence[Step], version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> AsyncIterator[TlsUpstream]:
    """The server, on this event loop."""
    upstream = TlsUpstream(list(scripts))
    async with _serving(upstream, upstream.answer, _context(version)):
        yield upstream


@asynccontextmanager
async def tls_upstream_that_wants_a_certificate(version: ssl.TLSVersion) -> AsyncIterator[TlsUpstream]:
    """A server that refuses clients without a certificate: with TLS 1.3 they learn it after the handshake."""
    context = _context(version)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(PEM)
    upstream = TlsUpstream([])

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.connections += 1
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(received, to_send, server_side=True)
        with suppress(OSError):
            # To its end: a connection that is closed with unread bytes is reset, and the client sees nothing else.
            while data := await reader.read(65536):
                received.write(data)
                with suppress(ssl.SSLError):
                    server.do_handshake()
                writer.write(to_send.read())
        await _close(writer)

    async with _serving(upstream, refuse, None):
        yield upstream


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


type _Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _serving(upstream: TlsUpstream, serve: _Serve, context: ssl.SSLContext | None) -> AsyncIterator[None]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        upstream.close()


def _context(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    context.minimum_version = context.maximum_version = version
    return context


def trusting_clients() -> ssl.SSLContext:
    """The context of a client that trusts the server's certificate."""
    return ssl.create_default_context(cafile=PEM)


def head(content_type: str = "text/event-stream", length: int | None = None) -> bytes:
    """The status and headers of an answer: chunked, or of that length."""
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n{framing}\r\n\r\n".encode()


def part(content: bytes) -> bytes:
    """A chunk of an answer; an empty one is its end."""
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"
