"""What a hostile project's callers do: a function makes one call. As a process: one kind, again and again."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bench.fairness.gateway import HANGING_HOST, KEYS
from bench.fairness.provider import ANSWERS

READ_FOR_S = 4.0
AT_ONCE = 2
"""Hostile calls at the same time."""
PAUSE_S = 0.05
"""Between two of them: they are hostile by what they are, not by their number."""


@dataclass(frozen=True, slots=True)
class Places:
    """The ports of the gateway, of the hostile provider, and one where nothing listens."""

    gateway: int
    provider: int
    nothing: int


type Attack = Callable[[Places], Coroutine[Any, Any, None]]


def _answered(path: str, *, streamed: bool) -> Attack:
    async def call(places: Places) -> None:
        await _post(places, _body(stream=streamed), f"http://127.0.0.1:{places.provider}/{path}")

    return call


async def _dead_url(places: Places) -> None:
    await _post(places, _body(), f"http://127.0.0.1:{places.nothing}/v1")


async def _hanging_names(places: Places) -> None:
    await _post(places, _body(), f"https://{HANGING_HOST}/v1")


async def _many_messages(places: Places) -> None:
    await _post(places, b'{"model":"m","messages":[' + b"{}," * 1_900_000 + b"{}]}", _refused(places))


async def _many_fields(places: Places) -> None:
    await _post(places, _body(**{f"f{number}": 1 for number in range(30_000)}), _refused(places))


async def _long_name(places: Places) -> None:
    await _post(places, _body(**{"k" * 600_000: 1}), _refused(places))


async def _calls_of_one_id(places: Places) -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}} for _ in range(2000)]
    results = [{"role": "tool", "tool_call_id": "c", "content": "1"} for _ in range(2000)]
    body = _body([{"role": "assistant", "tool_calls": calls}, *results])
    await _post(places, body, _refused(places), "x-inference-provider: anthropic")


async def _deep_arguments(places: Places) -> None:
    arguments = '{"a":' + "[" * 400 + "]" * 400 + "}"
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    body = _body([{"role": "assistant", "tool_calls": [call]}])
    await _post(places, body, _refused(places), "x-inference-provider: anthropic")


async def _leaves_while_uploading(places: Places) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", places.gateway)
    writer.write(_head(5_000_000, _refused(places)) + b'{"model":"m","messages":[' + b" " * 1_000_000)
    await writer.drain()
    writer.close()


async def _reads_slowly(places: Places) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", places.gateway, limit=1024)
    body = _body()
    writer.write(_head(len(body), f"http://127.0.0.1:{places.provider}/tiny-events") + body)
    with suppress(TimeoutError):
        async with asyncio.timeout(READ_FOR_S):
            while await reader.read(64):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    writer.close()


ATTACKS: dict[str, Attack] = {
    "names that hang": _hanging_names,
    "a dead URL": _dead_url,
    "1.9 million messages": _many_messages,
    "30,000 unknown fields": _many_fields,
    "a field name of 600,000 characters": _long_name,
    "2,000 tool calls of one id": _calls_of_one_id,
    "arguments of 400 levels": _deep_arguments,
    "leaving while uploading": _leaves_while_uploading,
    "reading slowly": _reads_slowly,
    **{f"answered: {path} (streamed)": _answered(path, streamed=True) for path in ANSWERS},
    **{f"answered: {path} (whole)": _answered(path, streamed=False) for path in ANSWERS},
}


async def _attack(attack: Attack, places: Places) -> None:
    async def repeat() -> None:
        while True:
            await attack(places)
            await asyncio.sleep(PAUSE_S)

    await asyncio.gather(*(repeat() for _ in range(AT_ONCE)))


def _body(messages: object = None, **fields: object) -> bytes:
    asked = {"model": "m", "stream": True, "messages": messages or [{"role": "user", "content": "Hello?"}]}
    return json.dumps(asked | fields).encode()


def _refused(places: Places) -> str:
    return f"http://127.0.0.1:{places.provider}/refusal"


def _head(length: int, url: str, *headers: str) -> bytes:
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        "host: 127.0.0.1",
        "connection: close",
        f"authorization: Bearer {KEYS['hostile']}",
        f"x-inference-provider-url: {url}",
        "x-inference-provider-api-key: none",
        f"content-length: {length}",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _post(places: Places, body: bytes, url: str, *headers: str) -> None:
    """One call; its answer is read and forgotten."""
    reader, writer = await asyncio.open_connection("127.0.0.1", places.gateway)
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(READ_FOR_S):
            writer.write(_head(len(body), url, *headers) + body)
            while await reader.read(1 << 20):
                pass
    writer.close()


if __name__ == "__main__":
    asyncio.run(_attack(ATTACKS[sys.argv[1]], Places(*map(int, sys.argv[2:]))))
