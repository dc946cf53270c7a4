"""The trace and the bodies of a call, from its journal."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.domain.attempt import OK, Attempt
from gateway.domain.call import Capture
from gateway.domain.cut_text import beginning
from gateway.domain.errors import AddressRefused, ConnectFailed, UpstreamCut
from gateway.domain.reports import UpstreamRejected, UpstreamReported
from gateway.providers import table
from gateway.providers.told import with_terms
from gateway.recording.journal import Journal
from gateway.recording.prompt import Prompt
from gateway.recording.prompt_size import UNCOUNTED
from gateway.recording.request_ids import request_ids
from gateway.recording.scrubbed_trace import scrubbed_trace
from gateway.upstream.client import DEAD_WITHIN_S
from switchboard.domain.limits import (
    MAX_FAILURE_CHARACTERS,
    MAX_FINISH_REASON_CHARACTERS,
    MAX_TRANSCRIPT_BYTES,
    clipped,
)
from switchboard.domain.notes import add_notes
from switchboard.domain.trace import AttemptRecord, Bodies, Failure, Trace
from switchboard.domain.usage import ABSENT, Usage, UsageSource, estimate, estimate_output

MB = 1024 * 1024
CUT = f"counted what came after {MAX_TRANSCRIPT_BYTES // MB} MB, without keeping it"
SHORT = "left out everything that is not certain: the gateway failed while it wrote the record"
_HTTP_OK = 200
_HTTP_REDIRECTS_FROM = 300

_NEVER_BILLED = frozenset({ConnectFailed.kind, AddressRefused.kind, UpstreamRejected.kind, UpstreamReported.kind})
"""Outcomes that no provider charges for: it was not reached, or it reported that it failed."""


def trace_of(journal: Journal, duration_ms: float | None = None, prompt: Prompt | None = None) -> Trace:
    """The trace of a call, without its secrets; `duration_ms` and `prompt` are None while the call runs."""
    call, latest, answering = journal.call, journal.latest, journal.answering
    trace = Trace(
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
        finish_reason=_finish_reason(journal, latest) if latest else None,
        attempts=tuple(_attempt_record(journal, attempt) for attempt in journal.attempts if attempt.outcome),
        notes=_notes(journal),
        failure=None if journal.failure is None else bounded(journal.failure),
        turn=journal.turn,
        buffered_ms=journal.buffered_ms,
        is_zero_retention=call.labels.is_zero_retention,
        has_bodies=duration_ms is not None and call.labels.capture is Capture.FULL,
        first_sentence_ms=journal.first_sentence_ms,
        longest_stall_ms=journal.longest_stall_ms,
        prompt_characters=None if prompt is None else prompt.characters,
        request_ids=request_ids(journal.platform_ids, latest),
    )
    return scrubbed_trace(trace, journal.scrubber)


def short_trace_of(journal: Journal, duration_ms: float | None) -> Trace:
    """The trace without what attempts and answers say, for the case that `trace_of` raises: no call is without one."""
    call = journal.call
    return Trace(
        trace_id=call.trace_id,
        project=call.caller.project,
        task_id=journal.scrubber.text(call.labels.task_id),
        environment=journal.scrubber.text(call.labels.environment),
        started_at=call.arrival.at,
        status=journal.status,
        streamed=call.chat.streamed,
        key_id=call.caller.key_id,
        duration_ms=duration_ms,
        notes=(SHORT,),
        is_zero_retention=call.labels.is_zero_retention,
        request_ids=request_ids(journal.platform_ids, None),
    )


def bodies_of(journal: Journal) -> Bodies:
    """The bodies as they passed through, with secrets; none where the call's capture leaves them out."""
    if journal.call.labels.capture is not Capture.FULL:
        return Bodies()
    return Bodies(journal.call.body, b"".join(journal.sent))


def bounded(failure: Failure) -> Failure:
    """The failure as it is stored."""
    if len(failure.message) <= MAX_FAILURE_CHARACTERS:
        return failure
    return replace(failure, message=f"{beginning(failure.message, MAX_FAILURE_CHARACTERS - 1)}…")


def _finish_reason(journal: Journal, latest: Attempt) -> str | None:
    reason = latest.transcript.finish_reason
    # Clipped before, it could end with the beginning of a secret.
    return clipped(journal.scrubber.text(reason), MAX_FINISH_REASON_CHARACTERS) if reason else None


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
        if attempt.transcript.is_cut:
            yield prefix + CUT
        doubts = table.by_dialect(attempt.target.dialect).doubts(attempt.transcript.usage)
        yield from (prefix + doubt for doubt in doubts)
        if attempt.outcome and _is_estimated_by_length(attempt) and journal.prompt_size.has_media:
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
    return failure.message if journal.call.labels.capture is Capture.FULL else failure.fact


def _usage(journal: Journal, attempt: Attempt) -> Usage:
    """The provider's count, with how the answer was served."""
    return with_terms(_counted(journal, attempt), attempt.transcript, attempt.target, journal.scrubber.text)


def _counted(journal: Journal, attempt: Attempt) -> Usage:
    """The provider's count; where it sent none, an estimate from the prompt and the output."""
    provider = table.by_dialect(attempt.target.dialect)
    counted = provider.usage_told(attempt.transcript.usage)
    output_characters = attempt.transcript.characters
    if counted.source is UsageSource.PROVIDER:
        return counted
    if not (output_characters or _was_at_work(attempt)):
        return ABSENT
    if counted.tokens is not None:  # the prompt was counted, the output was not
        return estimate_output(counted.tokens, output_characters)
    return estimate(journal.prompt_size.characters, output_characters)


def _is_estimated_by_length(attempt: Attempt) -> bool:
    """Whether even the prompt is estimated."""
    counted = table.by_dialect(attempt.target.dialect).usage_told(attempt.transcript.usage)
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
