"""One connection: offers to change the protocol, and requests that arrive slowly."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from switchboard_local import http_protocol
from switchboard_local.http_protocol import LocalHttpProtocol

SOON_S = 5.0
BODY = b'{"model": "any"}'
OFFERS = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "websocket": b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\n",
    "TLS": b"Connection: upgrade\r\nUpgrade: TLS/1.2\r\n",
}


class Server:
    """Servers of connections, and an application that answers with what it got."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.headers: list[list[tuple[bytes, bytes]]] = []
        self.left = asyncio.Event()
        self.first_chunk_sent = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/refused":
            return await self._answer(send, 401)
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left.set()
                return None
            body, more = body + message["body"], message["more_body"]
        self.requests.append(body)
        self.headers.append(scope["headers"])
        return await self._answer(send, 200)

    async def _answer(self, send: Any, status: int) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"first ", "more_body": True})
        self.first_chunk_sent.set()
        await self.may_end.wait()
        await send({"type": "http.response.body", "body": b"last"})


class Client:
    """A raw connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *packets: bytes) -> None:
        """Send each packet after the server has had time to read the one before."""
        for packet in packets:
            self.writer.write(packet)
            await self.writer.drain()
            await asyncio.sleep(0.01)

    async def answer(self) -> tuple[int, bytes]:
        """The next answer's status and its chunks."""
        async with asyncio.timeout(SOON_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            chunks = await self.reader.readuntil(b"0\r\n\r\n")
        return int(head.split()[1]), chunks

    async def rest(self) -> bytes:
        """What comes until the server closes the connection."""
        async with asyncio.timeout(SOON_S):
            return await self.reader.read()


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with connected(server) as client:
        yield client


@asynccontextmanager
async def connected(server: Server, keep_alive_s: float = 60) -> AsyncIterator[Client]:
    config = uvicorn.Config(server.app, interface="asgi3", ws="none", lifespan="off", log_config=None)
    config.timeout_keep_alive = keep_alive_s  # type: ignore[assignment]
    state = ServerState()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: LocalHttpProtocol(config, state, {}), "127.0.0.1", 0)
    async with listening:
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
        try:
            yield Client(reader, writer)
        finally:
            writer.close()


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_S", 0.1)
    monkeypatch.setattr(http_protocol, "BODY_S", 0.1)
    monkeypatch.setattr(http_protocol, "BODY_BYTES_PER_S", 10_000)


def post(*, offer: bytes = b"", more: bytes = b"", path: bytes = b"/") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: x\r\n%b%bContent-Length: %d\r\n\r\n" % (path, offer, more, len(BODY))


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS.keys())
@pytest.mark.parametrize(
    "cuts",
    [(), (len(post()),), (10,), (30, 60, 90)],
    ids=["one packet", "a cut in the head", "a cut in the request line", "cuts everywhere"],
)
async def test_an_offer_to_change_the_protocol_is_ignored(
    server: Server, client: Client, offer: bytes, cuts: Sequence[int]
) -> None:
    data = post(offer=offer) + BODY
    for _ in range(2):
        await client.send(*(data[a:b] for a, b in zip((0, *cuts), (*cuts, None), strict=True)))
        assert (await client.answer())[0] == 200
    assert server.requests == [BODY, BODY]


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS.keys())
async def test_the_body_may_come_later(server: Server, client: Client, offer: bytes) -> None:
    await client.send(post(offer=offer), BODY[:5], BODY[5:])
    assert (await client.answer())[0] == 200
    assert server.requests == [BODY]


async def test_chunks_are_read_after_an_offer(server: Server, client: Client) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\n%bTransfer-Encoding: chunked\r\n\r\n" % OFFERS["h2c"]
    await client.send(head + b"5\r\nhello\r\n0\r\n\r\n")
    assert (await client.answer())[0] == 200
    assert server.requests == [b"hello"]


async def test_the_body_is_awaited_with_100_continue_beside_an_offer(server: Server, client: Client) -> None:
    await client.send(post(offer=OFFERS["h2c"], more=b"Expect: 100-continue\r\n"))
    assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await client.send(BODY)
    assert (await client.answer())[0] == 200
    assert server.requests == [BODY]


async def test_requests_after_an_offer_may_be_pipelined(server: Server, client: Client) -> None:
    await client.send(post(offer=OFFERS["h2c"]) + BODY + post() + BODY + post(offer=OFFERS["TLS"]) + BODY)
    assert [(await client.answer())[0] for _ in range(3)] == [200, 200, 200]
    assert server.requests == [BODY] * 3


async def test_close_beside_an_offer_closes(server: Server, client: Client) -> None:
    await client.send(post(offer=OFFERS["h2c"].replace(b"Upgrade,", b"close, Upgrade,", 1)) + BODY)
    assert (await client.rest()).endswith(b"0\r\n\r\n")
    assert server.requests == [BODY]


