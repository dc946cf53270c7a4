"""Answers that ended without a word, by their length limit or a content filter: the last resort of a call."""

from gateway.domain.attempt import Attempt
from gateway.domain.errors import EmptyCompletion
from gateway.recording.journal import Journal


def unspoken(attempt: Attempt, raw: bytes) -> EmptyCompletion:
    """The failure of such an attempt. `raw`: the whole answer for the caller."""
    reason = attempt.transcript.finish_reason
    return EmptyCompletion(attempt.target, f"the answer ended with {reason!r} before its first word", raw=raw)


def take_unspoken(journal: Journal) -> bytes | None:
    """Such an answer of one of the call's attempts, which the call then counts as answering; None without one."""
    for attempt in journal.attempts:
        failure = attempt.failure
        if isinstance(failure, EmptyCompletion) and failure.raw:
            journal.answering = attempt
            return failure.raw
    return None
