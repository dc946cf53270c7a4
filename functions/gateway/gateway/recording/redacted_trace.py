"""A trace whose error texts say what was redacted in them. Its metadata stays: an owner asks by it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from gateway.domain.redaction import Redactor
from switchboard.domain.trace import Trace


def redacted_trace(trace: Trace, redactor: Redactor) -> Trace:
    """The trace as it may be stored and logged: the errors of its attempts and of the call are redacted."""
    counts = Counter[str]()
    attempts = tuple(
        attempt if attempt.error is None else replace(attempt, error=redactor.text(attempt.error, counts))
        for attempt in trace.attempts
    )
    failure = trace.failure
    if failure is not None:
        failure = replace(failure, message=redactor.text(failure.message, counts))
    return replace(with_counts(trace, counts), attempts=attempts, failure=failure) if counts else trace


def with_counts(trace: Trace, counts: Mapping[str, int]) -> Trace:
    """The trace that also tells of these."""
    return replace(trace, redacted=dict(Counter(trace.redacted) + Counter(counts))) if counts else trace
