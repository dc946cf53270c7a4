"""One exchange with a provider: the request, the wait for content, and then the answer as it comes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from gateway.domain.attempt import Attempt
from gateway.domain.call import Call, Target
from gateway.domain.clock import Clock
from gateway.domain.codec import AnswerContext, Memory, WholeAnswer
from gateway.domain.cut_text import beginning
from gateway.domain.error_names import error_names
from gateway.domain.errors import (
    AnswerTooLarge,
    AnswerUnreadable,
    EmptyCompletion,
    KeysUnavailable,
    ProviderKeyMissing,
    UpstreamCut,
)
from gateway.domain.large import LARGE_FROM_BYTES, is_large, read_beside_the_loop
from gateway.domain.reports import UpstreamRejected
from gateway.domain.secret import Secret, secrets_in
from gateway.providers import table
from gateway.providers.chat_completions.signature_memory import SignatureMemory
from gateway.providers.provider import Provider
from gateway.recording.journal import Journal
from gateway.relay.answer import EVENT_STREAM, JSON, Answer, Upstream, UpstreamResponse, once
from gateway.relay.conversion import TO_DOCUMENT, document_of
from gateway.relay.flow import Flow
from gateway.relay.healing import Healing
from gateway.relay.refused_fields import RefusedFields
from gateway.relay.reported import reported
from gateway.relay.retry_after import asked_pause_ms, told_pause_ms
from gateway.relay.slices import in_slices
from gateway.relay.stream import Stream
from gateway.relay.unspoken import unspoken
from gateway.relay.whole_body import read_body
from gateway.relay.wrong_url import STATUSES, WRONG_URL, is_page, page_instead, page_text, redirect_text
from gateway.routing.plan import Plan
from gateway.upstream.keyring import Keyring, KeyringUnavailable
from switchboard.domain.limits import MAX_ANSWER_BYTES, MAX_ERROR_BYTES, MAX_ERROR_CHARACTERS
from switchboard.domain.notes import add_notes
from switchboard.stream.deltas import UNSPOKEN_REASONS, Delta, read_completion
from switchboard.stream.provider_errors import InBandError
from switchboard.stream.transcript import Transcript

HTTP_OK = 200
HTTP_REDIRECTS_FROM = 300
HTTP_ERRORS_FROM = 400
ERROR_BODY_S = 0.5
"""How long an error's body is read: the next target waits for it."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends attempts to their targets: what every exchange with a provider needs."""

    upstream: Upstream
    keyring: Keyring
    memory: SignatureMemory
    refused: RefusedFields = field(default_factory=lambda: RefusedFields(Clock()))
    max_answer_bytes: int = MAX_ANSWER_BYTES

    async def send(self, plan: Plan, journal: Journal, attempt: Attempt, request_sent: Callable[[], None]) -> Answer:
        """Send a call to the attempt's target and wait until its answer is worth passing on.

        Calls `request_sent` when the request is out. Raises UpstreamFailure, ProviderKeyMissing or KeysUnavailable.
        """
        key = await self._key(attempt.target)
        provider = table.by_dialect(attempt.target.dialect)
        memory = self.memory.of(journal.call.caller.project, journal.call.labels.conversation, attempt.target)
        journal.secrets_with(*([] if key is None else [key]), *secrets_in(attempt.target.url))
        exchange = _Exchange(provider, memory, plan, journal, attempt, self.max_answer_bytes)

        def sent() -> None:
            attempt.request_sent()
            request_sent()

        async def post(body: bytes) -> Answer:
            response = await self.upstream.send(attempt.target, body, _headers(provider, attempt.target, key), sent)
            attempt.response_started(response.status, response.headers)
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
    max_answer_bytes: int

    async def read(self, response: UpstreamResponse) -> Answer:
        """Wait until the answer is worth passing on. Raises UpstreamFailure."""
        try:
            if not HTTP_OK <= response.status < HTTP_REDIRECTS_FROM:
                await self._reject(response)
            return await (self._stream(response) if self.journal.call.chat.streamed else self._whole(response))
        except BaseException:
            await response.aclose()
            raise

    async def _stream(self, response: UpstreamResponse) -> Answer:
        attempt, chat = self.attempt, self.journal.call.chat
        reader = self.provider.make_reader(self._context())
        stream = Stream(
            reader,
            attempt.transcript,
            chat.wants_usage,
            attempt.notes,
            _choices(self.journal.call),
            read_document=lambda body: self.provider.read_answer(body, self._context()),
            max_document_bytes=self.max_answer_bytes,
            read_error=self.provider.read_error,
        )
        source = response.chunks()
        flow = Flow(stream, source, self.plan, self.journal, attempt, self._scrub)
        return Answer(EVENT_STREAM, await flow.begin(), response, source, stream)

    async def _whole(self, response: UpstreamResponse) -> Answer:
        source = response.chunks()
        body = await read_body(source, self.attempt.target, self.max_answer_bytes)
        is_stream, content = body.is_stream, body.content
        if is_page(content):
            raise page_instead(self.attempt.target, response.status, content, self._scrub)
        whole = await (self._folded(content) if is_stream else self._read_whole(content))
        add_notes(self.attempt.notes, whole.notes)
        if (error := whole.delta.error) is not None:
            raise reported(self.attempt.target, error, self._scrub)
        self.attempt.transcript.add(whole.delta)
        if not whole.delta.is_useful:
            raise self._empty(whole.raw, is_stream=is_stream)
        return Answer(JSON, once(whole.raw), response, source)

    async def _read_whole(self, content: bytes) -> WholeAnswer:
        """A document; a large one is read beside the loop."""
        context = self._context()
        size = LARGE_FROM_BYTES if is_large(content) else len(content)
        return await read_beside_the_loop(size, lambda: self.provider.read_answer(content, context))

    async def _folded(self, body: bytes) -> WholeAnswer:
        """A stream where one document was asked, as that document. Raises UpstreamCut or AnswerTooLarge."""
        context, notes = self._context(), list[str]()
        stream = Stream(self.provider.make_reader(context), Transcript(), False, notes, _choices(self.journal.call))
        async for part in in_slices(body):
            stream.feed(part)
        stream.finish()
        if stream.transcript.is_cut:
            raise AnswerTooLarge(
                self.attempt.target, "the answer has more text than is kept to make one document of it"
            )
        if stream.error is not None or not stream.transcript.choices:
            return WholeAnswer(b"", Delta(error=stream.error, usage=stream.transcript.usage))
        if not stream.is_complete:
            self.attempt.transcript.add(Delta(usage=stream.transcript.usage))
            raise UpstreamCut(self.attempt.target, "the answer ended before it was complete")
        raw = document_of(stream.transcript, context)
        return WholeAnswer(raw, read_completion(raw), (TO_DOCUMENT, *notes))

    def _empty(self, raw: bytes, *, is_stream: bool) -> EmptyCompletion:
        if self.attempt.transcript.finish_reason in UNSPOKEN_REASONS:
            return unspoken(self.attempt, raw)
        if is_stream:
            instead = "answered with a stream where one JSON document was asked"
            return EmptyCompletion(self.attempt.target, instead, may_repeat=False)
        return EmptyCompletion(self.attempt.target)

    async def _reject(self, response: UpstreamResponse) -> NoReturn:
        body, is_cut, unread = bytearray(), False, ""
        try:
            async with asyncio.timeout(ERROR_BODY_S):
                async for chunk in response.chunks():
                    body += chunk
                    if is_cut := len(body) > MAX_ERROR_BYTES:
                        break
        except (UpstreamCut, TimeoutError):
            is_cut = True
        except AnswerUnreadable as unreadable:
            unread = f" ({unreadable.message})"
        error, remark = self._read_error(response, bytes(body))
        asked_ms = asked_pause_ms(response.headers, self.journal.clock.now())
        raise UpstreamRejected(
            self.attempt.target,
            response.status,
            self._scrub(error.message, is_cut=is_cut or bool(unread)) + (" (cut off)" if is_cut else unread),
            told_pause_ms(bytes(body)) if asked_ms is None else asked_ms,
            remark=remark,
            names=error_names(error, self._scrub),
            body=bytes(body),
        )

    def _read_error(self, response: UpstreamResponse, body: bytes) -> tuple[InBandError, str]:
        """The error of a response, and what else is to be said of it."""
        if response.status < HTTP_ERRORS_FROM:
            return InBandError(redirect_text(response.headers.get("location"), self.attempt.target.url)), WRONG_URL
        if not is_page(body):
            return self.provider.read_error(body), ""
        remark = WRONG_URL if response.status in STATUSES else ""
        return InBandError(": ".join(filter(None, (page_text(body), remark)))), remark

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

    def _scrub(self, text: str, *, is_cut: bool = False) -> str:
        return beginning(self.journal.scrubber.text(text, is_cut=is_cut), MAX_ERROR_CHARACTERS)


def _headers(provider: Provider, target: Target, key: Secret | None) -> dict[str, str]:
    callers = {name: value.reveal() for name, value in target.headers.items()}
    return callers | dict(provider.headers) | (provider.key_headers(key.reveal()) if key is not None else {})


def _choices(call: Call) -> int:
    """How many choices the call asks for."""
    wanted = call.chat.others.get("n")
    return wanted if isinstance(wanted, int) else 1
