"""One exchange with a provider: the request, the wait for content, and then the answer as it comes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from gateway.domain.attempt import Attempt
from gateway.domain.call import Call, Target
from gateway.domain.clock import Clock
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
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.providers.provider import Provider
from gateway.recording.journal import Journal
from gateway.relay.flow import Flow
from gateway.relay.healing import Healing
from gateway.relay.refused_fields import RefusedFields
from gateway.relay.stream import Stream
from gateway.routing.plan import Plan
from gateway.upstream.keyring import Keyring, KeyringUnavailable

HTTP_OK = 200
MAX_ERROR_BYTES = 64 * 1024
ERROR_BODY_S = 0.5
"""How long an error's body is read: the next target waits for it."""

MAX_ERROR_CHARACTERS = 1000
DRAIN_S = 1.0
EVENT_LINES = (b"data:", b"event:", b"id:", b":")


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
    """An answer that has begun well. Iterating over `chunks` may raise UpstreamFailure; `aclose` must be called."""

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
class Sender:
    """Sends attempts to their targets: what every exchange with a provider needs."""

    upstream: Upstream
    keyring: Keyring
    memory: SignatureMemory
    refused: RefusedFields = field(default_factory=lambda: RefusedFields(Clock()))

    async def send(self, plan: Plan, journal: Journal, attempt: Attempt, request_sent: Callable[[], None]) -> Answer:
        """Send a call to the attempt's target and wait until its answer is worth passing on.

        Calls `request_sent` when the request is out. Raises UpstreamFailure, ProviderKeyMissing or KeysUnavailable.
        """
        key = await self._key(attempt.target)
        provider = table.by_dialect(attempt.target.dialect)
        memory = self.memory.of(journal.call.caller.project, journal.call.labels.conversation, attempt.target)
        exchange = _Exchange(provider, memory, plan, journal, attempt, journal.secrets_with(key))

        def sent() -> None:
            attempt.request_sent()
            request_sent()

        async def post(body: bytes) -> Answer:
            response = await self.upstream.send(attempt.target, body, _headers(provider, attempt.target, key), sent)
            attempt.response_started(response.status)
            return await exchange.read(response)

        healing = Healing(self.refused, provider, memory, journal.call, attempt, post)
        return await healing.send(lambda: journal.request_ready(attempt))

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
class _Exchange:
    """The provider's response to one attempt: an answer, or the reason why there is none."""

    provider: Provider
    memory: Memory
    plan: Plan
    journal: Journal
    attempt: Attempt
    secrets: tuple[Secret, ...]

    async def read(self, response: UpstreamResponse) -> Answer:
        """Wait until the answer is worth passing on. Raises UpstreamFailure."""
        try:
            if response.status != HTTP_OK:
                await self._reject(response)
            return await (self._stream(response) if self.journal.call.chat.streamed else self._whole(response))
        except BaseException:
            await response.aclose()
            raise

    async def _stream(self, response: UpstreamResponse) -> Answer:
        attempt, chat = self.attempt, self.journal.call.chat
        reader = self.provider.make_reader(self._context())
        stream = Stream(reader, attempt.transcript, chat.wants_usage, attempt.notes, _choices(self.journal.call))
        source = response.chunks()
        flow = Flow(stream, source, self.plan, self.journal, attempt, self._scrub)
        return Answer("text/event-stream; charset=utf-8", await flow.begin(), response, source)

    async def _whole(self, response: UpstreamResponse) -> Answer:
        source = response.chunks()
        body = b"".join([chunk async for chunk in source])
        whole = self.provider.read_answer(body, self._context())
        self.attempt.notes.extend(whole.notes)
        if whole.delta.error is not None:
            raise UpstreamReported(self.attempt.target, self._scrub(whole.delta.error.message))
        self.attempt.transcript.add(whole.delta)
        if not whole.delta.is_useful:
            raise self._empty(body)
        return Answer(response.headers.get("content-type", "application/json"), _once(whole.raw), response, source)

    def _empty(self, body: bytes) -> EmptyCompletion:
        if body.lstrip().startswith(EVENT_LINES):
            instead = "answered with a stream where one JSON document was asked"
            return EmptyCompletion(self.attempt.target, instead, may_repeat=False)
        return EmptyCompletion(self.attempt.target)

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
        text = self._scrub(self.provider.read_error(bytes(body)).message) + cut
        retry_after = response.headers.get("retry-after")
        raise UpstreamRejected(self.attempt.target, response.status, text, retry_after, body=bytes(body))

    def _context(self) -> AnswerContext:
        call, clock = self.journal.call, self.journal.clock
        return AnswerContext(
            model=self.attempt.target.model,
            answer_id=call.trace_id.replace("-", ""),
            created_s=int(clock.now().timestamp()),
            wants_usage=call.chat.wants_usage,
            memory=self.memory,
            terms=self.provider.callers_terms(call.chat),
            messages=call.chat.messages,
        )

    def _scrub(self, text: str) -> str:
        return scrub(text, self.secrets)[:MAX_ERROR_CHARACTERS]


def _headers(provider: Provider, target: Target, key: Secret | None) -> dict[str, str]:
    callers = {name: value.reveal() for name, value in target.headers.items()}
    return callers | dict(provider.headers) | (provider.key_headers(key.reveal()) if key is not None else {})


def _choices(call: Call) -> int:
    """How many choices the call asks for."""
    wanted = call.chat.others.get("n")
    return wanted if isinstance(wanted, int) else 1


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
