"""One ASGI request and its response, which is sent while the application is still producing it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container, MutableMapping
from typing import Any

from response_streaming.prelude import prelude
from response_streaming.response_post import ResponsePost
from response_streaming.trailers import error_trailers

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Any, Receive, Send], Awaitable[None]]

# If the runtime has closed the response, the application may run until this long before the invocation's deadline.
_RESERVE_MS = 1_000

_log = logging.getLogger(__name__)


class ResponseMissing(RuntimeError):
    """The application returned, or was cancelled, without starting a response."""


class ResponseIncomplete(RuntimeError):
    """The application returned, or was cancelled, before the end of its response."""


class Exchange:
    """Runs an application in two steps: `begin`, up to its first message, and `relay`, to its end."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        scope: MutableMapping[str, Any],
        body: bytes,
        left_ms: Callable[[], int],
        excluded_headers: Container[str] = (),
    ) -> None:
        self._loop = loop
        self._scope = scope
        self._request: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._left_ms = left_ms
        self._excluded_headers = excluded_headers
        self._prelude = b""
        self._has_payload = True
        self._complete = False
        self._answering = asyncio.Event()
        self._relaying = asyncio.Event()
        self._over = asyncio.Event()  # the response is complete, or the runtime has closed it

    def begin(self, application: Application) -> None:
        """Run `application` up to its first message; raises what it raises before that, or `ResponseMissing`."""
        self._loop.run_until_complete(self._begin(application))

    def relay(self, post: ResponsePost) -> None:
        """Send the response through `post`, run the application to its end, and report its failures."""
        self._loop.run_until_complete(self._relay(post))
        post.close()

    async def _begin(self, application: Application) -> None:
        self._task = asyncio.ensure_future(application(self._scope, self._receive, self._send))
        await self._task_or(self._answering)
        if self._task.done():
            raise self._failure() or ResponseMissing(f"no answer to {self._scope['method']} {self._scope['path']}")

    async def _relay(self, post: ResponsePost) -> None:
        self._post = post
        try:
            post.open(self._over.set)
            await post.write(self._prelude)
        except OSError:
            self._over.set()
        self._relaying.set()
        await self._application_end()
        if self._over.is_set():
            if failure := self._task.done() and self._failure():
                _log.error("application.failed after=response", exc_info=failure)
        else:
            await self._end_with_error(
                self._failure() or ResponseIncomplete("the application left its response unfinished")
            )

    async def _application_end(self) -> None:
        await self._task_or(self._over)
        if self._complete:
            await asyncio.wait({self._task})
        elif not self._task.done():
            _log.warning("response.abandoned by=runtime")
            await asyncio.wait({self._task}, timeout=max(self._left_ms() - _RESERVE_MS, 0) / 1_000)
            if not self._task.done():
                _log.error("application.cancelled reason=deadline")
                self._task.cancel()
                await asyncio.wait({self._task}, timeout=_RESERVE_MS / 2_000)

    async def _end_with_error(self, failure: BaseException) -> None:
        _log.error("response.broken", exc_info=failure)
        try:
            async with asyncio.timeout(max(self._left_ms() - _RESERVE_MS, 0) / 1_000):
                await self._post.end(error_trailers(failure))
        except OSError:  # includes TimeoutError: the runtime no longer reads
            _log.warning("response.abandoned by=runtime")

    async def _task_or(self, event: asyncio.Event) -> None:
        waiter = asyncio.ensure_future(event.wait())
        await asyncio.wait({self._task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()

    def _failure(self) -> BaseException | None:
        if self._task.cancelled():
            return ResponseIncomplete("the application was cancelled")
        return self._task.exception()

    async def _receive(self) -> Message:
        if (request := self._request) is not None:
            self._request = None
            return request
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._prelude:
            self._has_payload = self._scope["method"] != "HEAD" and message["status"] not in (204, 304)
            self._prelude = prelude(message["status"], message.get("headers", ()), self._excluded_headers)
            self._answering.set()
            await self._relaying.wait()
        elif message["type"] == "http.response.body" and self._prelude and not self._complete:
            await self._relaying.wait()
            await self._send_body(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"unexpected ASGI message {message['type']!r}")

    async def _send_body(self, data: bytes, *, more: bool) -> None:
        if self._over.is_set():
            raise ConnectionResetError("the runtime no longer takes this response")
        try:
            if data and self._has_payload:  # an empty chunk would end the response
                await self._post.write(data)
            if not more:
                await self._post.end()
                self._complete = True
                self._over.set()
        except OSError:
            self._over.set()
            raise
