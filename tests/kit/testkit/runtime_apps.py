"""Functions to run under the streaming layer: `raw` is a plain ASGI application, `framework` a FastAPI application.

Chunks that show time carry `time.monotonic_ns()`, taken just before they are sent.
"""

import asyncio
import gzip
import hashlib
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from mangum import Mangum
from starlette.background import BackgroundTask

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]


class Exploded(Exception):
    """What the applications raise."""


def report(name: str, **fields: Any) -> None:
    """Write one line to the sandbox's log; `testkit.runtime_recorded.reports` finds it there."""
    print(f"report {json.dumps({'name': name, 'at_ns': time.monotonic_ns(), **fields})}", flush=True)


def _number(scope: Message, name: str, default: int) -> int:
    return int(parse_qs(scope["query_string"].decode()).get(name, [str(default)])[0])


async def _start(send: Send, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def _body(send: Send, data: bytes = b"", *, more: bool = False) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def _tick(send: Send) -> None:
    await _body(send, b"%d\n" % time.monotonic_ns(), more=True)


async def _stream(scope: Message, _receive: Receive, send: Send) -> None:
    spinning = threading.Event()
    for _ in range(_number(scope, "threads", 0)):
        threading.Thread(target=_spin, args=(spinning,), daemon=True).start()
    await _start(send, headers=((b"content-type", b"text/event-stream"),))
    for _ in range(_number(scope, "count", 3)):
        await _tick(send)
        await asyncio.sleep(_number(scope, "every_ms", 20) / 1_000)
    spinning.set()
    await _body(send)
    report("streamed")


def _spin(stop: threading.Event) -> None:
    while not stop.is_set():
        hashlib.sha256(b"x" * 1_000_000).digest()
        sum(range(1_000))


async def _background(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    await _start(send)
    await _body(send, b"done")
    report("responded", then=(await receive())["type"])
    await asyncio.sleep(_number(scope, "for_ms", 200) / 1_000)
    report("background")


async def _raise_before(_scope: Message, _receive: Receive, _send: Send) -> None:
    raise Exploded("before the first message")


async def _raise_midway(scope: Message, _receive: Receive, send: Send) -> None:
    await _start(send)
    await _body(send, b"half", more=True)
    _raise_deep(_number(scope, "depth", 1), "é" * _number(scope, "length", 10))


def _raise_deep(depth: int, text: str) -> None:
    if depth > 1:
        _raise_deep(depth - 1, text) if depth % 2 else _raise_deeper(depth - 1, text)
    raise Exploded(text)


def _raise_deeper(depth: int, text: str) -> None:
    _raise_deep(depth, text)


async def _raise_after(_scope: Message, _receive: Receive, send: Send) -> None:
    await _start(send)
    await _body(send, b"whole")
    raise Exploded("after the response")


async def _silent(_scope: Message, _receive: Receive, _send: Send) -> None:
    return


async def _unfinished(_scope: Message, _receive: Receive, send: Send) -> None:
    await _start(send)
    await _body(send, b"part", more=True)


async def _echo(scope: Message, receive: Receive, send: Send) -> None:
    body = (await receive())["body"]
    facts = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "event": sorted(scope["aws.event"]),
        "request_id": scope["aws.context"].aws_request_id,
        "handler": os.environ["_HANDLER"],
    }
    await _start(send, headers=((b"content-type", b"application/json"),))
    await _body(send, json.dumps(facts).encode())


async def _large(scope: Message, _receive: Receive, send: Send) -> None:
    await _start(send)
    for _ in range(_number(scope, "chunks", 96)):
        await _body(send, b"x" * 65_536, more=True)
    await _body(send)


async def _binary(_scope: Message, _receive: Receive, send: Send) -> None:
    await _start(send, headers=((b"content-encoding", b"gzip"), (b"content-type", b"application/json")))
    await _body(send, gzip.compress(b'{"packed": true}', mtime=0))


async def _repeated(_scope: Message, _receive: Receive, send: Send) -> None:
    cookies = ((b"set-cookie", b"a=1; Path=/"), (b"Set-Cookie", b"b=2, or so"))
    await _start(send, 207, (*cookies, (b"vary", b"origin"), (b"Vary", b"accept"), (b"x-name", "é".encode("latin-1"))))
    await _body(send, b"ok")


async def _empty(scope: Message, _receive: Receive, send: Send) -> None:
    await _start(send, _number(scope, "status", 204))
    await _body(send, b"", more=True)
    await _body(send)


async def _slow(scope: Message, _receive: Receive, send: Send) -> None:
    await asyncio.sleep(_number(scope, "for_ms", 500) / 1_000)
    await _start(send)
    await _body(send, b"late")


async def _until_gone(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    await _start(send)
    leaving = asyncio.create_task(_report_disconnect(receive))
    try:
        while True:
            await _tick(send)
            await asyncio.sleep(_number(scope, "every_ms", 20) / 1_000)
    except OSError as error:
        report("refused", error=type(error).__name__)
    await leaving
    await asyncio.sleep(_number(scope, "for_ms", 100) / 1_000)
    report("drained")


async def _report_disconnect(receive: Receive) -> None:
    report("received", type=(await receive())["type"])


class _Sandbox:
    """State of the sandbox: a task started by the first invocation answers the questions of later ones."""

    answering: asyncio.Task[None] | None = None
    questions: asyncio.Queue[asyncio.Future[int]] = asyncio.Queue()
    answered = 0

    @classmethod
    async def answer(cls) -> None:
        while True:
            question = await cls.questions.get()
            cls.answered += 1
            question.set_result(cls.answered)


async def _count(_scope: Message, _receive: Receive, send: Send) -> None:
    _Sandbox.answering = _Sandbox.answering or asyncio.create_task(_Sandbox.answer())
    question: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    await _Sandbox.questions.put(question)
    count = await question
    await _start(send)
    await _body(send, b"%d" % count)


_ROUTES = {
    "/stream": _stream,
    "/background": _background,
    "/raise-before": _raise_before,
    "/raise-midway": _raise_midway,
    "/raise-after": _raise_after,
    "/silent": _silent,
    "/unfinished": _unfinished,
    "/echo": _echo,
    "/large": _large,
    "/binary": _binary,
    "/repeated": _repeated,
    "/empty": _empty,
    "/slow": _slow,
    "/until-gone": _until_gone,
    "/count": _count,
}


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Answer by path; each answer is one case."""
    await _ROUTES[scope["path"]](scope, receive, send)


raw = Mangum(application, lifespan="off")
with_lifespan = Mangum(application, lifespan="auto")


def plain(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """A handler that is not a Mangum instance."""
    return {"echo": event}


_api = FastAPI()


@_api.get("/stream")
async def stream() -> StreamingResponse:
    async def words() -> AsyncIterator[str]:
        for word in ("one ", "two ", "three"):
            yield word
            await asyncio.sleep(0.05)

    return StreamingResponse(words(), media_type="text/event-stream", background=BackgroundTask(report, "background"))


@_api.post("/upload")
async def upload(request: Request) -> dict[str, int]:
    return {"bytes": len(await request.body())}


@_api.get("/explode")
async def explode() -> None:
    raise Exploded("in a route")


framework = Mangum(_api, lifespan="off")
