"""Laws of the local server's HTTP: how requests are cut into packets, and what protocol they offer, changes nothing."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, override

import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from switchboard_local.http_protocol import LocalHttpProtocol

OFFERS = st.sampled_from(
    [
        b"",
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        b"upgrade:websocket\r\nconnection:keep-alive,upgrade\r\n",
        b"Upgrade: TLS/1.2\r\n",
        b"Connection: Upgrade\r\nUpgrade: one, two\r\nUpgrade: three\r\n",
    ]
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it is sent."""

    path: str
    body: bytes
    offer: bytes
    is_chunked: bool

    @property
    def data(self) -> bytes:
        """Its bytes."""
        length = b"Transfer-Encoding: chunked" if self.is_chunked else b"Content-Length: %d" % len(self.body)
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (self.body[:3], self.body[3:]) if part)
        body = chunks + b"0\r\n\r\n" if self.is_chunked else self.body
        return b"POST %b HTTP/1.1\r\nHost: x\r\n%b%b\r\n\r\n%b" % (self.path.encode(), self.offer, length, body)


REQUESTS = st.lists(
    st.builds(Sent, st.from_regex("/[a-z]{0,5}", fullmatch=True), st.binary(max_size=40), OFFERS, st.booleans()),
    min_size=1,
    max_size=4,
)


@dataclass
class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    written: bytearray = field(default_factory=bytearray)
    is_closed: bool = False

    @override
    def write(self, data: Any) -> None:
        self.written += data

    @override
    def close(self) -> None:
        self.is_closed = True

    @override
    def is_closing(self) -> bool:
        return self.is_closed

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    @override
    def pause_reading(self) -> None:
        """Packets come all the same: a client may have sent them before."""

    @override
    def resume_reading(self) -> None:
        """See `pause_reading`."""


async def received(packets: list[bytes]) -> tuple[list[tuple[str, bytes]], Wire]:
    """The requests that the application gets of these packets, and the answers."""
    got: list[tuple[str, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        got.append((scope["path"], body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None)
    protocol, wire = LocalHttpProtocol(config, ServerState(), {}), Wire()
    protocol.connection_made(wire)
    for packet in packets:
        protocol.data_received(packet)
        await asyncio.sleep(0)
    while protocol.tasks:
        await asyncio.wait(protocol.tasks)
    protocol.connection_lost(None)
    return got, wire


@settings(max_examples=60)
@given(REQUESTS, st.lists(st.integers(1, 400), max_size=8, unique=True))
def test_any_split_of_any_requests_is_read_the_same(requests: list[Sent], cuts: list[int]) -> None:
    data = b"".join(request.data for request in requests)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    packets = [data[begin:end] for begin, end in pairwise(places)]
    got, wire = asyncio.run(received(packets))
    assert got == [(request.path, request.body) for request in requests]
    assert bytes(wire.written).count(b"HTTP/1.1 204 No Content\r\n") == len(requests)
    assert not wire.is_closed or len(got) == len(requests)
