from dataclasses import replace

from gateway.domain.redaction_kinds import DEFAULT, redactor
from gateway.recording.redacted_trace import redacted_trace, with_counts
from switchboard.domain.trace import Failure, Trace
from testkit.samples import a_usual_attempt, an_open_trace

CARD = "5555-5555-5555-4444"
REDACTOR = redactor(DEFAULT, {})
OPEN = an_open_trace()


def _trace(text: str) -> Trace:
    attempts = (replace(a_usual_attempt(), error=None), replace(a_usual_attempt(), error=f"a {text}"))
    failure = Failure("upstream_rejected", f"b {text} {text}", 502)
    return replace(OPEN, attempts=attempts, failure=failure, metadata={"card": text})


def test_errors_are_redacted_and_metadata_stays() -> None:
    trace = redacted_trace(_trace(CARD), REDACTOR)
    assert trace == replace(_trace("[redacted: card]"), metadata={"card": CARD}, redacted={"card": 3})
    assert redacted_trace(trace, REDACTOR) is trace


def test_a_trace_without_errors_stays() -> None:
    trace = an_open_trace()
    assert redacted_trace(trace, REDACTOR) is trace
    assert redacted_trace(_trace("nothing"), REDACTOR) == _trace("nothing")


def test_counts_add_up_by_kind() -> None:
    trace = with_counts(with_counts(an_open_trace(), {"card": 1}), {"card": 2, "key": 1})
    assert trace.redacted == {"card": 3, "key": 1}
    assert with_counts(trace, {}) is trace
