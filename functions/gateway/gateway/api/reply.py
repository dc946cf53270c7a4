"""The reply to one call, as an ASGI application: runs the call, ends it early where it must, and records it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.api.answer_writer import AnswerWriter
from gateway.api.endings import CLIENT_CLOSED, SEND_FAILED, UNREAD_S, Ending, ending_of
from gateway.api.error_answers import answer_stopped
from gateway.api.outlet import CallerLeft, Outlet
from gateway.api.paths import Receive, Scope, Send
from gateway.domain.errors import GatewayError
from gateway.recording.journal import Journal
from gateway.recording.recorder import Recorder
from gateway.recording.telemetry import Telemetry
from gateway.relay.answer import Answer
from gateway.relay.race import Hooks
from gateway.relay.relay import Relay
from gateway.routing.plan import Plan
from gateway.turns.tracker import NO_TURN, Tracker
from switchboard.domain.trace import Status


@dataclass(slots=True)
class Reply:
    """Answers one call and records it.

    Where the caller leaves or the conversation goes on without this call, the provider's answer is cancelled at once.
    """

    journal: Journal
    plan: Plan
    relay: Relay
    recorder: Recorder
    telemetry: Telemetry
    tracker: Tracker = NO_TURN
    _writer: AnswerWriter = field(init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        self._writer = AnswerWriter(Outlet(send), self.journal, self.telemetry, self.tracker)
        leaving = asyncio.create_task(_disconnect(receive))
        answer: Answer | None = None
        try:
            answer = await self._reply(leaving)
        finally:
            # The record is written whatever was raised, by the connection or by a cancellation.
            leaving.cancel()
            self.journal.duration_ms = self.journal.elapsed_ms()
            await self._conclude(answer)

    async def _reply(self, leaving: "asyncio.Task[None]") -> Answer | None:
        """Answer the caller, or end the answer early; the answer that is left to drain."""
        stopped, loop = self.tracker.stopped, asyncio.get_running_loop()
        # Eagerly: its request is sent before anything else is made ready. A call that is stopped already sends none.
        answering = asyncio.Task(self._answer(), loop=loop, eager_start=not stopped.done())
        is_overdue, left_ms = False, self.plan.call_timeout_ms - self.journal.elapsed_ms()
        try:
            done, _ = await asyncio.wait(
                (answering, leaving, stopped),
                timeout=max(0.0, left_ms) / 1000 + UNREAD_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
            is_overdue = not done
        finally:
            stop = stopped.result() if stopped.done() else None
            ending = ending_of(has_left=leaving.done(), stop=stop, is_overdue=is_overdue)
            answer = await self._end(answering, ending)
            if ending.is_told and self.journal.failure is ending.failure:
                await self._send_stopped(ending)
        return answer

    async def _conclude(self, answer: Answer | None) -> None:
        """Record the call, and read the rest of its answer.

        In parallel: the provider's connection must not wait for the table. The log line waits only for an answer whose
        usage may still come.
        """
        draining = None if answer is None else asyncio.create_task(answer.aclose(drain=True))
        try:
            if draining is not None and answer is not None and answer.lacks_usage:
                await asyncio.wait((draining,))
        finally:
            try:
                await self._record()
            finally:
                if draining is not None:
                    await draining

    async def _answer(self) -> Answer | None:
        """Get the answer and send it; returned when it was complete, closed when it was not."""
        has_choice = self.tracker is not NO_TURN and len(self.plan.targets) > 1
        hooks = Hooks(
            request_sent=self._request_sent,
            send_buffer_words=self._writer.buffer_words,
            internal_error=self._writer.log_internal_error,
            retry=self.tracker.retry,
            renumbered=self.tracker.renumbered if has_choice else None,
        )
        try:
            answer = await self.relay.answer(self.plan, self.journal, hooks)
        except GatewayError as error:
            await self._writer.refusal(error)
        except Exception:  # noqa: BLE001 — the caller gets an answer whatever happens, the log gets the reason
            await self._writer.internal_error()
        else:
            return answer if await self._writer.answer(answer) else None
        return None

    def _request_sent(self) -> None:
        """Write the open row and the turn while the provider works on its answer."""
        self.journal.turn = self.tracker.turn
        self.recorder.opened(self.journal)
        self.tracker.start()

    async def _end(self, answering: "asyncio.Task[Answer | None]", ending: Ending) -> Answer | None:
        """Take the answer's end, or cancel it; the answer that is left to drain."""
        answering.cancel()  # of no effect where it has ended
        try:
            return await answering
        except asyncio.CancelledError:
            self._end_early(ending)
        except CallerLeft:
            self._end_early(CLIENT_CLOSED)
        except Exception:
            # The server's own error, as for a header that it cannot send: it ends the response.
            self._writer.log_internal_error()
            self._end_early(SEND_FAILED)
            raise
        return None

    def _end_early(self, ending: Ending) -> None:
        journal = self.journal
        if journal.status is not Status.OPEN:
            return  # the caller had all of its answer
        journal.end_attempts(ending.failure.code)
        journal.ended(ending.status, ending.failure)
        journal.http_status = ending.failure.http_status

    async def _send_stopped(self, ending: Ending) -> None:
        """Send the reason to a caller that may still be connected: which of its requests it reads is not known."""
        answer = answer_stopped(ending.failure, ending.status)
        with suppress(CallerLeft, TimeoutError):  # a caller that does not read gets nothing
            async with asyncio.timeout(UNREAD_S):
                await self._writer.error(answer)

    async def _record(self) -> None:
        self.relay.ended(self.journal)
        self.journal.turn = self.tracker.turn
        record = self.recorder.completed(self.journal)  # before the first await: a cancellation cannot prevent it
        closing = None if self.tracker is NO_TURN else asyncio.create_task(self.tracker.close())
        try:
            await self.recorder.kept(record, self.journal.call.arrival)
        finally:
            if closing is not None:
                await closing


async def _disconnect(receive: Receive) -> None:
    """Return when the caller has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
