"""One try at one target: the request, the wait for something worth passing on, and then the answer as it flows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, Protocol

from gateway.domain.call import Call, Target
from gateway.domain.codec import AnswerContext, Memory
from gateway.domain.errors import (
    EmptyCompletion,
    KeysUnavailable,
    ProviderKeyMissing,
    UpstreamCut,
    UpstreamFailure,
    UpstreamRejected,
    UpstreamReported,
)
from gateway.domain.secret import Secret, scrub
from gateway.providers import table
from gateway.providers.provider import Provider
from gateway.recording.journal import Journal, Try
from gateway.relay.flow import Flow
from gateway.relay.stream import Stream
from gateway.routing.plan import Plan
from gateway.upstream.keyring import Keyring, KeyringUnavailable

HTTP_OK = 200
MAX_ERROR_BYTES = 64 * 1024
ERROR_BODY_S = 0.5
"""How long an error's body is read. It comes with its status or is of no use: the next target waits for it."""

MAX_SAID_CHARACTERS = 1000
DRAIN_S = 1.0
EVENT_LINES = (b"data:", b"event:", b"id:", b":")


class UpstreamResponse(Protocol):
    """A target's answer as it comes."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises UpstreamFailure."""

    async def aclose(self) -> None:
        """End the answer, read or not."""


class Upstream(Protocol):
    """What sends a request to a target."""

    async def send(
        self, target: Target, body: bytes, headers: Mapping[str, str], waiting: Callable[[], None]
    ) -> UpstreamResponse:
        """POST; call `waiting` when the request is out; return at the answer's headers. Raises UpstreamFailure."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that has begun well. Iterating may raise UpstreamFailure; `aclose` must be called."""

    content_type: str
    chunks: AsyncIterator[bytes]
    response: UpstreamResponse
    source: AsyncIterator[bytes]

    async def aclose(self, *, drain: bool) -> None:
        """End it. With `drain`, read on to the upstream's end first, so that its connection can serve the next turn."""
        try:
            if drain:
                await self._drain()
        finally:
            await self.response.aclose()

    async def _drain(self) -> None:
        # An upstream that does not end in time, or breaks, costs its connection and nothing else.
        with suppress(TimeoutError, UpstreamFailure):
            async with asyncio.timeout(DRAIN_S):
                async for _ in self.source:
                    continue


@dataclass(frozen=True, slots=True)
class Attempts:
    """Makes tries: what all of them need."""

    upstream: Upstream
    keyring: Keyring
    memory: Memory

    async def begin(self, plan: Plan, journal: Journal, notes: Try, waiting: Callable[[], None]) -> Answer:
        """Send a call to the target of `notes` and wait until its answer is worth passing on.

        `waiting` is called when the request is out. Raises UpstreamFailure, ProviderKeyMissing or KeysUnavailable.
        """
        key = await self._key(notes.target)
        provider = table.by_dialect(notes.target.dialect)
        attempt = _Attempt(self.upstream, self.memory, provider, plan, journal, notes, journal.secrets_with(key))
        return await attempt.begin(key, waiting)

    async def _key(self, target: Target) -> Secret | None:
        if not target.uses_stored_key:
            return target.key
        try:
            stored = await self.keyring.find(target.provider)
        except KeyringUnavailable as unavailable:
            raise KeysUnavailable(
                f"The key stored for {target.provider} cannot be read at the moment. Try again."
            ) from unavailable
        if stored is None:
            raise ProviderKeyMissing(
                f"No key is stored for {target.provider}: send x-inference-provider-api-key (for a fallback, "
                f"x-inference-key-{target.provider}), or store one.",
                param="x-inference-provider-api-key",
            )
        return stored


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try. What it learns it notes in `notes`; the journal is the call's, shared with other tries."""

    upstream: Upstream
    memory: Memory
    provider: Provider
    plan: Plan
    journal: Journal
    notes: Try
    secrets: tuple[Secret, ...]

    async def begin(self, key: Secret | None, waiting: Callable[[], None]) -> Answer:
        """Send the request and wait until the answer is worth passing on. Raises UpstreamFailure."""

        def sent() -> None:
            self.notes.sent_ms = self.journal.elapsed_ms()
            waiting()

        body, changes = self.provider.encode(self.journal.call.chat, self.notes.target.model, self.memory)
        self.notes.changes.extend(changes)
        self.journal.sending(self.notes)
        response = await self.upstream.send(self.notes.target, body, _headers(self.provider, key), sent)
        self.notes.upstream_status = response.status
        read = self._read_of(response)
        try:
            return await read(response)
        except BaseException:
            await response.aclose()
            raise

    def _read_of(self, response: UpstreamResponse) -> Callable[[UpstreamResponse], Awaitable[Answer]]:
        if response.status != HTTP_OK:
            return self._reject
        return self._stream if self.journal.call.chat.streamed else self._whole

    async def _stream(self, response: UpstreamResponse) -> Answer:
        reader = self.provider.reader_of(self._asked())
        stream = Stream(
            reader,
            self.notes.transcript,
            self.journal.call.chat.wants_usage,
            self.notes.changes,
            _choices(self.journal.call),
        )
        source = response.chunks()
        flow = Flow(stream, source, self.plan, self.journal, self.notes, self._scrub)
        return Answer("text/event-stream; charset=utf-8", await flow.begin(), response, source)

    async def _whole(self, response: UpstreamResponse) -> Answer:
        source = response.chunks()
        body = b"".join([chunk async for chunk in source])
        whole = self.provider.whole_of(body, self._asked())
        self.notes.changes.extend(whole.notes)
        if whole.delta.error is not None:
            raise UpstreamReported(self.notes.target, self._scrub(whole.delta.error.message))
        self.notes.transcript.add(whole.delta)
        if not whole.delta.is_useful:
            raise self._nothing(body)
        return Answer(response.headers.get("content-type", "application/json"), _once(whole.raw), response, source)

    def _nothing(self, body: bytes) -> EmptyCompletion:
        if body.lstrip().startswith(EVENT_LINES):
            said = "answered with a stream where one JSON document was asked"
            return EmptyCompletion(self.notes.target, said, may_repeat=False)
        return EmptyCompletion(self.notes.target)

    async def _reject(self, response: UpstreamResponse) -> NoReturn:
        body, cut = bytearray(), ""
        try:
            async with asyncio.timeout(ERROR_BODY_S):
                async for chunk in response.chunks():
                    body += chunk
                    if len(body) > MAX_ERROR_BYTES:
                        break
        except (UpstreamCut, TimeoutError):
            cut = " (cut off)"
        said = self._scrub(self.provider.read_error(bytes(body)).message) + cut
        raise UpstreamRejected(self.notes.target, response.status, said, response.headers.get("retry-after"))

    def _asked(self) -> AnswerContext:
        call, clock = self.journal.call, self.journal.clock
        return AnswerContext(
            model=self.notes.target.model,
            answer_id=call.trace_id.replace("-", ""),
            created_s=int(clock.now().timestamp()),
            wants_usage=call.chat.wants_usage,
            memory=self.memory,
        )

    def _scrub(self, text: str) -> str:
        return scrub(text, self.secrets)[:MAX_SAID_CHARACTERS]


def _headers(provider: Provider, key: Secret | None) -> dict[str, str]:
    return dict(provider.headers) | (provider.key_headers(key.reveal()) if key is not None else {})


def _choices(call: Call) -> int:
    """How many choices the call asks for."""
    wanted = call.chat.others.get("n")
    return wanted if isinstance(wanted, int) else 1


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
