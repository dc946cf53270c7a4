"""The reply to one call, as an ASGI application: status and bytes once there are any, then the record of it."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.api import buffer_words
from gateway.api.error_answers import ErrorAnswer, answer_error, answer_failure, answer_internal, answer_stopped
from gateway.api.paths import Receive, Send
from gateway.domain.errors import AttemptBroken, GatewayError, UpstreamFailure
from gateway.recording.journal import OK, Journal
from gateway.recording.recorder import Recorder
from gateway.recording.telemetry import Telemetry
from gateway.relay.attempt import Answer
from gateway.relay.hooks import Hooks
from gateway.relay.relay import Relay
from gateway.routing.plan import Plan
from gateway.turns.tracker import NO_TURN, Watch
from switchboard.domain.trace import Failure, Status
from switchboard.domain.turns import Stop

type Header = tuple[str, str]

EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why an answer was broken off that its provider would have gone on with.

    `is_told`: whether the caller may be listening still.
    """

    status: Status
    failure: Failure
    is_told: bool = True


CLIENT_CLOSED = Ending(
    Status.CLIENT_CLOSED,
    Failure("client_closed", "The caller left before the answer was complete.", 499),
    is_told=False,
)
GATEWAY_STOPPED = Ending(
    Status.TRUNCATED, Failure("gateway_stopped", "The gateway was stopped before the answer was complete.", 503)
)
UNREAD = Ending(
    Status.TIMEOUT,
    Failure("answer_late", "The caller did not take the whole answer within the call's time.", 504),
    is_told=False,
)
UNREAD_S = 1.0
"""How long after the call's time, when a provider that still talks is left, a caller that does not read is left too."""
STOPPED = {
    Stop.SUPERSEDED: Ending(
        Status.SUPERSEDED, Failure("turn_answered", "Another request for this turn was answered first.", 409)
    ),
    Stop.INTERRUPTED: Ending(
        Status.INTERRUPTED, Failure("barge_in", "The conversation has gone on to a later turn.", 409)
    ),
}


@dataclass(slots=True)
class _Outlet:
    """The way to the caller."""

    send: Send
    has_begun: bool = False

    async def begin(self, status: int, headers: Iterable[Header]) -> None:
        self.has_begun = True
        # What HTTP cannot carry in a header (a task id may hold any printable character) is escaped, not dropped.
        encoded = [(name.encode(), value.encode("latin-1", "backslashreplace")) for name, value in headers]
        await self.send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, content: bytes) -> None:
        await self.send({"type": "http.response.body", "body": content, "more_body": True})

    async def end(self, content: bytes = b"") -> None:
        await self.send({"type": "http.response.body", "body": content, "more_body": False})


