import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from response_streaming.client import StreamingRuntimeClient
from response_streaming.exchange import Application, Exchange, ResponseMissing
from response_streaming.response_post import ResponsePost

START = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body", "body": b"end"}


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def exchange(loop: asyncio.AbstractEventLoop, left_ms: int = 5_000) -> Exchange:
    scope = {"method": "GET", "path": "/x"}
    return Exchange(loop, scope=scope, body=b"asked", left_ms=lambda: left_ms)


def relayed(loop: asyncio.AbstractEventLoop, application: Application) -> bytes:
    """Run `application` to its end against a listener, and return what it was sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = exchange(loop)
        running.begin(application)
        post = ResponsePost("{}:{}".format(*listener.getsockname()), "id-1")
        loop.run_until_complete(running._relay(post))
        peer, _ = listener.accept()
        with peer:
            received = peer.recv(1 << 16).partition(b"\r\n\r\n")[2]
            peer.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            post.close()
            return received


def test_an_asgi_message_in_the_wrong_order_is_refused(loop: asyncio.AbstractEventLoop) -> None:
    refused: list[str] = []

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        for message in (END, START, START, {"type": "websocket.accept"}, END, END):
            try:
                await send(message)
            except RuntimeError as error:
                refused.append(str(error))

    assert b"end\r\n0\r\n\r\n" in relayed(loop, application)
    assert [text.split("'")[1] for text in refused] == [
        "http.response.body",
        "http.response.start",
        "websocket.accept",
        "http.response.body",
    ]


def test_receive_returns_the_request_once_then_waits_for_the_end_of_the_response(
    loop: asyncio.AbstractEventLoop,
) -> None:
    seen: list[Any] = []

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        seen.append(await receive())
        waiting = asyncio.ensure_future(receive())
        await send(START)
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        seen.append(waiting.done())
        await send(END)
        seen.append(await waiting)

    relayed(loop, application)
    assert seen == [
        {"type": "http.request", "body": b"asked", "more_body": False},
        False,
        {"type": "http.disconnect"},
    ]


def test_an_empty_chunk_does_not_end_the_response(loop: asyncio.AbstractEventLoop) -> None:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await send(END)

    assert relayed(loop, application).endswith(b"\r\n3\r\nend\r\n0\r\n\r\n")


def test_an_application_that_cancels_itself_raises_a_runtime_error(
    loop: asyncio.AbstractEventLoop,
) -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="cancelled"):
        exchange(loop).begin(application)


def test_the_error_of_a_missing_response_names_the_request(loop: asyncio.AbstractEventLoop) -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        return

    with pytest.raises(ResponseMissing, match="GET /x"):
        exchange(loop).begin(application)


def test_an_unreachable_runtime_disconnects_the_application(loop: asyncio.AbstractEventLoop) -> None:
    failures: list[str] = []

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        try:
            await send(END)
        except OSError as error:
            failures.append(str(error))
        failures.append((await receive())["type"])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "{}:{}".format(*listener.getsockname())
    running = exchange(loop)
    running.begin(application)
    # Managed runtimes older than awslambdaric 4 give no invocation id.
    StreamingRuntimeClient(address).post_invocation_result("id-1", running, "application/json")
    assert failures == ["the runtime no longer takes this response", "http.disconnect"]


def test_a_broken_response_is_abandoned_when_the_runtime_does_not_read(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                while True:
                    await send({"type": "http.response.body", "body": b"x" * (1 << 20), "more_body": True})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # else the kernel takes it all, and waits itself
        running = exchange(loop, left_ms=1_100)
        running.begin(application)
        post = ResponsePost("{}:{}".format(*listener.getsockname()), "id-1")
        running.relay(post)
    assert caplog.messages[-1] == "response.abandoned by=runtime"
