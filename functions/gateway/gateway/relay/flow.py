"""One streamed answer: held until its first content, then passed on as it comes, to its end."""

from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass

from gateway.domain.attempt import Attempt
from gateway.domain.errors import AnswerLate, AnswerTooLarge, EmptyCompletion, UpstreamCut
from gateway.domain.large import read_beside_the_loop
from gateway.recording.journal import Journal
from gateway.relay.reported import reported
from gateway.relay.slices import SLICE_BYTES, in_slices
from gateway.relay.stream import DocumentTooLarge, Stream
from gateway.relay.unspoken import unspoken
from gateway.relay.waits import Waits
from gateway.relay.wrong_url import page_instead
from gateway.routing.plan import Plan
from switchboard.domain.limits import MAX_HELD_BYTES
from switchboard.domain.notes import add_note

FINISH_GRACE_MS = 2000
"""How long a finished answer waits for its end marker. Providers send it right after the finish reason. The caller has
the whole text by then, but its turn ends only with the marker."""
MARKED_END_GRACE_MS = 1000
"""How long usage is waited for after the end marker, by a caller that asked for it."""
USAGE_GRACE_MS = 10_000
"""How long it waits where its usage has not come either: without usage the call's cost is an estimate."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Times the reads of an answer's stream. `scrub` removes the call's secrets from a text."""

    stream: Stream
    source: AsyncIterator[bytes]
    plan: Plan
    journal: Journal
    attempt: Attempt
    scrub: Callable[[str], str]

    async def begin(self) -> AsyncIterator[bytes]:
        """Read up to the first content or tool delta; returns all bytes for the caller, the held ones first.

        Raises UpstreamFailure; so does the returned iterator when the rest of the answer fails.
        """
        held, passed, is_whole = bytearray(), self._pass(), True
        async for some in passed:
            is_useful = self.stream.transcript.is_useful
            if is_useful or len(held) + len(some) <= MAX_HELD_BYTES:
                held += some
            else:
                is_whole = False
            if is_useful:
                break
        self._check_error()
        if self.stream.page:
            raise page_instead(self.attempt.target, self.attempt.upstream_status or 0, self.stream.page, self.scrub)
        if not is_whole:
            add_note(self.attempt.notes, "left out reasoning: too much of it came before the first content")
        if not self.stream.transcript.is_useful:
            raise self._empty(bytes(held) if is_whole else b"")
        if self.stream.is_over:
            self._check_end()
        self.attempt.content_started()
        return self._all(bytes(held), passed)

    async def _all(self, held: bytes, passed: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        yield held
        async for some in passed:
            if some:
                yield some
        self._check_error()
        self._check_end()

    async def _pass(self) -> AsyncIterator[bytes]:
        """The bytes for the caller of each read, to the end. Raises UpstreamFailure."""
        stream, seen, since_ms, unread = self.stream, 0, 0.0, 0
        try:
            with closing(Waits()) as waits:
                while not stream.is_over:
                    now_ms = self.journal.elapsed_ms()
                    if stream.progress != seen:  # keep-alives and empty chunks are silence
                        seen, since_ms, unread = stream.progress, now_ms, 0
                    chunk = await self._next(waits, since_ms, now_ms)
                    unread += len(chunk or b"")
                    if chunk is None:
                        # What has led to nothing yet may be a document, which is read now.
                        yield await read_beside_the_loop(unread, stream.finish)
                    elif len(chunk) <= SLICE_BYTES:
                        yield stream.feed(chunk)
                    else:
                        async for part in in_slices(chunk):
                            yield stream.feed(part)
                            if stream.error is not None:
                                break
        except DocumentTooLarge as large:
            raise AnswerTooLarge(self.attempt.target, f"the answer has more than {large}") from None

    async def _next(self, waits: Waits, since_ms: float, now_ms: float) -> bytes | None:
        """The next read, None at the end. `since_ms`: when the last chunk with content came. Raises UpstreamFailure."""
        plan, is_finished = self.plan, self.stream.is_finished or self.stream.is_done
        if not (is_finished or self.stream.transcript.is_useful):  # until the first content the race watches the clock
            return await anext(self.source, None)
        stalls_ms = since_ms + (min(plan.stall_ms, self._grace_ms()) if is_finished else plan.stall_ms)
        left_ms = min(stalls_ms, plan.call_timeout_ms) - now_ms
        try:
            return await waits.next_of(self.source, left_ms / 1000)
        except (TimeoutError, UpstreamCut) as failed:
            if is_finished:  # nothing that the caller waits for is missing
                if not self.stream.is_done:
                    add_note(self.attempt.notes, "the provider did not end its answer")
                return None
            if isinstance(failed, UpstreamCut):
                raise
            raise self._late(is_stall=stalls_ms <= plan.call_timeout_ms) from None

    def _grace_ms(self) -> int:
        if self.stream.is_done:
            return MARKED_END_GRACE_MS
        return USAGE_GRACE_MS if self.stream.transcript.usage is None else FINISH_GRACE_MS

    def _late(self, *, is_stall: bool) -> AnswerLate:
        stall, late = f"stalled for {self.plan.stall_ms} ms", f"was not complete within {self.plan.call_timeout_ms} ms"
        return AnswerLate(self.attempt.target, f"the answer {stall if is_stall else late}", blames_target=is_stall)

    def _empty(self, raw: bytes) -> EmptyCompletion:
        if self.stream.is_unspoken and self.stream.is_complete:
            return unspoken(self.attempt, raw)
        if self.stream.is_document:
            instead = "answered with one JSON document where a stream was asked"
            return EmptyCompletion(self.attempt.target, instead, may_repeat=False)
        return EmptyCompletion(self.attempt.target)

    def _check_error(self) -> None:
        if self.stream.error is not None:
            raise reported(self.attempt.target, self.stream.error, self.scrub)

    def _check_end(self) -> None:
        if not self.stream.is_complete:
            raise UpstreamCut(self.attempt.target, "the answer ended before it was complete")
