"""The hostile project's own provider: each path answers with something that is hard to read."""

import asyncio
import gzip
import json
import sys
from collections.abc import AsyncIterator, Callable

MIB = 1024 * 1024
_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
_JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
_ZIPPED = _JSON.replace(b"connection", b"content-encoding: gzip\r\nconnection")


def _chunk(delta: object, reason: str | None = None) -> bytes:
    return (
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}).encode() + b"\n\n"
    )


WORD = _chunk({"content": "a"})
END = _chunk({}, "stop") + b"data: [DONE]\n\n"


async def _tiny_events() -> AsyncIterator[bytes]:
    piece = WORD * (MIB // len(WORD))
    yield _STREAM
    for _ in range(8):
        yield piece
    yield END


async def _finish_reasons() -> AsyncIterator[bytes]:
    yield _STREAM + WORD + b"".join(_chunk({}, f"reason {number:_>33}") for number in range(7000)) + END


async def _large_event() -> AsyncIterator[bytes]:
    yield _STREAM + b'data: {"choices":[{"index":0,"delta":{"content":"'
    for _ in range(40):
        yield b"a" * MIB
    yield b'"}}]}\n\n' + END


async def _large_json() -> AsyncIterator[bytes]:
    yield _JSON + b'{"choices":[{"message":{"content":"'
    for _ in range(100):
        yield b"a" * MIB
    yield b'"}}]}'


async def _readable_json() -> AsyncIterator[bytes]:
    """Just within the bounds, so that all of it is read."""
    yield _JSON + b'{"choices":[{"message":{"content":"'
    for _ in range(30):
        yield b"a" * MIB
    yield b'"},"finish_reason":"stop"}]}'


async def _readable_objects() -> AsyncIterator[bytes]:
    more = b"{}," * 240_000
    yield _JSON + b'{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"more":[' + more + b"0]}"


async def _many_objects() -> AsyncIterator[bytes]:
    yield (
        _JSON
        + b'{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"more":['
        + b"{}," * (7 * MIB)
        + b"0]}"
    )


async def _bomb() -> AsyncIterator[bytes]:
    yield _ZIPPED + _BOMB


async def _huge_counts() -> AsyncIterator[bytes]:
    usage = '{"prompt_tokens":' + "9" * 400 + ',"completion_tokens":' + "9" * 18 + ',"cost":1e300}'
    yield _JSON + b'{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"usage":' + usage.encode() + b"}"


async def _refusal() -> AsyncIterator[bytes]:
    yield _JSON.replace(b"200 OK", b"403 Forbidden") + b"{}"


async def _tool_calls() -> AsyncIterator[bytes]:
    yield _STREAM
    yield b"".join(
        _chunk({"tool_calls": [{"id": f"c{n}", "function": {"name": f"f{n}", "arguments": "{}"}}]}) for n in range(5000)
    )
    yield END


_BOMB = gzip.compress(b'{"choices":[{"message":{"content":"' + b"a" * (300 * MIB) + b'"}}]}', 6)
ANSWERS: dict[str, Callable[[], AsyncIterator[bytes]]] = {
    "tiny-events": _tiny_events,
    "finish-reasons": _finish_reasons,
    "large-event": _large_event,
    "large-json": _large_json,
    "readable-json": _readable_json,
    "many-objects": _many_objects,
    "readable-objects": _readable_objects,
    "bomb": _bomb,
    "huge-counts": _huge_counts,
    "refusal": _refusal,
    "tool-calls": _tool_calls,
}


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        answer = ANSWERS.get(head.split(b" ")[1].decode().split("/")[1], _refusal)
        async for piece in answer():
            writer.write(piece)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_connection, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
