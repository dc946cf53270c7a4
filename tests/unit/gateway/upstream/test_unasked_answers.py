"""Answers that nobody asked for: after an answer, and informational ones before it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.domain.call import Target
from gateway.upstream.addresses import PrivateHosts
from gateway.upstream.client import HttpUpstream
from gateway.upstream.transport import HEAD_READ_BYTES
from testkit.tls_upstream import PEM, tls_upstream

ASKED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
UNASKED = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nof-other"
PADDED = b"HTTP/1.1 200 OK\r\nX: %b\r\nContent-Length: 2\r\n\r\n{}"


def padded(size: int) -> bytes:
    """An answer of that many bytes."""
    return PADDED % (b"x" * (size - len(PADDED) + 2))


async def body_of(client: HttpUpstream, url: str) -> bytes:
    response = await client.send(Target("generic", url, "127.0.0.1", "m", 1000), b"{}", {}, lambda: None)
    body = b"".join([piece async for piece in response.chunks()])
    await response.aclose()
    return body


@asynccontextmanager
async def server(*answer: bytes) -> AsyncIterator[str]:
    """A server that sends these bytes for each request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n{}"):
                for part in answer:
                    writer.write(part)
                    await writer.drain()
        writer.close()

    serving = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with serving:
        yield f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}/v1"


@pytest.mark.parametrize(
    "answer",
    [
        (ASKED + UNASKED,),
        (CHUNKED + UNASKED,),
        (ASKED, UNASKED),
        (ASKED + b"\x00",),
        (padded(HEAD_READ_BYTES) + UNASKED,),
        (padded(64 * 1024 + HEAD_READ_BYTES) + UNASKED,),
    ],
    ids=["one packet", "chunked", "two packets", "a byte", "first read full", "second read full"],
)
async def test_what_follows_an_answer_is_not_the_next_one(answer: Sequence[bytes]) -> None:
    client = HttpUpstream(PrivateHosts.parse("127.0.0.1"))
    async with server(*answer) as url:
        assert [await body_of(client, url) for _ in range(4)] == [b"{}"] * 4
        await client.aclose()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("script", [(ASKED + UNASKED,), (ASKED, UNASKED), (ASKED,)])
async def test_what_follows_an_answer_in_tls_is_not_the_next_one(
    script: Sequence[bytes], version: ssl.TLSVersion
) -> None:
    context = ssl.create_default_context(cafile=str(PEM))
    async with tls_upstream(script, version=version) as upstream:
        client = HttpUpstream(PrivateHosts.parse(upstream.host), context)
        assert [await body_of(client, upstream.base_url) for _ in range(4)] == [b"{}"] * 4
        assert upstream.connections == (1 if script == (ASKED,) else 4)
        await client.aclose()


async def test_very_many_informational_answers_let_other_calls_go_on() -> None:
    client = HttpUpstream(PrivateHosts.parse("127.0.0.1"))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    count = 16 * 1024
    async with server(b"HTTP/1.1 100 \r\n\r\n" * count + ASKED) as url:
        beside = asyncio.create_task(others())
        assert await body_of(client, url) == b"{}"
        beside.cancel()
        await client.aclose()
    assert turns >= count * 16 // HEAD_READ_BYTES
