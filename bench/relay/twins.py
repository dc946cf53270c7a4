"""Three providers with long-tailed times to first token, on three ports: raw asyncio, so that they add little latency.

`python -m bench.relay.twins '{"ports": [...], "calls": …, "hang_share": …, "seed": …, "scale": …}'`. A request's last
message has the number of its call. `GET` returns the provider's tally.
"""

import asyncio
import json
import re
import sys
import time
from dataclasses import asdict, dataclass
from itertools import count

from bench.relay.draws import Plot

PROMPT_TOKENS = 1500
ANSWER_TOKENS = 60
TOKENS_A_CHUNK = 5
CHUNK_EVERY_MS = 50.0
"""A hundred tokens a second, as a fast model."""

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_CALL = re.compile(rb"Call (\d+)\.")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


@dataclass(slots=True)
class Tally:
    """What a provider would bill: every prompt, also of cancelled requests, and the answer tokens that it sent."""

    requests: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0


class Twin:
    """One provider."""

    def __init__(self, number: int, first_tokens_ms: list[float | None], scale: float) -> None:
        self.tally = Tally()
        self._number = number
        self._first_tokens_ms = first_tokens_ms
        self._scale = scale

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET "):
                    _report(writer, self.tally)
                    continue
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                await self._answer(body, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun = time.monotonic()
        self.tally.requests += 1
        self.tally.prompt_tokens += PROMPT_TOKENS
        found = _CALL.search(body)
        first_token_ms = self._first_tokens_ms[int(found[1])] if found else None
        if first_token_ms is None:
            await reader.read()  # hangs until the caller disconnects
            return
        writer.write(_HEAD)
        for number in count():
            await _until(begun + (first_token_ms + number * CHUNK_EVERY_MS) * self._scale / 1000)
            if reader.at_eof() or writer.transport.is_closing():
                return  # the caller has disconnected
            if number * TOKENS_A_CHUNK >= ANSWER_TOKENS:
                break
            self.tally.answer_tokens += TOKENS_A_CHUNK
            _write(writer, {"content": f"twin{self._number} says word{number} "}, None)
        _end(writer)


def _end(writer: asyncio.StreamWriter) -> None:
    _write(writer, {}, "stop")
    usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": ANSWER_TOKENS}
    usage["total_tokens"] = sum(usage.values())
    _frame(writer, json.dumps({"id": "bench", "choices": [], "usage": usage}).encode())
    _frame(writer, b"[DONE]")
    writer.write(b"0\r\n\r\n")


def _write(writer: asyncio.StreamWriter, delta: dict[str, str], finish_reason: str | None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {
        "id": "bench",
        "object": "chat.completion.chunk",
        "created": 1_795_176_000,
        "model": "llama",
        "choices": [choice],
    }
    _frame(writer, json.dumps(chunk).encode())


def _frame(writer: asyncio.StreamWriter, data: bytes) -> None:
    event = b"data: " + data + b"\n\n"
    writer.write(b"%x\r\n%b\r\n" % (len(event), event))


def _report(writer: asyncio.StreamWriter, tally: Tally) -> None:
    body = json.dumps(asdict(tally)).encode()
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


async def _until(moment: float) -> None:
    remaining = moment - time.monotonic()
    if remaining > 0:
        await asyncio.sleep(remaining)


async def serve(ports: list[int], plot: Plot, scale: float) -> None:
    """Serve until killed."""
    twins = [Twin(number, plot.first_tokens_ms(number), scale) for number in range(len(ports))]
    servers = [
        await asyncio.start_server(twin.serve, "127.0.0.1", port) for twin, port in zip(twins, ports, strict=True)
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    _wanted = json.loads(sys.argv[1])
    _plot = Plot(_wanted["calls"], _wanted["hang_share"], _wanted["seed"])
    asyncio.run(serve(_wanted["ports"], _plot, _wanted["scale"]))
