"""Callers who come when they come, whether or not those before them have had their answer: raw asyncio."""

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

HANG_UP_MS = 20_000.0
"""ElevenLabs gives a turn up after so long."""

_PROMPT = (
    "You are the voice of a small hotel by the sea. You speak in short sentences, as one does on the phone. You answer "
    "questions about rooms, prices, arrival, breakfast and parking, and you never invent a price. "
) * 27
"""The 1,500 tokens of an agent's system prompt and tools, near enough."""

_SAID = re.compile(rb'"content": ?"twin(\d)')


@dataclass(frozen=True, slots=True)
class Way:
    """A way to call: the port, and the headers that go along."""

    name: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a caller heard: the first word after so many milliseconds (None: none before hanging up), from which target.

    `is_whole`: the answer was there to its end.
    """

    ttft_ms: float | None = None
    target: int | None = None
    is_whole: bool = False


@dataclass(slots=True)
class _Line:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Callers:
    """All callers of one way. Times are stretched or shrunk by `scale`, and told as if they were not."""

    def __init__(self, way: Way, scale: float) -> None:
        self._way = way
        self._scale = scale
        self._idle: list[_Line] = []

    async def call_all(self, arrivals_s: Sequence[float]) -> list[Heard]:
        """One call at each of the moments, seconds from now."""
        begun = time.monotonic()
        calls = [asyncio.create_task(self._call_at(begun + moment, number)) for number, moment in enumerate(arrivals_s)]
        heard = await asyncio.gather(*calls)
        for line in self._idle:
            line.writer.close()
        return heard

    async def _call_at(self, moment: float, number: int) -> Heard:
        await asyncio.sleep(max(0.0, moment - time.monotonic()))
        begun = time.monotonic()
        line = self._idle.pop() if self._idle else _Line(*await asyncio.open_connection("127.0.0.1", self._way.port))
        heard: list[Heard] = []
        try:
            async with asyncio.timeout(HANG_UP_MS * self._scale / 1000):
                await self._call(line, number, begun, heard)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            line.writer.close()
        else:
            self._idle.append(line)
        return heard[-1] if heard else Heard()

    async def _call(self, line: _Line, number: int, begun: float, heard: list[Heard]) -> None:
        """One streamed call; what is heard goes into `heard` as it comes, so that hanging up does not lose it."""
        line.writer.write(_request(self._way, number))
        head = await line.reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.decode())
        body = bytearray()
        while size := int(await line.reader.readuntil(b"\r\n"), 16):
            body += (await line.reader.readexactly(size + 2))[:-2]
            if not heard and (said := _SAID.search(body)):
                heard.append(Heard((time.monotonic() - begun) * 1000 / self._scale, int(said[1])))
        await line.reader.readuntil(b"\r\n")
        if heard and body.endswith(b"data: [DONE]\n\n"):
            heard.append(Heard(heard[0].ttft_ms, heard[0].target, is_whole=True))


def _request(way: Way, number: int) -> bytes:
    question = f"Call {number}. Have you a room for two from Friday to Sunday, and what does it cost with breakfast?"
    messages = [{"role": "system", "content": _PROMPT}, {"role": "user", "content": question}]
    body = json.dumps({"model": "llama", "stream": True, "messages": messages}).encode()
    headers = {
        "host": f"127.0.0.1:{way.port}",
        "content-type": "application/json",
        **way.headers,
        "content-length": str(len(body)),
    }
    lines = ["POST /v1/chat/completions HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