@pytest.mark.parametrize("data", [b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nno header\r\n\r\n"])
async def test_what_is_no_request_is_refused(client: Client, data: bytes) -> None:
    await client.send(data)
    assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("garbage", [b"\x00", b"GET / HTTP/1.1\r\nno header\r\n\r\n", b"POST /\x00"])
async def test_what_is_no_request_is_not_answered_in_place_of_an_earlier_one(
    server: Server, client: Client, garbage: bytes
) -> None:
    server.may_end.clear()
    await client.send(post() + BODY + garbage, garbage)
    await server.first_chunk_sent.wait()
    await client.send(garbage)
    server.may_end.set()
    assert await client.answer() == (200, b"6\r\nfirst \r\n4\r\nlast\r\n0\r\n\r\n")
    assert await client.rest() == b""
    assert server.requests == [BODY]


LARGE = b"a" * http_protocol.MAX_HEAD_BYTES


async def test_very_many_offers_may_be_pipelined(server: Server, client: Client) -> None:
    await client.send((post(offer=OFFERS["TLS"]) + BODY) * 1500)
    assert [(await client.answer())[0] for _ in range(1500)] == [200] * 1500
    assert server.requests == [BODY] * 1500


@pytest.mark.parametrize("has_end", [True, False])
@pytest.mark.parametrize(
    "begun",
    [
        b"GET /" + LARGE,
        b"GET / HTTP/1.1\r\nX: " + LARGE,
        b"GET / HTTP/1.1\r\n" + LARGE,
        post() + BODY + b"GET /" + LARGE,
    ],
    ids=["path", "value", "name", "a later request"],
)
async def test_a_large_head_is_answered_431(server: Server, client: Client, begun: bytes, *, has_end: bool) -> None:
    end = b" HTTP/1.1\r\n\r\n" if b"/aa" in begun else b": x\r\n\r\n"
    for _ in range(begun.count(BODY)):
        await client.send(post() + BODY)
        await client.answer()
    await client.send(begun.removeprefix(post() + BODY) + (end if has_end else b"a" * 10))
    assert error_of(await client.rest(), 431)["code"] == "head_too_large"
    assert len(server.requests) == begun.count(BODY)


async def test_very_many_headers_are_answered_431(client: Client) -> None:
    await client.send(b"GET / HTTP/1.1\r\n" + b"x-inference-metadata-a: b\r\n" * 3000 + b"\r\n")
    assert error_of(await client.rest(), 431)["code"] == "head_too_large"


CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_a_trailer_is_no_header(server: Server, client: Client) -> None:
    await client.send(CHUNKED + b"2\r\nhi\r\n0\r\nauthorization: Bearer sb-trailer\r\n\r\n" + post() + BODY)
    assert [(await client.answer())[0] for _ in range(2)] == [200, 200]
    assert server.requests == [b"hi", BODY]
    assert [b"authorization" in dict(headers) for headers in server.headers] == [False, False]


@pytest.mark.parametrize("begun", [b"0\r\nX: ", b"0\r\n", b"2;a="], ids=["value", "name", "extension"])
async def test_what_a_body_has_beside_it_has_a_bound(server: Server, client: Client, begun: bytes) -> None:
    with suppress(ConnectionResetError):
        await client.send(CHUNKED + begun, LARGE, LARGE)
        assert await client.rest() == b""
    async with asyncio.timeout(SOON_S):
        await server.left.wait()
    assert server.requests == []


async def test_a_large_body_of_small_chunks_is_read(server: Server, client: Client) -> None:
    await client.send(CHUNKED + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")
    assert (await client.answer())[0] == 200
    assert server.requests == [b"a" * 50_000]


def error_of(answer: bytes, status: int = 408) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-length: %d" % len(body) in head
    error: dict[str, Any] = json.loads(body)["error"]
    return error


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize("begun", [b"P", post()[:-2], post() + BODY + b"POST /"])
async def test_a_head_that_stops_is_answered_408(server: Server, client: Client, begun: bytes) -> None:
    await client.send(begun)
    for _ in range(begun.count(BODY)):
        await client.answer()
    error = error_of(await client.rest())
    assert (error["code"], error["type"], "head" in error["message"]) == ("request_late", "invalid_request_error", True)
    assert len(server.requests) == begun.count(BODY)


@pytest.mark.usefixtures("short_limits")
async def test_a_head_that_comes_byte_by_byte_is_answered_408(client: Client) -> None:
    dribbling = asyncio.create_task(client.send(*(bytes([byte]) for byte in post() * 10)))
    assert error_of(await client.rest())["code"] == "request_late"
    dribbling.cancel()


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize("offer", [b"", OFFERS["h2c"]])
async def test_a_body_that_stops_is_answered_408(server: Server, client: Client, offer: bytes) -> None:
    await client.send(post(offer=offer) + BODY[:5])
    error = error_of(await client.rest())
    assert (error["code"], "body" in error["message"]) == ("request_late", True)
    async with asyncio.timeout(SOON_S):
        await server.left.wait()
    assert server.requests == []


@pytest.mark.usefixtures("short_limits")
async def test_a_large_body_may_take_longer(server: Server, client: Client) -> None:
    large = b"x" * 20_000
    await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20001\r\n\r\n" + large)
    await asyncio.sleep(0.3)
    await client.send(b"y")
    assert (await client.answer())[0] == 200
    assert server.requests == [large + b"y"]


@pytest.mark.usefixtures("short_limits")
async def test_a_body_that_stops_after_its_answer_closes_the_connection(client: Client) -> None:
    await client.send(post(path=b"/refused") + BODY[:5])
    assert (await client.answer())[0] == 401
    assert await client.rest() == b""


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize("next_request", [b"", b"POST /", post() + BODY[:5]], ids=["none", "a head", "a body"])
async def test_an_answer_in_progress_is_not_cut(server: Server, client: Client, next_request: bytes) -> None:
    server.may_end.clear()
    await client.send(post() + BODY, next_request)
    await server.first_chunk_sent.wait()
    await asyncio.sleep(0.3)
    server.may_end.set()
    status, chunks = await client.answer()
    assert (status, chunks) == (200, b"6\r\nfirst \r\n4\r\nlast\r\n0\r\n\r\n")


@pytest.mark.parametrize("sent", [b"", b"\r\n", post() + BODY])
async def test_an_idle_connection_is_closed(server: Server, sent: bytes) -> None:
    async with connected(server, keep_alive_s=0.1) as client:
        await client.send(sent)
        answer = await client.rest()
    assert (answer == b"") is (sent.strip() == b"")
