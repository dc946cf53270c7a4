"""A trace without its call's secrets: callers put keys into labels, models and URLs, and providers repeat them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gateway.domain.secret import Scrubber
from switchboard.domain.trace import AttemptRecord, Failure, RequestIds, Trace


def scrubbed_trace(trace: Trace, scrubber: Scrubber) -> Trace:
    """The trace as it may be stored and logged."""
    if scrubber.leaves(_texts(trace)):  # nearly every trace: looked at once instead of text by text
        return trace
    return replace(
        trace,
        task_id=scrubber.text(trace.task_id),
        environment=scrubber.text(trace.environment),
        metadata=_metadata(trace.metadata, scrubber),
        model=_text(trace.model, scrubber),
        finish_reason=_text(trace.finish_reason, scrubber),
        attempts=tuple(_attempt(attempt, scrubber) for attempt in trace.attempts),
        notes=tuple(dict.fromkeys(scrubber.text(note) for note in trace.notes)),
        failure=_failure(trace.failure, scrubber),
        request_ids=scrubbed_ids(trace.request_ids, scrubber),
    )


def scrubbed_ids(ids: RequestIds, scrubber: Scrubber) -> RequestIds:
    """The ids as they may be stored and logged: callers can choose API Gateway's, by a header."""
    return replace(ids, provider=_text(ids.provider, scrubber), api_gateway=_text(ids.api_gateway, scrubber))


def _texts(trace: Trace) -> Iterator[str]:
    """Every text that is scrubbed."""
    yield from (trace.task_id, trace.environment, trace.model or "", trace.finish_reason or "")
    yield from trace.metadata
    yield from trace.metadata.values()
    for attempt in trace.attempts:
        yield from (attempt.host, attempt.model, attempt.error or "")
    yield from trace.notes
    yield trace.failure.message if trace.failure is not None else ""
    yield from (trace.request_ids.provider or "", trace.request_ids.api_gateway or "")


def _attempt(attempt: AttemptRecord, scrubber: Scrubber) -> AttemptRecord:
    return replace(
        attempt,
        host=scrubber.text(attempt.host),
        model=scrubber.text(attempt.model),
        error=_text(attempt.error, scrubber),
    )


def _metadata(metadata: Mapping[str, str], scrubber: Scrubber) -> dict[str, str]:
    return {scrubber.text(key): scrubber.text(value) for key, value in metadata.items()}


def _failure(failure: Failure | None, scrubber: Scrubber) -> Failure | None:
    return None if failure is None else replace(failure, message=scrubber.text(failure.message))


def _text(text: str | None, scrubber: Scrubber) -> str | None:
    return None if text is None else scrubber.text(text)
