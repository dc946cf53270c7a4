"""The reply to one call, as an ASGI application: status and bytes once there are any, then the record of it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.answers import ErrorAnswer, answer_error, answer_failure, answer_internal
from gateway.errors import GatewayError, UpstreamFailure
from gateway.journal import Journal
from gateway.paths import Message, Receive, Send
from gateway.plan import Plan
from gateway.recorder import Recorder
from gateway.relay import Answer, Relay
from gateway.telemetry import Telemetry
from switchboard.trace import Failure, Status

type Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Ending:
    """Why an answer was broken off that its provider would have gone on with."""

    status: Status
    failure: Failure


CLIENT_CLOSED = Ending(
    Status.CLIENT_CLOSED, Failure("client_closed", "The caller left before the answer was complete.", 499)
)
GATEWAY_STOPPED = Ending(
    Status.TRUNCATED, Failure("gateway_stopped", "The gateway was stopped before the answer was complete.", 503)
)


@dataclass(frozen=True, slots=True)
class Reply:
    """Answers one call and records it. The caller may leave at any time; the upstream is then left at once."""

    journal: Journal
    plan: Plan
    relay: Relay
    recorder: Recorder
    telemetry: Telemetry

    async def __call__(self, _scope: object, receive: Receive, send: Send) -> None:
        answering = asyncio.create_task(self._answer(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            broken_off = CLIENT_CLOSED if leaving.done() else GATEWAY_STOPPED
            leaving.cancel()
            answer = await self._end(answering, broken_off)
            try:
                await self.recorder.completed(self.journal)
            finally:
                if answer is not None:
                    await answer.aclose(drain=True)

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
        if journal.target is not None:
            journal.attempted(journal.target, outcome=ending.failure.code)
        journal.ended(ending.status, ending.failure)
        journal.http_status = ending.failure.http_status

    async def _answer(self, send: Send) -> Answer | None:
        """Send the answer; returned when it was whole, closed when it was not."""
        journal = self.journal
        try:
            answer = await self.relay.answer(self.plan, journal, lambda: self.recorder.opened(journal))
        except GatewayError as error:
            await self._send_error(send, answer_error(error))
        except Exception:  # noqa: BLE001 — the caller gets an answer whatever happens, the log gets the reason
            self.telemetry.failed(journal.call.trace_id)
            await self._send_error(send, answer_internal())
        else:
            return await self._send_answer(send, answer)
        return None

    async def _send_answer(self, send: Send, answer: Answer) -> Answer | None:
        is_whole = False
        try:
            await send(_start(200, [("content-type", answer.content_type), *self._headers()]))
            is_whole = await self._send_chunks(send, answer)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if not is_whole:
                await answer.aclose(drain=False)
        return answer if is_whole else None

    async def _send_chunks(self, send: Send, answer: Answer) -> bool:
        """Pass the answer on; whether it had its end."""
        journal = self.journal
        try:
            async for chunk in answer.chunks:
                journal.sent.append(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except UpstreamFailure as failed:
            last = answer_failure(failed)
            journal.attempted(failed.target, failed)
            journal.ended(last.status, last.failure)
            event = b"data: " + last.body + b"\n\n"
            journal.sent.append(event)
            await send({"type": "http.response.body", "body": event, "more_body": True})
            return False
        if journal.target is not None:
            journal.attempted(journal.target)
        journal.ended(Status.OK)
        return True

    async def _send_error(self, send: Send, error: ErrorAnswer) -> None:
        journal = self.journal
        journal.ended(error.status, error.failure)
        journal.http_status = error.failure.http_status
        journal.sent.append(error.body)
        length = ("content-length", str(len(error.body)))
        await send(_start(journal.http_status, [*JSON_ERROR, length, *error.headers, *self._headers()]))
        await send({"type": "http.response.body", "body": error.body, "more_body": False})

    def _headers(self) -> list[Header]:
        call, journal = self.journal.call, self.journal
        timings = {"auth": call.auth_ms, "gateway": journal.gateway_ms}
        if call.chat.streamed and journal.ttft_ms is not None:
            timings["upstream"] = journal.ttft_ms - journal.sent_ms
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


def _start(status: int, headers: Iterable[Header]) -> Message:
    # What HTTP cannot carry in a header (a task id may hold any printable character) is escaped, not dropped.
    encoded = [(name.encode(), value.encode("latin-1", "backslashreplace")) for name, value in headers]
    return {"type": "http.response.start", "status": status, "headers": encoded}


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
