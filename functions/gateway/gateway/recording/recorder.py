"""One trace per call to the store, one log line, the metrics: after the reply is out."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from gateway.domain.attempt import OK, Attempt
from gateway.domain.call import Arrival, Caller, Capture, Labels
from gateway.domain.clock import Clock
from gateway.domain.errors import AddressRefused, ConnectFailed, UpstreamCut, UpstreamRejected, UpstreamReported
from gateway.domain.secret import scrub_bytes
from gateway.providers import table
from gateway.recording.journal import Journal
from gateway.recording.prompt_size import UNCOUNTED, measure
from gateway.recording.telemetry import Telemetry
from gateway.upstream.client import DEAD_WITHIN_S
from switchboard.domain.limits import MAX_FAILURE_CHARACTERS, MAX_FINISH_REASON_CHARACTERS, clipped
from switchboard.domain.notes import add_notes
from switchboard.domain.trace import AttemptRecord, Bodies, Failure, Status, Trace
from switchboard.domain.usage import ABSENT, Usage, UsageSource, estimate, estimate_output
from switchboard.store.ports import StoreUnavailable, TraceStore

_HTTP_OK = 200
_HTTP_REDIRECTS_FROM = 300

_NEVER_BILLED = frozenset({ConnectFailed.kind, AddressRefused.kind, UpstreamRejected.kind, UpstreamReported.kind})
"""Outcomes that no provider charges for: it was not reached, or it reported that it failed."""

WRITERS = 2
"""Threads that write. More would only compete with the streaming event loop for the interpreter's lock."""


class Recorder:
    """Writes traces. What the store does not take is logged, so that every call leaves a row or a log line."""

    def __init__(self, store: TraceStore, telemetry: Telemetry, clock: Clock) -> None:
        self._store = store
        self._telemetry = telemetry
        self._clock = clock
        self._writers = ThreadPoolExecutor(WRITERS, "recorder")
        self._opening: dict[str, asyncio.Task[None]] = {}

    def opened(self, journal: Journal) -> None:
        """A request is out: write the open row while the provider works on its answer."""
        trace_id = journal.call.trace_id
        if trace_id not in self._opening:
            trace = _trace(journal)
            self._opening[trace_id] = asyncio.create_task(self._open(trace))

    async def completed(self, journal: Journal) -> None:
        """The call is over and its reply is sent: write the trace, the log line and the metrics."""
        # Without the wait for the open row, and for usage that comes after the reply.
        duration_ms = journal.elapsed_ms() if journal.duration_ms is None else journal.duration_ms
        opening = self._opening.pop(journal.call.trace_id, None)
        if opening is not None:
            await opening
        trace = _trace(journal, duration_ms)
        await self._complete(trace, _bodies(journal), journal.http_status)

    async def refused(
        self,
        trace_id: str,
        arrival: Arrival,
        caller: Caller,
        labels: Labels,
        failure: Failure,
        *,
        status: Status = Status.REFUSED,
    ) -> None:
        """Record a request of a known caller that was refused before it became a call."""
        trace = Trace(
            trace_id=trace_id,
            project=caller.project,
            task_id=labels.task_id,
            environment=labels.environment,
            metadata=labels.metadata,
            started_at=arrival.at,
            status=status,
            streamed=False,
            key_id=caller.key_id,
            duration_ms=self._clock.milliseconds_since(arrival.moment),
            queue_ms=arrival.queue_ms,
            notes=labels.notes,
            failure=_bounded(failure),
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
        finish_reason=clipped(finish_reason, MAX_FINISH_REASON_CHARACTERS) if finish_reason else None,
        attempts=tuple(_attempt_record(journal, attempt) for attempt in journal.attempts if attempt.outcome),
        notes=_notes(journal),
        failure=_bounded(journal.failure),
        turn=journal.turn,
        buffered_ms=journal.buffered_ms,
        is_zero_retention=call.labels.is_zero_retention,
    )


def _bounded(failure: Failure | None) -> Failure | None:
    return None if failure is None else replace(failure, message=clipped(failure.message, MAX_FAILURE_CHARACTERS))


def _notes(journal: Journal) -> tuple[str, ...]:
    notes: list[str] = []
    add_notes(notes, _all_notes(journal))
    return tuple(notes)


def _all_notes(journal: Journal) -> Iterator[str]:
    """What is noted of the call; notes of attempts other than the decisive one begin with their target's name."""
    yield from journal.notes
    for attempt in journal.attempts:
        prefix = "" if attempt is journal.latest else f"{attempt.target.provider}/{attempt.target.model}: "
        yield from (prefix + note for note in attempt.notes)
        if attempt.outcome and _is_estimated_by_length(attempt) and measure(journal.call.chat).has_media:
            yield prefix + UNCOUNTED


def _attempt_record(journal: Journal, attempt: Attempt) -> AttemptRecord:
    ttft_ms = attempt.upstream_ttft_ms
    return AttemptRecord(
        provider=attempt.target.provider,
        host=attempt.target.host,
        model=attempt.target.model,
        outcome=attempt.outcome,
        started_ms=attempt.started_ms,
        duration_ms=round(attempt.duration_ms, 3),
        status=attempt.upstream_status,
        ttft_ms=None if ttft_ms is None else round(ttft_ms, 3),
        error=_error(journal, attempt),
        is_hedge=attempt.is_hedge,
        usage=ABSENT if attempt is journal.latest else _usage(journal, attempt),
    )


def _error(journal: Journal, attempt: Attempt) -> str | None:
    failure = attempt.failure
    if failure is None:
        return None
    return failure.fact if journal.call.labels.is_zero_retention else failure.message


def _usage(journal: Journal, attempt: Attempt) -> Usage:
    """The provider's count; where it sent none, an estimate from the prompt and the output."""
    provider = table.by_dialect(attempt.target.dialect)
    counted = provider.read_usage(attempt.transcript.usage)
    output_characters = attempt.transcript.characters
    if counted.source is UsageSource.PROVIDER:
        return replace(counted, billed_pico_usd=provider.read_bill(attempt.transcript.usage))
    if not (output_characters or _was_at_work(attempt)):
        return ABSENT
    if counted.tokens is not None:  # the prompt was counted, the output was not
        return estimate_output(counted.tokens, output_characters)
    return estimate(measure(journal.call.chat).characters, output_characters)


def _is_estimated_by_length(attempt: Attempt) -> bool:
    """Whether even the prompt is estimated."""
    counted = table.by_dialect(attempt.target.dialect).read_usage(attempt.transcript.usage)
    return counted.tokens is None and bool(attempt.transcript.characters or _was_at_work(attempt))


def _was_at_work(attempt: Attempt) -> bool:
    """Whether the provider had the prompt and worked on it, so that it charges for it whatever came of it."""
    if attempt.outcome == OK or attempt.sent_ms is None or attempt.outcome in _NEVER_BILLED:
        return False
    if attempt.outcome != UpstreamCut.kind or _is_good(attempt.upstream_status):
        return True
    # A connection that breaks at once, before any response, has most likely carried nothing.
    return attempt.ended_ms is not None and attempt.ended_ms - attempt.sent_ms >= DEAD_WITHIN_S * 1000


def _is_good(status: int | None) -> bool:
    return status is not None and _HTTP_OK <= status < _HTTP_REDIRECTS_FROM


def _bodies(journal: Journal) -> Bodies:
    if journal.call.labels.capture is not Capture.FULL:
        return Bodies()
    return Bodies(scrub_bytes(journal.call.body, journal.secrets), scrub_bytes(b"".join(journal.sent), journal.secrets))
