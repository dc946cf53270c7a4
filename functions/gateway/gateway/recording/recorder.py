"""One trace per call to the store, one log line, the metrics: after the reply is out."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from gateway.domain.call import Arrival, Call, Caller, Capture, Labels
from gateway.domain.clock import Clock
from gateway.domain.secret import scrub_bytes
from gateway.providers import table
from gateway.recording.journal import OK, Journal, Try
from gateway.recording.telemetry import Telemetry
from gateway.upstream.client import DEAD_WITHIN_S
from switchboard.domain.trace import AttemptRecord, Bodies, Failure, Status, Trace
from switchboard.domain.usage import ABSENT, Usage, UsageSource, estimate, estimate_output
from switchboard.store.ports import StoreUnavailable, TraceStore

MAX_FINISH_REASON_CHARACTERS = 64
_HTTP_OK = 200

_NEVER_AT_WORK = frozenset({"ConnectFailed", "AddressRefused", "UpstreamRejected", "UpstreamReported"})
"""How attempts end that no provider bills: it was not reached, or said itself that it failed."""


WRITERS = 2
"""Threads that write. More of them would only take turns at the interpreter's lock with the loop that streams."""


class Recorder:
    """Keeps calls. What the store does not take is logged: a call is never lost without a word."""

    def __init__(self, store: TraceStore, telemetry: Telemetry, clock: Clock) -> None:
        self._store = store
        self._telemetry = telemetry
        self._clock = clock
        self._writers = ThreadPoolExecutor(WRITERS, "recorder")
        self._opening: dict[str, asyncio.Task[None]] = {}

    def opened(self, journal: Journal) -> None:
        """A request is out and its answer awaited: keep the open row, beside the wait."""
        trace_id = journal.call.trace_id
        if trace_id not in self._opening:
            trace = _trace(journal)
            self._opening[trace_id] = asyncio.create_task(self._open(trace))

    async def completed(self, journal: Journal) -> None:
        """The call is over and its reply is out."""
        duration_ms = journal.elapsed_ms()  # before what is still being written of the call is waited for
        opening = self._opening.pop(journal.call.trace_id, None)
        if opening is not None:
            await opening
        trace = _trace(journal, duration_ms)
        await self._complete(trace, _bodies(journal), journal.http_status)

    async def refused(self, trace_id: str, arrival: Arrival, caller: Caller, labels: Labels, failure: Failure) -> None:
        """A known caller's request was not good enough to become a call."""
        trace = Trace(
            trace_id=trace_id,
            project=caller.project,
            task_id=labels.task_id,
            environment=labels.environment,
            metadata=labels.metadata,
            started_at=arrival.at,
            status=Status.REFUSED,
            streamed=False,
            key_id=caller.key_id,
            duration_ms=self._clock.milliseconds_since(arrival.moment),
            queue_ms=arrival.queue_ms,
            notes=labels.notes,
            failure=failure,
            is_zero_retention=labels.is_zero_retention,
        )
        await self._complete(trace, Bodies(), failure.http_status)

    async def _open(self, trace: Trace) -> None:
        self._telemetry.opened(trace)
        await self._keep(trace.trace_id, "open", lambda: self._store.open_trace(trace))

    async def _complete(self, trace: Trace, bodies: Bodies, http_status: int) -> None:
        await self._keep(trace.trace_id, "completed", lambda: self._store.complete_trace(trace, bodies))
        self._telemetry.completed(trace, http_status)

    async def _keep(self, trace_id: str, what: str, write: Callable[[], None]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._writers, write)
        except StoreUnavailable:
            self._telemetry.unwritten(trace_id, what)


