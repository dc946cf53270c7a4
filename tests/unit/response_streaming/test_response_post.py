"""The POST against a plain socket, which shows the bytes and can stop reading."""

import asyncio
import select
import socket
from collections.abc import Iterator

import pytest

from response_streaming.response_post import ResponsePost

LARGE = b"x" * 8_000_000  # more than two socket buffers hold


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


def opened(listener: socket.socket, gone: asyncio.Event | None = None) -> tuple[ResponsePost, socket.socket]:
    host, port = listener.getsockname()
    post = ResponsePost(f"{host}:{port}", "id-1")
    post.open((gone or asyncio.Event()).set)
    peer, _ = listener.accept()
    peer.settimeout(5)
    return post, peer


def read_to(peer: socket.socket, ending: bytes) -> bytes:
    received = bytearray()
    while not received.endswith(ending) and (data := peer.recv(1 << 20)):
        received += data
    return bytes(received)


async def test_a_chunk_has_been_sent_when_write_returns(listener: socket.socket) -> None:
    post, peer = opened(listener)
    with peer:
        assert read_to(peer, b"\r\n\r\n").startswith(b"POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\n")
        await post.write(b"hello")
        assert read_to(peer, b"\r\n") == b"5\r\nhello\r\n"
        await post.end(b"Name: value\r\n")
        assert read_to(peer, b"\r\n\r\n") == b"0\r\nName: value\r\n\r\n"
        peer.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        post.close()


async def test_nagles_algorithm_is_off(listener: socket.socket) -> None:
    post, peer = opened(listener)
    with peer:
        assert post._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        post.close()


async def test_a_runtime_that_does_not_read_blocks_the_write_but_not_the_loop(listener: socket.socket) -> None:
    post, peer = opened(listener)
    with peer:
        await asyncio.to_thread(read_to, peer, b"\r\n\r\n")
        writing = asyncio.create_task(post.write(LARGE))
        await asyncio.wait({writing}, timeout=0.05)
        assert not writing.done()
        received = await asyncio.to_thread(read_to, peer, b"\r\n")
        await writing
        assert received == b"%x\r\n%b\r\n" % (len(LARGE), LARGE)
        post.close()


async def test_a_cancelled_write_does_not_break_the_framing(listener: socket.socket) -> None:
    post, peer = opened(listener)
    with peer:
        await asyncio.to_thread(read_to, peer, b"\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(post.write(LARGE), 0.05)
        reading = asyncio.create_task(asyncio.to_thread(read_to, peer, b"0\r\n\r\n"))
        await post.write(b"next")
        await post.end()
        await post.end()
        assert await reading == b"%x\r\n%b\r\n4\r\nnext\r\n0\r\n\r\n" % (len(LARGE), LARGE)
        peer.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        post.close()


async def test_a_closed_connection_is_noticed_without_a_write(listener: socket.socket) -> None:
    gone = asyncio.Event()
    post, peer = opened(listener, gone)
    peer.close()
    await asyncio.wait_for(gone.wait(), 5)
    with pytest.raises(OSError):  # noqa: PT011 - which of them depends on how far the reset has come
        await post.write(LARGE)
    post.close()


async def test_an_early_reply_is_not_taken_for_a_closed_connection(listener: socket.socket) -> None:
    gone = asyncio.Event()
    post, peer = opened(listener, gone)
    with peer:
        peer.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        assert select.select([post._socket], [], [], 5)[0]
        for _ in range(2):  # one turn of the loop to see the bytes, one to act on them
            await asyncio.sleep(0)
        await post.write(b"more")
        await post.end()
        assert not gone.is_set()
        post.close()


async def test_a_refused_response_is_logged(listener: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    post, peer = opened(listener)
    with peer:
        await post.end()
        peer.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        post.close()
    assert caplog.messages == ["response.refused status=413 reason=b'big'"]


async def test_a_missing_reply_of_the_runtime_is_logged(
    listener: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    post, peer = opened(listener)
    await post.end()
    read_to(peer, b"0\r\n\r\n")
    peer.close()
    post.close()
    assert caplog.messages[0].startswith("response.unconfirmed")


async def test_a_closed_response_does_not_watch_its_descriptor(listener: socket.socket) -> None:
    first, peer = opened(listener)
    with peer:
        number = first._socket.fileno()
        first.close()
    gone = asyncio.Event()
    second, peer = opened(listener, gone)
    assert second._socket.fileno() == number
    peer.close()
    await asyncio.wait_for(gone.wait(), 5)
    second.close()
