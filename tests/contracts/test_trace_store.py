"""The contract of every trace store: rows and bodies."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from switchboard.domain.trace import AttemptRecord, Bodies, Failure, Status, Trace
from switchboard.domain.usage import Usage, UsageSource, estimate
from switchboard.store.ports import FoundLost, TraceStore
from testkit.samples import NOON, a_usual_attempt, a_usual_usage, an_open_trace

PROMPT = 'You book tables. Löffel, 寿司, \\ " \u2028. ' * 200


def finished(trace: Trace) -> Trace:
    return replace(
        trace,
        status=Status.OK,
        ttft_ms=412.25,
        duration_ms=1840.501,
        gateway_ms=1.2,
        queue_ms=0.0,
        usage=a_usual_usage(),
        finish_reason="stop",
        attempts=(a_usual_attempt(),),
        notes=("max_tokens dropped",),
    )


def request_body(*messages: dict[str, str]) -> bytes:
    system = {"role": "system", "content": PROMPT}
    return json.dumps({"model": "m", "messages": [system, *messages], "stream": True}, ensure_ascii=False).encode()


def test_an_opened_trace_is_found(store: TraceStore) -> None:
    trace = an_open_trace()
    store.open_trace(trace)
    assert store.find_trace(trace.project, trace.trace_id) == trace
    assert store.find_bodies(trace.project, trace.trace_id) == Bodies()


def test_a_completed_trace_replaces_its_open_row(store: TraceStore) -> None:
    trace = an_open_trace()
    store.open_trace(trace)
    store.complete_trace(finished(trace), Bodies(b"request", b"response"))
    assert store.find_trace(trace.project, trace.trace_id) == finished(trace)
    assert store.list_traces(trace.project, limit=10).traces == (finished(trace),)


def test_a_trace_can_be_completed_without_an_open_row(store: TraceStore) -> None:
    trace = finished(an_open_trace())
    store.complete_trace(trace, Bodies())
    assert store.find_trace(trace.project, trace.trace_id) == trace


def test_a_late_open_does_not_replace_a_finished_trace(store: TraceStore) -> None:
    trace = an_open_trace()
    store.complete_trace(finished(trace), Bodies())
    store.open_trace(trace)
    assert store.find_trace(trace.project, trace.trace_id) == finished(trace)


def test_an_open_row_learns_how_far_the_call_is(store: TraceStore) -> None:
    trace = an_open_trace()
    store.open_trace(trace)
    further = replace(trace, usage=estimate(400, 80), provider="groq", attempts=(a_usual_attempt(),))
    store.open_trace(further)
    assert store.find_trace(trace.project, trace.trace_id) == further


def test_a_call_that_was_found_lost_stays_lost_and_its_caller_learns_it(store: TraceStore) -> None:
    trace = finished(an_open_trace())
    lost = replace(trace, status=Status.LOST, failure=Failure("lost", "Lost.", 500))
    store.complete_trace(lost, Bodies())
    store.complete_trace(lost, Bodies())
    with pytest.raises(FoundLost):
        store.complete_trace(trace, Bodies(b"request", b"answer"))
    assert store.find_trace(trace.project, trace.trace_id) == lost
    assert store.find_bodies(trace.project, trace.trace_id) == Bodies(b"request", b"answer")


def test_completing_twice_keeps_the_first(store: TraceStore) -> None:
    trace = finished(an_open_trace())
    store.complete_trace(trace, Bodies(b"first", b"first"))
    store.complete_trace(replace(trace, status=Status.LOST), Bodies(b"second", b"second"))
    assert store.find_trace(trace.project, trace.trace_id) == trace
    assert store.find_bodies(trace.project, trace.trace_id) == Bodies(b"first", b"first")


def test_a_failed_call_keeps_its_reason_and_every_attempt(store: TraceStore) -> None:
    attempts = (
        AttemptRecord("groq", "api.groq.com", "m", "FirstTokenLate", 0.5, 4000.0, error="no token in 4000 ms"),
        AttemptRecord("openai", "api.openai.com", "n", "UpstreamRefused", 4001.0, 12.125, status=429),
    )
    trace = replace(
        an_open_trace(),
        status=Status.UPSTREAM_ERROR,
        failure=Failure("all_targets_failed", "every target failed: late, 429", 502),
        attempts=attempts,
        usage=estimate(401, 0),
        model=None,
        provider=None,
        metadata={},
    )
    store.complete_trace(trace, Bodies())
    assert store.find_trace(trace.project, trace.trace_id) == trace


def test_absent_usage_stays_absent(store: TraceStore) -> None:
    trace = replace(finished(an_open_trace()), usage=Usage(UsageSource.ABSENT))
    store.complete_trace(trace, Bodies())
    found = store.find_trace(trace.project, trace.trace_id)
    assert found is not None
    assert found.usage.tokens is None


@pytest.mark.parametrize(
    "trace_id", ["", "#", "none", "x" * 36, "{" * 4000, "0" * 32, "ffffffff-ffff-7fff-bfff-ffffffffffff", "\ud800" * 36]
)
def test_an_invalid_id_is_not_found(store: TraceStore, trace_id: str) -> None:
    store.open_trace(an_open_trace())
    assert store.find_trace("acme", trace_id) is None


def test_an_id_is_only_found_in_its_canonical_spelling(store: TraceStore) -> None:
    trace = an_open_trace()
    store.open_trace(trace)
    assert store.find_trace(trace.project, trace.trace_id.upper()) is None


def test_another_projects_trace_is_not_found(store: TraceStore) -> None:
    trace = an_open_trace()
    store.complete_trace(finished(trace), Bodies(b"secret", None))
    assert store.find_trace("other", trace.trace_id) is None
    assert store.find_bodies("other", trace.trace_id) == Bodies()


@pytest.mark.parametrize(
    "bodies",
    [
        Bodies(b"", b""),
        Bodies(b"", None),
        Bodies(None, b""),
        Bodies(None, b"data: [DONE]\n\n"),
        Bodies(b"\xff\x00 no JSON", b"\x80"),
        Bodies(request_body(), b"data: {}\n\n"),
        Bodies(request_body({"role": "user", "content": "hi"}, {"role": "developer", "content": PROMPT + "!"}), None),
        Bodies(b'{"tools": [' + b'"x",' * 400 + b'"y"], "messages": "none"} ', b"ok"),
    ],
    ids=["both empty", "empty request", "empty response", "response", "binary", "shared", "two shared", "tools"],
)
def test_bodies_are_read_back_byte_for_byte(store: TraceStore, bodies: Bodies) -> None:
    trace = finished(an_open_trace())
    store.complete_trace(trace, bodies)
    assert store.find_bodies(trace.project, trace.trace_id) == bodies


def test_the_turns_of_a_conversation_keep_bodies_of_their_own(store: TraceStore) -> None:
    turns = {}
    for number in range(4):
        trace = finished(an_open_trace())
        bodies = Bodies(request_body(*[{"role": "user", "content": "and?"}] * number), b"answer %d" % number)
        store.complete_trace(trace, bodies)
        turns[trace.trace_id] = bodies
    assert {trace_id: store.find_bodies("acme", trace_id) for trace_id in turns} == turns


@pytest.mark.parametrize("text", ["#", "%", "%23", "a#b", "TASK", "acme#TASK#x", "寿司 \U0001f363", "é" * 3000])
def test_projects_and_tasks_hold_any_text(store: TraceStore, text: str) -> None:
    trace = finished(an_open_trace(project=text, task_id=text))
    store.open_trace(replace(trace, status=Status.OPEN))
    store.complete_trace(trace, Bodies(request_body(), b""))
    assert store.find_trace(text, trace.trace_id) == trace
    assert store.find_bodies(text, trace.trace_id) == Bodies(request_body(), b"")
    assert store.list_traces(text, limit=5, task_id=text).traces == (trace,)


def test_times_are_kept_in_full(store: TraceStore) -> None:
    trace = an_open_trace(started_at=NOON + timedelta(milliseconds=7))
    store.open_trace(trace)
    found = store.find_trace(trace.project, trace.trace_id)
    assert found is not None
    assert found.started_at == NOON + timedelta(milliseconds=7)
