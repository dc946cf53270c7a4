"""Writes one call's answer, or its error, to the caller, and keeps in the journal what was sent."""

import sys
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.api import buffer_words
from gateway.api.error_answers import ErrorAnswer, answer_error, answer_failure, answer_internal
from gateway.api.outlet import CallerLeft, Header, Outlet
from gateway.api.pace import Pace
from gateway.api.responses import JSON, call_headers
from gateway.domain.attempt import OK
from gateway.domain.errors import AttemptBroken, GatewayError, UpstreamFailure
from gateway.recording.journal import Journal
from gateway.recording.telemetry import Telemetry
from gateway.relay.answer import Answer
from gateway.turns.tracker import Tracker
from switchboard.domain.trace import Status

EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(slots=True)
class AnswerWriter:
    """Writes to one caller. Every method but `buffer_words` raises CallerLeft where the connection is closed."""

    outlet: Outlet
    journal: Journal
    telemetry: Telemetry
    tracker: Tracker
    _pace: Pace | None = field(default=None, init=False)

    async def answer(self, answer: Answer) -> bool:
        """Pass an answer on; whether it was complete. One that was not is closed."""
        is_complete = False
        try:
            await self._begin(answer.content_type)
            has_end = await self._chunks(answer)
            await self.outlet.end()
            is_complete = has_end
        finally:
            if not is_complete:
                await answer.aclose(drain=False)
        return is_complete

    async def buffer_words(self, text: str) -> None:
        """Send buffer words, before there is an answer. They are no part of the answer that is kept."""
        with suppress(CallerLeft):  # the server reports the disconnect itself
            await self._begin(EVENT_STREAM)
            await self.outlet.write(buffer_words.chunk(self.journal.call, text))
            self.journal.buffered_ms = self.journal.elapsed_ms()

    async def refusal(self, error: GatewayError) -> None:
        """Send the error of a call without an answer."""
        await self.error(answer_error(error))

    async def internal_error(self) -> None:
        """Send the error of a call in which the gateway itself failed; the exception is being handled."""
        self.log_internal_error()
        internal = answer_internal()
        self.journal.end_attempts(internal.failure.code)
        await self.error(internal)

    async def error(self, error: ErrorAnswer) -> None:
        """Send an error: as a response of its own, or as the last event of a stream that has begun."""
        journal, error = self.journal, error.scrubbed(self.journal.scrubber)
        if self.outlet.has_begun:  # the status is sent, be it for buffer words alone
            return await self.outlet.end(self._error_event(error))
        self._note_ending(error)
        journal.http_status = error.failure.http_status
        journal.keep_sent(error.body)
        own = [("content-type", JSON), ("content-length", str(len(error.body)))]
        await self.outlet.begin(journal.http_status, [*own, *error.headers, *self._headers()])
        return await self.outlet.end(error.body)

    def log_internal_error(self) -> None:
        """Log that the gateway itself failed; the exception is being handled."""
        self.journal.scrubber.exception(sys.exception())
        self.telemetry.failed(self.journal.call.trace_id, self.journal.platform_ids)

    async def _begin(self, content_type: str) -> None:
        if not self.outlet.has_begun:
            await self.outlet.begin(200, [("content-type", content_type), *self._headers()])

    async def _chunks(self, answer: Answer) -> bool:
        """Pass the answer's bytes on; whether it had its end."""
        journal = self.journal
        is_unspoken = journal.answering is not None and journal.answering.failure is not None
        try:
            await self._pass(answer, is_unspoken=is_unspoken)
        except UpstreamFailure as failure:
            await self._break_stream(failure)
            return False
        except CallerLeft:
            raise
        except Exception:
            if journal.answering is None:
                raise
            self.log_internal_error()
            await self._break_stream(AttemptBroken(journal.answering.target))
            return False
        if journal.answering is not None:
            journal.answering.ended(OK)
        journal.ended(Status.EMPTY if is_unspoken else Status.OK)
        if self._pace is not None:
            self._pace.answer_ended()
        return True

    async def _pass(self, answer: Answer, *, is_unspoken: bool) -> None:
        """Send the answer's parts as they come."""
        journal, pace = self.journal, self._pace
        async for chunk in answer.chunks:
            journal.keep_sent(chunk)
            # Before the write: while it waits, the call must not count as one without content.
            if not is_unspoken:
                self.tracker.answer_started()
            if pace is not None:
                pace.part_came()
            await self.outlet.write(chunk)
            if pace is None and answer.stream is not None:
                pace = self._pace = Pace(journal, answer.stream)
            if pace is not None:
                pace.part_sent()

    async def _break_stream(self, failure: UpstreamFailure) -> None:
        """Send the error event of a stream that ends here."""
        if self._pace is not None:
            self._pace.wait_ended()
        if self.journal.answering is not None:
            self.journal.answering.failed(failure)
        await self.outlet.write(self._error_event(answer_failure(failure).scrubbed(self.journal.scrubber)))

    def _error_event(self, error: ErrorAnswer) -> bytes:
        self.journal.http_status = 200
        self._note_ending(error)
        event = error.event(self.journal.call.trace_id)
        self.journal.keep_sent(event)
        return event

    def _note_ending(self, error: ErrorAnswer) -> None:
        self.journal.ended(error.status, error.kept(self.journal.call.labels.capture))

    def _headers(self) -> list[Header]:
        call, journal = self.journal.call, self.journal
        timings = {"auth": call.auth_ms, "gateway": journal.gateway_ms}
        if journal.answering is not None and journal.answering.upstream_ttft_ms is not None:
            timings["upstream"] = journal.answering.upstream_ttft_ms
        elif not call.chat.streamed:
            timings["total"] = journal.elapsed_ms()
        return [
            *call_headers(call.trace_id, call.labels.task_id),
            ("server-timing", ", ".join(f"{name};dur={ms:.1f}" for name, ms in timings.items() if ms is not None)),
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
        ]
