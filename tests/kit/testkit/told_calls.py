"""The gateway's telemetry, told something of every kind."""

import logging
from dataclasses import replace
from pathlib import Path

from gateway.recording.observability import SERVICE, telemetry
from gateway.recording.telemetry import COMPLETED, Telemetry
from switchboard.domain.trace import Failure, RequestIds, Status, Trace
from testkit.running_gateway import RecordedLog
from testkit.samples import a_usual_attempt, a_usual_usage, an_open_trace

UNKNOWN = Failure("key_unknown", "The gateway does not know the key key_0123456789ab.", 401)
IDS = RequestIds(None, "a-1", "b-2")
BROKEN = Failure("upstream_cut", "groq (api.groq.com): the answer was cut off", 502)

A_REFUSED_ATTEMPT = replace(a_usual_attempt(), host="api.first.test", outcome="ConnectFailed", error="refused")

type Metrics = list[tuple[dict[str, tuple[str, float]], dict[str, str]]]


def real_telemetry() -> Telemetry:
    """The telemetry of the deployed gateway, writing to this test's standard output."""
    logging.Logger.manager.loggerDict.pop(SERVICE, None)  # a logger keeps the stream that it was made with
    return telemetry()


def answered() -> Trace:
    """A call that another target answered."""
    return replace(
        an_open_trace(),
        status=Status.OK,
        ttft_ms=412.5,
        duration_ms=1840.25,
        gateway_ms=3.1,
        queue_ms=0.5,
        usage=a_usual_usage(),
        finish_reason="stop",
        attempts=(A_REFUSED_ATTEMPT, a_usual_attempt()),
        notes=("left out max_tokens",),
    )


def _refused() -> Trace:
    return replace(
        an_open_trace(), status=Status.REFUSED, provider=None, model=None, streamed=False, failure=UNKNOWN, metadata={}
    )


def say_everything(spoken: Telemetry) -> None:
    """Every event, and every metric but a hedge."""
    spoken.opened(an_open_trace())
    spoken.completed(answered(), 200)
    spoken.completed(replace(answered(), failure=BROKEN, status=Status.TRUNCATED), 200)
    spoken.completed(_refused(), 400)
    spoken.refused(UNKNOWN, "key_0123456789ab", "T", IDS)
    spoken.turn_untracked("T", "arrival", "Could not connect", IDS)
    spoken.unwritten(answered(), COMPLETED, "Could not connect")
    try:
        Path("/dev/null/nothing").read_bytes()
    except OSError:
        spoken.failed("T", IDS)


def heard() -> tuple[RecordedLog, Metrics]:
    """What a telemetry writes of that."""
    log, metrics = RecordedLog(), []  # type: tuple[RecordedLog, Metrics]
    say_everything(Telemetry(log, lambda values, dimensions: metrics.append((values, dimensions))))
    return log, metrics