@dataclass(slots=True)
class Reply:
    """Answers one call and records it.

    The caller may leave at any time, and the conversation go on without this call: the upstream is then left at once.
    """

    journal: Journal
    plan: Plan
    relay: Relay
    recorder: Recorder
    telemetry: Telemetry
    watch: Watch = NO_TURN
    _outlet: _Outlet = field(init=False)

    async def __call__(self, _scope: object, receive: Receive, send: Send) -> None:
        self._outlet = _Outlet(send)
        stopped, loop = self.watch.stopped, asyncio.get_running_loop()
        # Eagerly: its request goes out before anything else is made ready. A call that came too late makes none.
        answering = asyncio.Task(self._answer(), loop=loop, eager_start=not stopped.done())
        leaving = asyncio.create_task(_left(receive))
        broken_off, left_ms = GATEWAY_STOPPED, self.plan.call_timeout_ms - self.journal.elapsed_ms()
        try:
            done, _ = await asyncio.wait(
                (answering, leaving, stopped),
                timeout=max(0.0, left_ms) / 1000 + UNREAD_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
            broken_off = broken_off if done else UNREAD
        finally:
            if leaving.done():
                broken_off = CLIENT_CLOSED
            elif stopped.done():
                broken_off = STOPPED[stopped.result()]
            answer = await self._end(answering, broken_off)
            if broken_off.is_told and self.journal.failure is broken_off.failure:
                await self._send_stopped(broken_off)
            leaving.cancel()
            # Beside the record: the provider's connection must not wait for the table.
            draining = None if answer is None else asyncio.create_task(answer.aclose(drain=True))
            try:
                await self._record()
            finally:
                if draining is not None:
                    await draining

    async def _record(self) -> None:
        self.relay.ended(self.journal)
        self.journal.turn = self.watch.turn
        await asyncio.gather(self.watch.close(), self.recorder.completed(self.journal))

    async def _send_stopped(self, ending: Ending) -> None:
        """Tell a caller who may be listening still: nobody can say which of its requests it listens to."""
        answer = answer_stopped(ending.failure, ending.status)
        with suppress(OSError):  # a timeout is one too: who takes nothing need not be told
            async with asyncio.timeout(UNREAD_S):
                await self._send_error(answer)

    async def _end(self, answering: "asyncio.Task[Answer | None]", broken_off: Ending) -> Answer | None:
        """Let the answer end, or end it where it cannot go on; what is left to drain of it."""
        answering.cancel()  # of no effect where it has ended
        try:
            return await answering
        except asyncio.CancelledError:
            self._break_off(broken_off)
        except OSError:  # the caller's connection broke while it was written to
            self._break_off(CLIENT_CLOSED)
        return None

    def _break_off(self, ending: Ending) -> None:
        journal = self.journal
        if journal.status is not Status.OPEN:
            return  # it had all of its answer
        journal.ended_tries(ending.failure.code)
        journal.ended(ending.status, ending.failure)
        journal.http_status = ending.failure.http_status

    async def _answer(self) -> Answer | None:
        """Send the answer; returned when it was whole, closed when it was not."""
        journal = self.journal
        has_choice = self.watch is not NO_TURN and len(self.plan.targets) > 1
        renumbered = self.watch.renumbered if has_choice else None
        hooks = Hooks(self._waiting, self._say, self.watch.retry, renumbered, self._broken)
        try:
            answer = await self.relay.answer(self.plan, journal, hooks)
        except GatewayError as error:
            await self._send_error(answer_error(error))
        except Exception:  # noqa: BLE001 — the caller gets an answer whatever happens, the log gets the reason
            self._broken()
            internal = answer_internal()
            journal.ended_tries(internal.failure.code)
            await self._send_error(internal)
        else:
            return await self._send_answer(answer)
        return None

    def _waiting(self) -> None:
        """A request is out: what is kept of the call and of its turn is written beside the wait."""
        self.journal.turn = self.watch.turn
        self.recorder.opened(self.journal)
        self.watch.start()

    def _broken(self) -> None:
        """The gateway itself failed."""
        self.telemetry.failed(self.journal.call.trace_id)

    async def _say(self, words: str) -> None:
        """Buffer words, while no target has spoken. They are no part of the answer that is kept."""
        with suppress(OSError):  # the news that the caller has left comes by its own way
            await self._begin(EVENT_STREAM)
            await self._outlet.write(buffer_words.chunk(self.journal.call, words))
            self.journal.buffered_ms = self.journal.elapsed_ms()

    async def _begin(self, content_type: str) -> None:
        if not self._outlet.has_begun:
            await self._outlet.begin(200, [("content-type", content_type), *self._headers()])

    async def _send_answer(self, answer: Answer) -> Answer | None:
        sent = None
        try:
            await self._begin(answer.content_type)
            is_whole = await self._send_chunks(answer)
            await self._outlet.end()
            sent = answer if is_whole else None
        finally:
            if sent is None:
                await answer.aclose(drain=False)
        return sent

    async def _send_chunks(self, answer: Answer) -> bool:
        """Pass the answer on; whether it had its end."""
        journal = self.journal
        try:
            async for chunk in answer.chunks:
                journal.sent.append(chunk)
                # Before the write: a call that has begun to speak must not be taken for a silent one while it waits.
                self.watch.spoke()
                await self._outlet.write(chunk)
        except UpstreamFailure as failed:
            await self._break_stream(failed)
            return False
        except OSError:  # the caller's connection
            raise
        except Exception:
            if journal.answering is None:
                raise
            self._broken()
            await self._break_stream(AttemptBroken(journal.answering.target))
            return False
        if journal.answering is not None:
            journal.ended_try(journal.answering, OK)
        journal.ended(Status.OK)
        return True

    async def _break_stream(self, failed: UpstreamFailure) -> None:
        """Say in the stream that it ends here, and why."""
        if self.journal.answering is not None:
            self.journal.ended_try(self.journal.answering, "", failed)
        await self._outlet.write(self._note_failure(answer_failure(failed)))

    async def _send_error(self, error: ErrorAnswer) -> None:
        journal = self.journal
        if self._outlet.has_begun:  # the status is said, be it for buffer words alone
            return await self._outlet.end(self._note_failure(error))
        journal.ended(error.status, error.kept(is_zero_retention=journal.call.labels.is_zero_retention))
        journal.http_status = error.failure.http_status
        journal.sent.append(error.body)
        length = ("content-length", str(len(error.body)))
        await self._outlet.begin(journal.http_status, [*JSON_ERROR, length, *error.headers, *self._headers()])
        return await self._outlet.end(error.body)

    def _note_failure(self, error: ErrorAnswer) -> bytes:
        """Note how a stream that had begun failed; the last event, which tells the caller."""
        self.journal.http_status = 200
        self.journal.ended(error.status, error.kept(is_zero_retention=self.journal.call.labels.is_zero_retention))
        event = b"data: " + error.body + b"\n\n"
        self.journal.sent.append(event)
        return event

    def _headers(self) -> list[Header]:
        call, journal = self.journal.call, self.journal
        timings = {"auth": call.auth_ms, "gateway": journal.gateway_ms}
        answering = journal.answering
        if answering is not None and answering.ttft_ms is not None:
            timings["upstream"] = answering.ttft_ms - answering.started_ms
        elif not call.chat.streamed:
            timings["total"] = journal.elapsed_ms()
        return [
            *trace_headers(call.trace_id, call.labels.task_id),
            ("server-timing", ", ".join(f"{name};dur={ms:.1f}" for name, ms in timings.items() if ms is not None)),
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
        ]


JSON_ERROR: tuple[Header, ...] = (("content-type", "application/json"),)


def trace_headers(trace_id: str, task_id: str) -> list[Header]:
    """The headers by which a caller finds its call again."""
    return [("x-inference-trace-id", trace_id), ("x-inference-task-id", task_id)]


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
