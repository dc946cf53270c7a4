"""Callers that call at given times, whether or not earlier calls have their answers: raw asyncio."""

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

HANG_UP_MS = 20_000.0
"""ElevenLabs gives up a turn after this time."""

_PROMPT = (
    "You are the voice of a small hotel by the sea. You speak in short sentences, as one does on the phone. You answer "
    "questions about rooms, prices, arrival, breakfast and parking, and you never invent a price. "
) * 27
"""About 1,500 tokens, as an agent's system prompt and tools have."""

_CONTENT = re.compile(rb'"content": ?"twin(\d)')


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how a mode calls: the port and the headers."""

    name: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """What a caller received: the time to first token (None: none before it hung up) and from which target.

    `is_complete`: the answer was complete.
    """

    ttft_ms: float | None = None
    target: int | None = None
    is_complete: bool = False


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Callers:
    """All callers of one mode. Times are multiplied by `scale`; results are divided by it."""

    def __init__(self, endpoint: Endpoint, scale: float) -> None:
        self._endpoint = endpoint
        self._scale = scale
        self._idle: list[_Connection] = []

    async def call_all(self, arrivals_s: Sequence[float]) -> list[Received]:
        """One call at each of these times, in seconds from now."""
        begun = time.monotonic()
        calls = [asyncio.create_task(self._call_at(begun + moment, number)) for number, moment in enumerate(arrivals_s)]
        received = await asyncio.gather(*calls)
        for connection in self._idle:
            connection.writer.close()
        return received

    async def _call_at(self, moment: float, number: int) -> Received:
        await asyncio.sleep(max(0.0, moment - time.monotonic()))
        begun = time.monotonic()
        connection = (
            self._idle.pop()
            if self._idle
            else _Connection(*await asyncio.open_connection("127.0.0.1", self._endpoint.port))
        )
        received: list[Received] = []
        try:
            async with asyncio.timeout(HANG_UP_MS * self._scale / 1000):
                await self._call(connection, number, begun, received)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            connection.writer.close()
        else:
            self._idle.append(connection)
        return received[-1] if received else Received()

    async def _call(self, connection: _Connection, number: int, begun: float, received: list[Received]) -> None:
        """One streamed call. Results are added to `received` as they arrive, so that hanging up does not lose them."""
        connection.writer.write(_request(self._endpoint, number))
        head = await connection.reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.decode())
        body = bytearray()
        while size := int(await connection.reader.readuntil(b"\r\n"), 16):
            body += (await connection.reader.readexactly(size + 2))[:-2]
            if not received and (found := _CONTENT.search(body)):
                received.append(Received((time.monotonic() - begun) * 1000 / self._scale, int(found[1])))
        await connection.reader.readuntil(b"\r\n")
        if received and body.endswith(b"data: [DONE]\n\n"):
            received.append(Received(received[0].ttft_ms, received[0].target, is_complete=True))


def _request(endpoint: Endpoint, number: int) -> bytes:
    question = f"Call {number}. Have you a room for two from Friday to Sunday, and what does it cost with breakfast?"
    messages = [{"role": "system", "content": _PROMPT}, {"role": "user", "content": question}]
    body = json.dumps({"model": "llama", "stream": True, "messages": messages}).encode()
    headers = {
        "host": f"127.0.0.1:{endpoint.port}",
        "content-type": "application/json",
        **endpoint.headers,
        "content-length": str(len(body)),
    }
    lines = ["POST /v1/chat/completions HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
