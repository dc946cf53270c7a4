"""A provider with a given time to first token and a steady pace: raw asyncio, so that it adds little latency.

Every chunk contains its send time (`sent_at`, seconds of the machine's monotonic clock), so that its reader can compute
the latency.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Pace:
    """The time to first token, the number of chunks, and the time between them."""

    think_ms: float
    chunks: int
    gap_ms: float


async def serve(port: int) -> None:
    """Serve until killed. A request's model name is its pace: `think_ms/chunks/gap_ms`."""
    server = await asyncio.start_server(_connection, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = json.loads(await reader.readexactly(_length(head)))
            think_ms, chunks, gap_ms = body["model"].split("/")
            await _stream(writer, Pace(float(think_ms), int(chunks), float(gap_ms)))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _stream(writer: asyncio.StreamWriter, pace: Pace) -> None:
    begun = time.monotonic()
    writer.write(_HEAD)
    for number in range(pace.chunks):
        await _until(begun + (pace.think_ms + number * pace.gap_ms) / 1000)
        _write(writer, {"content": f"word{number} "}, None)
        await writer.drain()
    _write(writer, {}, "stop")
    usage = {"prompt_tokens": 12, "completion_tokens": pace.chunks, "total_tokens": 12 + pace.chunks}
    _frame(writer, json.dumps({"id": "bench", "choices": [], "usage": usage}).encode())
    _frame(writer, b"[DONE]")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _until(moment: float) -> None:
    remaining = moment - time.monotonic()
    if remaining > 0:
        await asyncio.sleep(remaining)


def _write(writer: asyncio.StreamWriter, delta: dict[str, str], finish_reason: str | None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {
        "id": "bench",
        "object": "chat.completion.chunk",
        "created": 1_795_176_000,
        "model": "bench",
        "choices": [choice],
        "sent_at": time.monotonic(),
    }
    _frame(writer, json.dumps(chunk).encode())


def _frame(writer: asyncio.StreamWriter, data: bytes) -> None:
    event = b"data: " + data + b"\n\n"
    writer.write(b"%x\r\n%b\r\n" % (len(event), event))


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
