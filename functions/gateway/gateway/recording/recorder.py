"""One log line and the metrics for each call, and its trace to the store: after the reply is out."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from gateway.domain.call import Arrival, Caller, Labels
from gateway.domain.clock import Clock
from gateway.domain.redaction import Redactor
from gateway.recording.journal import Journal
from gateway.recording.kept_content import KeptContent
from gateway.recording.prompt import Prompt
from gateway.recording.record_queue import LATE, Record, RecordQueue
from gateway.recording.redacted_trace import redacted_trace
from gateway.recording.request_ids import request_ids
from gateway.recording.telemetry import BODIES, COMPLETED, Telemetry
from gateway.recording.traces import bodies_of, bounded, short_trace_of, trace_of
from switchboard.domain.trace import NO_REQUEST_IDS, Bodies, Failure, RequestIds, Status, Trace
from switchboard.store.ports import TraceStore

PROGRESS_S = 10.0
"""How often the open row of a call learns what has been produced. Most calls end before the first time."""
AFTER_REPLY_MS = 2_800
"""How long a sandbox of Lambda may work after a reply in all. The next call waits meanwhile, and the time is billed."""
USUAL_S = 1.0
"""How long a reply waits for its record elsewhere. A store that is well takes it by then; the record waits on alone."""
RESERVE_MS = 200
"""The function ends this long before Lambda would stop it."""


@dataclass(frozen=True, slots=True)
class _Opening:
    """The open row of a call under way, and the timer that writes it again."""

    record: Record
    again: asyncio.TimerHandle


class Recorder:
    """Records calls. Every finished call has a log line before anything is written, then a row or a second line.

    Where the process may stop as soon as the call is over, as on Lambda, a record has only the call's own time.
    Elsewhere it is written beside later calls, for as long as it takes, and the host calls `drain` before it ends.
    """

    def __init__(
        self,
        store: TraceStore,
        telemetry: Telemetry,
        clock: Clock,
        random: Random,
        *,
        redactor: Redactor,
        writers: Executor | None = None,
    ) -> None:
        self._redactor = redactor
        self._telemetry = telemetry
        self._clock = clock
        self._queue = RecordQueue(store, self._log_unwritten, random, writers=writers)
        self._opening: dict[str, _Opening] = {}

    @property
    def waiting(self) -> int:
        """How many finished calls are not yet written."""
        return self._queue.waiting

    async def drain(self, *, until_s: float | None, progress: Callable[[int], None]) -> int:
        """Wait until every finished call is written; after `until_s` seconds (None: without limit) the rest is logged.

        `progress` is told how many are waiting, at first and after each change. Returns how many were not written; each
        of them has a line `trace.unwritten`. Where this is cancelled, the rest is logged too.
        """
        return await self._queue.drain(until_s=until_s, progress=progress)

    def opened(self, journal: Journal) -> None:
        """A request is out: log it, and write the open row while the provider works on its answer."""
        if journal.call.trace_id in self._opening:
            return
        trace = trace_of(journal)
        with suppress(OSError, ValueError):  # a log that cannot be written costs no call
            self._telemetry.opened(trace)
        self._write_open(journal, trace)

    def completed(self, journal: Journal) -> Record:
        """The call is over and its reply is sent: log and count it, and begin to write its trace."""
        # Without the time in which usage comes after the reply.
        duration_ms = journal.elapsed_ms() if journal.duration_ms is None else journal.duration_ms
        self._forget_open(journal)
        try:
            content = KeptContent.of(journal.call, journal.scrubber, self._redactor)
            trace = trace_of(journal, duration_ms, content.prompt)
        except Exception:  # noqa: BLE001 - whatever it is, the call keeps a row
            self._telemetry.failed(journal.call.trace_id, journal.platform_ids)
            content = KeptContent(Prompt(), journal.scrubber, self._redactor, journal.call.labels.capture)
            trace = short_trace_of(journal, duration_ms)
        return self._complete(trace, journal.http_status, lambda: bodies_of(journal), content)

    async def refused(
        self,
        trace_id: str,
        arrival: Arrival,
        caller: Caller,
        labels: Labels,
        failure: Failure,
        *,
        status: Status = Status.REFUSED,
        platform_ids: RequestIds = NO_REQUEST_IDS,
    ) -> None:
        """Record a request of a known caller that was refused before it became a call."""
        duration_ms = self._clock.milliseconds_since(arrival.moment)
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
            duration_ms=duration_ms,
            queue_ms=arrival.queue_ms,
            notes=labels.notes,
            failure=bounded(failure),
            is_zero_retention=labels.is_zero_retention,
            request_ids=request_ids(platform_ids, None),
        )
        await self.kept(self._complete(trace, failure.http_status, Bodies), arrival)

    async def kept(self, record: Record, arrival: Arrival) -> None:
        """Wait for the record. Where the process may stop after the call, one that is late is given up and logged."""
        if arrival.remaining_ms is None:
            await asyncio.wait((record.over,), timeout=USUAL_S)
            return
        elapsed_ms = self._clock.milliseconds_since(arrival.moment)
        left_ms = (record.trace.duration_ms or 0.0) + AFTER_REPLY_MS - elapsed_ms
        left_ms = min(left_ms, arrival.remaining_ms - RESERVE_MS - elapsed_ms)
        try:
            await asyncio.wait((record.over,), timeout=max(0.0, left_ms) / 1000)
        finally:
            self._queue.give_up(record, LATE)

    def _write_open(self, journal: Journal, trace: Trace) -> None:
        """Write the open row, and write it again when the call has gone on for a while."""
        record = self._record(redacted_trace(trace, self._redactor), is_open=True)
        again = asyncio.get_running_loop().call_later(PROGRESS_S, self._note_progress, journal)
        self._opening[journal.call.trace_id] = _Opening(record, again)
        self._queue.put(record)

    def _note_progress(self, journal: Journal) -> None:
        """Of a call whose process is killed, the open row is all that is priced: it has what was produced by then."""
        self._forget_open(journal)
        self._write_open(journal, trace_of(journal))

    def _forget_open(self, journal: Journal) -> None:
        opening = self._opening.pop(journal.call.trace_id, None)
        if opening is not None:
            opening.again.cancel()
            self._queue.drop(opening.record)

    def _complete(
        self, trace: Trace, http_status: int, read_bodies: Callable[[], Bodies], content: KeptContent | None = None
    ) -> Record:
        trace = redacted_trace(trace, self._redactor)
        with suppress(OSError, ValueError):
            self._telemetry.completed(trace, http_status)
        record = self._record(trace, read_bodies(), content)
        self._queue.put(record)
        return record

    def _record(
        self, trace: Trace, bodies: Bodies | None = None, content: KeptContent | None = None, *, is_open: bool = False
    ) -> Record:
        over = asyncio.get_running_loop().create_future()
        return Record(trace, over, bodies or Bodies(), content, is_open=is_open)

    def _log_unwritten(self, record: Record, reason: str) -> None:
        with suppress(Exception):  # the line has the rest of the row all the same
            record.complete_trace()
        with suppress(OSError, ValueError):
            self._telemetry.unwritten(record.trace, BODIES if record.has_row else COMPLETED, reason)
