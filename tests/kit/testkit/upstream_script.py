"""The steps of a scripted upstream's answer, and the requests that it records."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

EVENT_STREAM: Mapping[str, str] = MappingProxyType({"content-type": "text/event-stream"})
PATIENCE_S = 5.0


class End(Enum):
    """How a script ends its connection early."""

    CLOSE = "an orderly end (FIN)"
    RESET = "a reset (RST)"
    HANG = "none: nothing is sent until the caller disconnects"


class Framing(Enum):
    """How the caller knows where the body ends."""

    CHUNKED = "chunked"
    LENGTH = "content-length"
    CLOSE = "the connection ends"


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes sent as they are, outside the framing: for example half a chunk header."""

    data: bytes


class Gate:
    """A point at which the script waits until the test opens it, from any thread or loop."""

    def __init__(self) -> None:
        self._opened: Future[None] = Future()
        self._reached: Future[None] = Future()

    def open(self) -> None:
        """Let every script continue, now and later."""
        if not self._opened.done():
            self._opened.set_result(None)

    async def reached(self) -> None:
        """Return once a script waits here; TimeoutError after five seconds."""
        await in_time(self._reached)

    async def pass_through(self) -> None:
        """Wait until the test opens the gate."""
        if not self._reached.done():
            self._reached.set_result(None)
        await asyncio.shield(asyncio.wrap_future(self._opened))


type Step = bytes | float | Raw | Gate | End
"""One chunk of the body, a pause in seconds, bytes outside the framing, a gate, or an early end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request: `before_headers`, then status and headers, then `steps`, then the end of the body.

    With `Framing.LENGTH` the length is that of all bytes in `steps` unless `headers` name another. After the whole
    answer the connection is kept, or ended as `then` says.
    """

    steps: Sequence[Step] = ()
    status: int = 200
    headers: Mapping[str, str] = EVENT_STREAM
    before_headers: Sequence[Step] = ()
    framing: Framing = Framing.CHUNKED
    then: End | None = None


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in one piece."""
    return Answer(
        steps=[json.dumps(body).encode()],
        status=status,
        headers={"content-type": "application/json", **(headers or {})},
        framing=Framing.LENGTH,
    )


@dataclass(slots=True)
class Request:
    """One request as received. Times are `time.monotonic()`; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    arrived_at: float
    sent_at: list[float] = field(default_factory=list)
    """When each chunk of the answer was sent."""
    _left: Future[float] = field(default_factory=Future, repr=False)

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def has_left(self) -> bool:
        """Whether the caller has closed its connection since."""
        return self._left.done()

    async def left(self) -> float:
        """When the caller closed its connection; TimeoutError after five seconds."""
        return await in_time(self._left)

    def note_left(self, moment: float) -> None:
        """The caller has closed its connection."""
        if not self._left.done():
            self._left.set_result(moment)


async def in_time[T](future: Future[T]) -> T:
    """The result of a future that another thread settles; TimeoutError after five seconds."""
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.shield(asyncio.wrap_future(future))
