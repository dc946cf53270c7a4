"""The answer of a target as it is passed on, and the HTTP client as the relay sees it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.call import Target
from gateway.domain.errors import UpstreamFailure
from gateway.relay.slices import in_slices
from gateway.relay.stream import Stream

JSON = "application/json"
EVENT_STREAM = "text/event-stream; charset=utf-8"
DRAIN_S = 1.0
"""How long the rest of an answer is read so that its connection can be used again."""


class UpstreamResponse(Protocol):
    """A target's HTTP response as it comes."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises UpstreamFailure."""

    async def aclose(self) -> None:
        """Close the response, read or not."""


class Upstream(Protocol):
    """The HTTP client, as the relay sees it."""

    async def send(
        self, target: Target, body: bytes, headers: Mapping[str, str], request_sent: Callable[[], None]
    ) -> UpstreamResponse:
        """POST; call `request_sent` when the request is out; return at the response's headers.

        Raises UpstreamFailure.
        """


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that has begun well. Iterating over `chunks` may raise UpstreamFailure; `aclose` must be called.

    `response` and `source` are None where nothing is left of them. `stream`: what reads a streamed answer.
    """

    content_type: str
    chunks: AsyncIterator[bytes]
    response: UpstreamResponse | None = None
    source: AsyncIterator[bytes] | None = None
    stream: Stream | None = None

    @property
    def lacks_usage(self) -> bool:
        """Whether the stream has ended without usage, which a few providers send after the end marker."""
        return self.stream is not None and self.stream.is_done and self.stream.transcript.usage is None

    async def aclose(self, *, drain: bool) -> None:
        """End it. With `drain`, read on to the upstream's end first, so that its connection can serve the next turn."""
        try:
            if drain:
                await self._drain()
        finally:
            if self.response is not None:
                await self.response.aclose()

    async def _drain(self) -> None:
        # An upstream that does not end in time, or breaks, costs its connection and nothing else.
        if self.source is None:
            return
        with suppress(TimeoutError, UpstreamFailure):
            async with asyncio.timeout(DRAIN_S):
                async for chunk in self.source:
                    await self._read_usage(chunk)
            if self.stream is not None and self.lacks_usage:
                self.stream.finish()

    async def _read_usage(self, chunk: bytes) -> None:
        """Look for usage in what comes after the end marker."""
        async for part in in_slices(chunk):
            if self.stream is None or not self.lacks_usage:
                return
            self.stream.feed(part)


async def once(body: bytes) -> AsyncIterator[bytes]:
    """The whole answer as one piece."""
    yield body
