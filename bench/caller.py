"""A caller that reads streams by the clock: raw asyncio, one kept connection per stream."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field

from bench.upstream import Pace

TURN_PAUSE_S = 0.03
"""Between a line's calls. A caller's turns lie seconds apart; long enough here for a trace to be written."""

JOIN_EVERY_S = 0.01

_SENT_AT = re.compile(rb'"sent_at": ?([0-9.]+)')


@dataclass(frozen=True, slots=True)
class Door:
    """Where to call: a port of this machine, the key it wants, and the upstream's port behind it."""

    port: int
    key: str
    upstream_port: int


@dataclass(slots=True)
class Heard:
    """One stream: milliseconds from call to first token, of every chunk's way from the upstream, and its bytes."""

    ttft_ms: float = 0.0
    ways_ms: list[float] = field(default_factory=list)
    body: bytes = b""


class Line:
    """One kept connection to a door."""

    def __init__(self, door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._door = door
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, door: Door) -> "Line":
        """Connect."""
        return cls(door, *await asyncio.open_connection("127.0.0.1", door.port))

    async def call(self, pace: Pace) -> Heard:
        """One streamed call."""
        heard = Heard()
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
                if not heard.ways_ms:
                    heard.ttft_ms = (now - begun) * 1000
                heard.ways_ms.append((now - float(sent_at)) * 1000)
        heard.body = b"".join(pieces)
        return heard

    async def aclose(self) -> None:
        """Hang up."""
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
            f"authorization: Bearer {self._door.key}\r\n"
            f"x-inference-provider-url: http://127.0.0.1:{self._door.upstream_port}\r\n"
            f"x-inference-task-id: bench\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def in_turn(door: Door, pace: Pace, calls: int) -> list[Heard]:
    """Calls one after the other on one line."""
    line = await Line.open(door)
    heard = []
    for _ in range(calls):
        heard.append(await line.call(pace))
        await asyncio.sleep(TURN_PAUSE_S)
    await line.aclose()
    return heard


async def at_once(door: Door, pace: Pace, streams: int, calls: int) -> list[Heard]:
    """As many lines at once, each with its calls in turn; they join one after the other, as callers do."""

    async def join(number: int) -> list[Heard]:
        await asyncio.sleep(number * JOIN_EVERY_S)
        return await in_turn(door, pace, calls)

    results = await asyncio.gather(*(join(number) for number in range(streams)))
    return [heard for line in results for heard in line]
