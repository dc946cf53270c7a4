"""A caller that times every chunk of a stream: raw asyncio, one kept connection per stream."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field

from bench.upstream import Pace

TURN_PAUSE_S = 0.03
"""The pause between a connection's calls: long enough for a trace to be written."""

JOIN_EVERY_S = 0.01

_SENT_AT = re.compile(rb'"sent_at": ?([0-9.]+)')


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A local port to call, its key, and the port of the upstream behind it."""

    port: int
    key: str
    upstream_port: int


@dataclass(slots=True)
class Received:
    """One stream: time to first token, the latency of every chunk from the upstream to here, and the bytes."""

    ttft_ms: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    body: bytes = b""


class Connection:
    """One kept connection to an endpoint."""

    def __init__(self, endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._endpoint = endpoint
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, endpoint: Endpoint) -> "Connection":
        """Connect."""
        return cls(endpoint, *await asyncio.open_connection("127.0.0.1", endpoint.port))

    async def call(self, pace: Pace) -> Received:
        """One streamed call."""
        received = Received()
        begun = time.monotonic()
        self._writer.write(self._request(pace))
        await self._writer.drain()
        head = await self._reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(head.decode())
        pieces = []
        while piece := await self._chunk():
            now = time.monotonic()
            pieces.append(piece)
            for sent_at in _SENT_AT.findall(piece):
                if not received.latencies_ms:
                    received.ttft_ms = (now - begun) * 1000
                received.latencies_ms.append((now - float(sent_at)) * 1000)
        received.body = b"".join(pieces)
        return received

    async def aclose(self) -> None:
        """Close the connection."""
        self._writer.close()
        await self._writer.wait_closed()

    async def _chunk(self) -> bytes:
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        return (await self._reader.readexactly(size + 2))[:-2]

    def _request(self, pace: Pace) -> bytes:
        body = json.dumps(
            {
                "model": f"{pace.think_ms}/{pace.chunks}/{pace.gap_ms}",
                "stream": True,
                "messages": [{"role": "system", "content": "You are brief."}, {"role": "user", "content": "Hello!"}],
            }
        ).encode()
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {self._endpoint.key}\r\n"
            f"x-inference-provider-url: http://127.0.0.1:{self._endpoint.upstream_port}\r\n"
            f"x-inference-task-id: bench\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def in_turn(endpoint: Endpoint, pace: Pace, calls: int) -> list[Received]:
    """Calls one after the other on one connection."""
    connection = await Connection.open(endpoint)
    received = []
    for _ in range(calls):
        received.append(await connection.call(pace))
        await asyncio.sleep(TURN_PAUSE_S)
    await connection.aclose()
    return received


async def at_once(endpoint: Endpoint, pace: Pace, streams: int, calls: int) -> list[Received]:
    """Calls on many connections at once, in turn on each. The connections start one shortly after the other."""

    async def join(number: int) -> list[Received]:
        await asyncio.sleep(number * JOIN_EVERY_S)
        return await in_turn(endpoint, pace, calls)

    results = await asyncio.gather(*(join(number) for number in range(streams)))
    return [received for connection in results for received in connection]