def _trace(journal: Journal, duration_ms: float | None = None) -> Trace:
    call, latest, answering = journal.call, journal.latest, journal.answering
    finish_reason = latest.transcript.finish_reason if latest else None
    return Trace(
        trace_id=call.trace_id,
        project=call.caller.project,
        task_id=call.labels.task_id,
        environment=call.labels.environment,
        metadata=call.labels.metadata,
        started_at=call.arrival.at,
        status=journal.status,
        streamed=call.chat.streamed,
        key_id=call.caller.key_id,
        model=latest.target.model if latest else call.chat.model,
        provider=latest.target.provider if latest else None,
        ttft_ms=answering.ttft_ms if answering else None,
        duration_ms=duration_ms,
        gateway_ms=journal.gateway_ms,
        queue_ms=call.arrival.queue_ms,
        usage=_usage(journal, latest) if latest else ABSENT,
        finish_reason=finish_reason[:MAX_FINISH_REASON_CHARACTERS] if finish_reason else None,
        attempts=tuple(_attempt(journal, notes) for notes in journal.tries if notes.outcome),
        notes=tuple(dict.fromkeys(_notes(journal))),
        failure=journal.failure,
        turn=journal.turn,
        buffered_ms=journal.buffered_ms,
        is_zero_retention=call.labels.is_zero_retention,
    )


def _notes(journal: Journal) -> Iterator[str]:
    """What is noted of the call; of attempts that another one stands for, with their target's name."""
    yield from journal.notes
    for notes in journal.tries:
        before = "" if notes is journal.latest else f"{notes.target.provider}/{notes.target.model}: "
        yield from (before + change for change in notes.changes)


def _attempt(journal: Journal, notes: Try) -> AttemptRecord:
    ended_ms = notes.started_ms if notes.ended_ms is None else notes.ended_ms
    return AttemptRecord(
        provider=notes.target.provider,
        host=notes.target.host,
        model=notes.target.model,
        outcome=notes.outcome,
        started_ms=notes.started_ms,
        duration_ms=round(ended_ms - notes.started_ms, 3),
        status=notes.upstream_status,
        ttft_ms=None if notes.ttft_ms is None else round(notes.ttft_ms - notes.started_ms, 3),
        error=_error(journal, notes),
        is_hedge=notes.is_hedge,
        usage=ABSENT if notes is journal.latest else _usage(journal, notes),
    )


def _error(journal: Journal, notes: Try) -> str | None:
    failed = notes.failure
    if failed is None:
        return None
    return failed.fact if journal.call.labels.is_zero_retention else failed.message


def _usage(journal: Journal, notes: Try) -> Usage:
    """The provider's count; where it told nothing, an estimate of what was asked for and what was produced."""
    provider = table.by_dialect(notes.target.dialect)
    told = provider.read_usage(notes.transcript.usage)
    produced = notes.transcript.characters
    if told.source is UsageSource.PROVIDER:
        return replace(told, billed_pico_usd=provider.read_bill(notes.transcript.usage))
    if not (produced or _was_at_work(notes)):
        return ABSENT
    if told.tokens is not None:  # the prompt was counted, the output was not
        return estimate_output(told.tokens, produced)
    return estimate(_prompt_characters(journal.call), produced)


def _was_at_work(notes: Try) -> bool:
    """Whether the provider had the prompt and worked on it, so that it cost something whatever came of it."""
    if notes.outcome == OK or notes.sent_ms is None or notes.outcome in _NEVER_AT_WORK:
        return False
    if notes.outcome != "UpstreamCut" or notes.upstream_status == _HTTP_OK:
        return True
    # A connection that breaks at once, before any answer, is more likely to have carried nothing.
    return notes.ended_ms is not None and notes.ended_ms - notes.sent_ms >= DEAD_WITHIN_S * 1000


def _prompt_characters(call: Call) -> int:
    contents = [message.get("content") for message in call.chat.messages]
    tools = call.chat.others.get("tools")
    return sum(len(content if isinstance(content, str) else repr(content)) for content in contents if content) + (
        len(repr(tools)) if tools else 0
    )


def _bodies(journal: Journal) -> Bodies:
    if journal.call.labels.capture is not Capture.FULL:
        return Bodies()
    return Bodies(scrub_bytes(journal.call.body, journal.secrets), scrub_bytes(b"".join(journal.sent), journal.secrets))
