"""One streamed answer on its way: held up to its first word, then passed on as it comes, to its end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from gateway.errors import AnswerLate, EmptyCompletion, UpstreamCut, UpstreamReported
from gateway.journal import Journal, Try
from gateway.plan import Plan
from gateway.stream import Stream
from switchboard.sse import EventTooLong


@dataclass(frozen=True, slots=True)
class Flow:
    """An answer's stream, its source, and what is noted of it. `scrub` takes the call's secrets out of a text."""

    stream: Stream
    source: AsyncIterator[bytes]
    plan: Plan
    journal: Journal
    notes: Try
    scrub: Callable[[str], str]

    async def hold(self) -> bytes:
        """Read up to the first content or tool delta; what came until then. Raises UpstreamFailure."""
        held, stream = bytearray(), self.stream
        async for chunk in self.source:
            held += self._feed(chunk)
            if stream.transcript.is_useful or stream.is_over:
                break
        else:
            held += stream.finish()
        if stream.transcript.is_useful:
            self.notes.ttft_ms = self.journal.elapsed_ms()
            return bytes(held)
        raise self._reported() or EmptyCompletion(self.notes.target, "the answer holds nothing to speak or act on")

    async def rest(self, held: bytes) -> AsyncIterator[bytes]:
        """The held bytes, then the rest as it comes. Raises UpstreamFailure."""
        yield held
        stream = self.stream
        said, since_ms = stream.deltas, self.journal.elapsed_ms()
        while not stream.is_over:
            if stream.deltas != said:  # keep-alives alone are silence
                said, since_ms = stream.deltas, self.journal.elapsed_ms()
            chunk = await self._next(since_ms)
            passed = stream.finish() if chunk is None else self._feed(chunk)
            if passed:
                yield passed
            if chunk is None:
                break
        if (reported := self._reported()) is not None:
            raise reported
        if not stream.is_complete:
            raise UpstreamCut(self.notes.target, "the answer ended before it was complete")

    async def _next(self, since_ms: float) -> bytes | None:
        """What comes next, None at the end. `since_ms`: when the answer last said something. Raises UpstreamFailure."""
        now_ms = self.journal.elapsed_ms()
        left_ms = self.plan.call_timeout_ms - now_ms
        try:
            async with asyncio.timeout(min(since_ms + self.plan.stall_ms - now_ms, left_ms) / 1000):
                return await anext(self.source, None)
        except TimeoutError:
            raise self._late(left_ms) from None

    def _feed(self, chunk: bytes) -> bytes:
        try:
            return self.stream.feed(chunk)
        except EventTooLong:
            raise UpstreamCut(self.notes.target, "an event of the answer has no end") from None

    def _late(self, left_ms: float) -> AnswerLate:
        plan = self.plan
        if left_ms > plan.stall_ms:
            return AnswerLate(self.notes.target, f"the answer stalled for {plan.stall_ms} ms")
        return AnswerLate(self.notes.target, f"the answer was not complete within {plan.call_timeout_ms} ms")

    def _reported(self) -> UpstreamReported | None:
        if self.stream.error is None:
            return None
        return UpstreamReported(self.notes.target, self.scrub(self.stream.error.message))
